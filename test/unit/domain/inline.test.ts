import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inlineTypeOf, SHOWN_TYPES } from '../../../src/domain/inline.js';

test.each([
  ['text/plain', 'text/plain; charset=utf-8'],
  ['Text/Plain; charset=utf-7', 'text/plain; charset=utf-8'],
  ['text/markdown', 'text/plain; charset=utf-8'],
  ['text/csv', 'text/plain; charset=utf-8'],
  ['application/json', 'text/plain; charset=utf-8'],
  [' image/PNG ', 'image/png'],
  ['image/jpeg', 'image/jpeg'],
  ['image/avif', 'image/avif'],
])('%s is shown as %s', (mimeType, shown) => {
  expect(inlineTypeOf(mimeType)).toBe(shown);
});

test.each([
  'text/html',
  'application/xhtml+xml',
  'image/svg+xml',
  'application/xml',
  'text/xml',
  'application/pdf',
  'text/javascript',
  'text/css',
  'application/octet-stream',
  'multipart/x-mixed-replace',
  'message/rfc822',
  'text/html, text/plain',
  'image/png,text/html',
  'constructor',
  '__proto__',
  '',
])('%s is never shown', (mimeType) => {
  expect(inlineTypeOf(mimeType)).toBeNull();
});

test('whatever a type is called, it is shown as plain text, as one of five kinds of images, or not at all', () => {
  expect(SHOWN_TYPES).toEqual(['text/plain', 'image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif']);
  const odd = fc.oneof(
    fc.string(),
    fc.tuple(fc.constantFrom(...SHOWN_TYPES), fc.string()).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(odd, (mimeType) => {
      const shown = inlineTypeOf(mimeType);
      if (shown !== null) expect(SHOWN_TYPES).toContain(shown.replace('; charset=utf-8', ''));
    }),
  );
});
