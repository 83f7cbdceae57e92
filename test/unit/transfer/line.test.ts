import { describe, expect, test } from 'vitest';
import { Line } from '../../../src/transfer/line.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A line of numbers whose work ends when it is told to. */
function lineOf(limit: () => number, company = 1) {
  const begun: number[] = [];
  const ends = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  const failures: unknown[] = [];
  const line = new Line<number>(
    (item) => {
      begun.push(item);
      return new Promise((resolve, reject) => ends.set(item, { resolve, reject }));
    },
    { limit, company, onFailure: (error) => failures.push(error) },
  );
  return { line, begun, ends, failures };
}

describe('a line', () => {
  test('begins in order as there is room, and takes in as many as may be under way', async () => {
    const { line, begun, ends } = lineOf(() => 2);
    for (const item of [1, 2, 3]) await line.add(item);
    let isTaken = false;
    const fourth = line.add(4).then(() => (isTaken = true));
    await turn();
    expect(begun).toEqual([1, 2]);
    expect(isTaken).toBe(false);
    ends.get(2)?.resolve();
    await fourth;
    expect(begun).toEqual([1, 2, 3]);
    ends.get(1)?.resolve();
    await turn();
    for (const item of [3, 4]) ends.get(item)?.resolve();
    expect(await line.end()).toEqual([]);
    expect(begun).toEqual([1, 2, 3, 4]);
    expect(line.isEmpty).toBe(true);
    line.throwFailure();
  });

  test('lets several begin together after the first, unless nothing more comes', async () => {
    const { line, begun, ends } = lineOf(() => 4, 2);
    await line.add(1);
    expect(begun).toEqual([1]);
    ends.get(1)?.resolve();
    await line.add(2);
    await turn();
    expect(begun).toEqual([1]);
    await line.add(3);
    expect(begun).toEqual([1, 2, 3]);
    await line.add(4);
    expect(begun).toEqual([1, 2, 3]);
    line.hurry();
    expect(begun).toEqual([1, 2, 3, 4]);
    await line.add(5);
    expect(begun).toEqual([1, 2, 3, 4]);
    const end = line.end();
    for (const item of [2, 3, 4]) ends.get(item)?.resolve();
    await turn();
    expect(begun).toEqual([1, 2, 3, 4, 5]);
    ends.get(5)?.resolve();
    expect(await end).toEqual([]);
  });

  test('follows a limit that changes', async () => {
    let limit = 1;
    const { line, begun, ends } = lineOf(() => limit);
    await line.add(1);
    const second = line.add(2);
    limit = 3;
    ends.get(1)?.resolve();
    await second;
    await line.add(3);
    expect(begun).toEqual([1, 2, 3]);
  });

  test('begins nothing more after a failure, waits for what is under way, and tells the first', async () => {
    const { line, begun, ends, failures } = lineOf(() => 2);
    for (const item of [1, 2, 3]) await line.add(item);
    ends.get(1)?.reject(new Error('first'));
    await turn();
    expect(failures).toEqual([new Error('first')]);
    const end = line.end();
    ends.get(2)?.reject(new Error('second'));
    expect(await end).toEqual([3]);
    expect(begun).toEqual([1, 2]);
    expect(() => line.throwFailure()).toThrow('first');
  });
});
