import { expect, test } from 'vitest';
import { humanBytes, relativeTime } from '../../../src/cli/format.js';

test.each([
  [0, '0 B'],
  [1_023, '1023 B'],
  [1_536, '1.5 KiB'],
  [64 * 1_024 ** 2, '64.0 MiB'],
  [512 * 1_024 ** 2, '512 MiB'],
  [5 * 1_024 ** 3, '5.0 GiB'],
])('%i bytes read %s', (bytes, text) => {
  expect(humanBytes(bytes)).toBe(text);
});

test.each([
  [-5_000, '5 seconds ago'],
  [3 * 60_000, 'in 3 minutes'],
  [30 * 86_400_000 - 4_000, 'in 30 days'],
  [-2 * 3_600_000, '2 hours ago'],
  [90 * 86_400_000, 'in 3 months'],
  [366 * 86_400_000, 'in 1 year'],
])('%i ms from now read %s', (afterMs, text) => {
  expect(relativeTime(new Date(1_000_000_000_000 + afterMs), 1_000_000_000_000)).toBe(text);
});
