import { expect, test } from 'vitest';
import { decideRange, namesEtag } from '../../../src/api/range.js';

test.each([
  [undefined, 10, 'all'],
  ['bytes=0-4', 10, [0, 4]],
  ['bytes=0-0', 10, [0, 0]],
  ['bytes=5-', 10, [5, 9]],
  ['bytes=5-99', 10, [5, 9]],
  ['bytes=-3', 10, [7, 9]],
  ['bytes=-99', 10, [0, 9]],
  ['BYTES= 1 - 2', 10, 'unsatisfiable'],
  ['bytes= 1-2 ', 10, [1, 2]],
  ['bytes=10-', 10, 'unsatisfiable'],
  ['bytes=-0', 10, 'unsatisfiable'],
  ['bytes=4-2', 10, 'unsatisfiable'],
  ['bytes=20-10', 30, 'unsatisfiable'],
  ['bytes=-', 10, 'unsatisfiable'],
  ['bytes=a-b', 10, 'unsatisfiable'],
  ['bytes=', 10, 'unsatisfiable'],
  ['bytes=1-9999999999999999999999', 10, [1, 9]],
  ['bytes=9999999999999999999999-', 10, 'unsatisfiable'],
  ['bytes=0-', 0, 'unsatisfiable'],
  ['bytes=-1', 0, 'unsatisfiable'],
  ['bytes=0-1,3-4', 10, 'all'],
  ['pages=1-2', 10, 'all'],
] as const)('the range %s of %i bytes is %j', (header, sizeBytes, expected) => {
  const decision = decideRange(header, sizeBytes);
  expect(decision.kind === 'part' ? [decision.range.start, decision.range.end] : decision.kind).toEqual(expected);
});

test.each([
  [undefined, false],
  ['"abc"', true],
  ['W/"abc"', true],
  ['"x", "abc"', true],
  ['*', true],
  ['"x"', false],
  ['abc', false],
])('the entity tag list %s names "abc": %s', (header, expected) => {
  expect(namesEtag(header, '"abc"')).toBe(expected);
});
