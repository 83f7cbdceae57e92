import { parse } from 'content-disposition';
import fc from 'fast-check';
import { validateHeaderValue } from 'node:http';
import { describe, expect, test } from 'vitest';
import { canonicalPath, fileNameOf } from '../../../src/domain/keys.js';
import { startTestApi } from '../../support/api.js';

const bytes = Buffer.from('<script>alert(1)</script>');

describe('a file that is asked for inline', () => {
  test.each([
    ['notes.txt', 'text/plain; charset=utf-8'],
    ['notes.md', 'text/plain; charset=utf-8'],
    ['table.csv', 'text/plain; charset=utf-8'],
    ['result.json', 'text/plain; charset=utf-8'],
    ['chart.png', 'image/png'],
    ['photo.webp', 'image/webp'],
  ])('as safe as %s is shown as %s, in a sandbox', async (fileName, type) => {
    const api = await startTestApi();
    const id = await api.upload({ fileName, bytes });
    const { headers, rawPayload } = await api.send({ url: `/v1/artifacts/${id}/content?disposition=inline` });
    expect(headers).toMatchObject({
      'content-type': type,
      'content-disposition': `inline; filename=${fileName}`,
      'content-security-policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'cross-origin-resource-policy': 'same-site',
      'cache-control': 'private, no-store',
    });
    expect(rawPayload).toEqual(bytes);
  });

  test.each(['page.html', 'page.xhtml', 'logo.svg', 'feed.xml', 'paper.pdf', 'code.js', 'style.css', 'no-type'])(
    'such as %s stays an attachment of no type',
    async (fileName) => {
      const api = await startTestApi();
      const id = await api.upload({ fileName, bytes });
      const { headers } = await api.send({ url: `/v1/artifacts/${id}/content?disposition=inline` });
      expect(headers).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-disposition': `attachment; filename=${fileName}`,
        'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
        'x-content-type-options': 'nosniff',
      });
    },
  );

  test('is an attachment when nobody asks for more', async () => {
    const api = await startTestApi();
    const id = await api.upload({ fileName: 'notes.txt', bytes });
    const { headers } = await api.send({ url: `/v1/artifacts/${id}/content` });
    expect(headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename=notes.txt',
    });
  });
});

/** What an upload would call the file; null when its name is refused. */
function acceptedName(name: string): string | null {
  try {
    return fileNameOf(canonicalPath(name));
  } catch {
    return null;
  }
}

const hostile = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('"', "'", '%', '%0d%0a', ';', '\\', '=', '=?', '🦊', 'é', 'ا'),
    ),
  )
  .map((parts) => parts.join(''));

describe('the name in Content-Disposition', () => {
  test.each([
    'a\r\nset-cookie: x.txt',
    'exe\u202etxt.scr',
    '\u2066a\u2069',
    'a\u0000.txt',
    'half \ud83e.txt',
    '..',
    'a\\b',
  ])('is never %j: no upload may have it', (name) => {
    expect(acceptedName(name)).toBeNull();
  });

  test.each([
    'quote".txt',
    "it's; x=y.txt",
    '%41%0d%0a.txt',
    '.htaccess',
    '👩‍👩‍👧.png',
    `${'한'.repeat(160)}.txt`,
    'e\u0301.txt',
  ])('survives as %s, through the API and in a signed URL', async (fileName) => {
    const api = await startTestApi();
    const id = await api.upload({ fileName, bytes });
    const { headers } = await api.send({ url: `/v1/artifacts/${id}/content` });
    const link = await api.send({ method: 'POST', url: `/v1/artifacts/${id}/download-url` });
    const { url } = link.json<{ url: string }>();
    const direct = await api.store.receive({ method: 'GET', url, headers: {}, expiresAtMs: Number.MAX_VALUE });
    for (const header of [headers['content-disposition'], direct.headers['content-disposition']])
      expect(parse(String(header)).parameters['filename']).toBe(fileName);
  });

  test('is plain ASCII in one line and means the same, whatever a file may be called', async () => {
    const api = await startTestApi();
    const names = fc.sample(hostile, 300).map(acceptedName);
    const accepted = [...new Set(names.filter((name) => name !== null))];
    expect(accepted.length).toBeGreaterThan(20);
    for (const fileName of accepted) {
      const id = await api.upload({ fileName, bytes });
      const { headers } = await api.send({ method: 'HEAD', url: `/v1/artifacts/${id}/content` });
      const header = String(headers['content-disposition']);
      expect(header).toMatch(/^attachment; [\x20-\x7e]+$/);
      validateHeaderValue('content-disposition', header);
      expect(parse(header).parameters['filename']).toBe(fileName);
    }
  });
});
