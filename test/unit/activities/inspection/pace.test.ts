import { expect, it } from 'vitest';
import { pageSizeAt } from '../../../../src/activities/index.js';
import { createPace } from '../../../../src/pace.js';

it('all who share a pace are let through no faster than it, and the first at once', async () => {
  const pace = createPace(200);
  const t0 = performance.now();
  let isThrough = false;
  void pace().then(() => (isThrough = true));
  await new Promise(setImmediate);
  expect(isThrough).toBe(true);
  await Promise.all(Array.from({ length: 60 }, () => pace()));
  // Timers may be a millisecond early.
  expect(performance.now() - t0).toBeGreaterThanOrEqual(60 * 5 - 2);
});

it('who was idle may not catch up on it', async () => {
  const pace = createPace(100);
  await pace();
  await new Promise((resolve) => setTimeout(resolve, 200));
  const t0 = performance.now();
  await Promise.all(Array.from({ length: 11 }, () => pace()));
  expect(performance.now() - t0).toBeGreaterThanOrEqual(98);
});

it('pages are as large as they can be looked at in a minute', () => {
  expect([1, 10, 200, 10_000].map(pageSizeAt)).toEqual([5, 50, 1_000, 1_000]);
});
