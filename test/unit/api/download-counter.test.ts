import { expect, test } from 'vitest';
import { DownloadCounter } from '../../../src/api/download-counter.js';
import type { Downloads } from '../../../src/db/access.js';
import { eventually } from '../../support/eventually.js';

/** A database that takes batches, or fails while it is told to. */
function aCounter(options: { writeEveryMs?: number; mostWaiting?: number } = {}) {
  const batches: Downloads[][] = [];
  const errors: unknown[] = [];
  const database: { isAway: boolean; held: string[] } = { isAway: false, held: [] };
  let nowMs = 1_000;
  const counter = new DownloadCounter(
    {
      addDownloads: (batch) => {
        if (database.isAway) return Promise.reject(new Error('away'));
        const isHeld = ({ artifactId }: Downloads): boolean => database.held.includes(artifactId);
        batches.push(batch.filter((one) => !isHeld(one)));
        return Promise.resolve(batch.filter(isHeld));
      },
    },
    { nowMs: () => (nowMs += 1), onError: (error) => errors.push(error), ...options },
  );
  return { counter, batches, errors, database };
}

test('a thousand downloads are one row of one batch', async () => {
  const { counter, batches } = aCounter();
  for (let count = 0; count < 1_000; count += 1) counter.count('a');
  counter.count('b');
  await counter.flush();
  expect(batches).toEqual([
    [
      { artifactId: 'a', count: 1_000, lastAtMs: 2_000 },
      { artifactId: 'b', count: 1, lastAtMs: 2_001 },
    ],
  ]);
});

test('a download that goes on is a use, and no further download', async () => {
  const { counter, batches } = aCounter();
  counter.count('a', { isContinued: true });
  await counter.flush();
  expect(batches).toEqual([[{ artifactId: 'a', count: 0, lastAtMs: 1_001 }]]);
});

test('they are written by themselves, and nothing is written when nothing was counted', async () => {
  const { counter, batches } = aCounter({ writeEveryMs: 5 });
  await counter.flush();
  expect(batches).toEqual([]);
  counter.count('a');
  await eventually(() => expect(batches).toHaveLength(1));
});

test('what the database did not take is written later, together with what came since', async () => {
  const { counter, batches, errors, database } = aCounter();
  database.isAway = true;
  counter.count('a');
  await counter.flush();
  expect(errors).toHaveLength(1);
  counter.count('a');
  database.isAway = false;
  await counter.flush();
  await counter.flush();
  expect(batches).toEqual([[{ artifactId: 'a', count: 2, lastAtMs: 1_002 }]]);
});

test('what is given back is written by itself later, and the others need not wait for it', async () => {
  const { counter, batches, errors, database } = aCounter({ writeEveryMs: 5 });
  database.held = ['a'];
  counter.count('a');
  counter.count('b');
  await counter.flush();
  expect(batches).toEqual([[{ artifactId: 'b', count: 1, lastAtMs: 1_002 }]]);
  database.held = [];
  await eventually(() => expect(batches.at(-1)).toEqual([{ artifactId: 'a', count: 1, lastAtMs: 1_001 }]));
  expect(errors).toEqual([]);
});

test('what waits for a database that is away is bounded, and goes in statements that are bounded too', async () => {
  const { counter, batches, database } = aCounter({ mostWaiting: 2_500 });
  database.isAway = true;
  for (let id = 0; id < 3_000; id += 1) counter.count(String(id));
  await counter.flush();
  counter.count('0');
  database.isAway = false;
  await counter.flush();
  expect(batches.map((batch) => batch.length)).toEqual([1_000, 1_000, 500]);
  expect(batches[0]?.[0]).toMatchObject({ artifactId: '0', count: 2 });
});
