import { describe, expect, test } from 'vitest';
import { PartMemory } from '../../../src/transfer/part-memory.js';

const { signal } = new AbortController();
const isSettled = async (promise: Promise<unknown>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setImmediate(() => resolve(false)))]);

describe('the memory of all parts', () => {
  test('is never more than the budget, and goes to whoever came first', async () => {
    const memory = new PartMemory(100);
    const [first] = await Promise.all([memory.take(60, { signal }), memory.take(40, { signal })]);
    const large = memory.take(60, { signal });
    const small = memory.take(1, { signal });
    expect(await isSettled(large)).toBe(false);
    expect(memory.usedBytes).toBe(100);
    memory.giveBack(first);
    expect((await large).length).toBe(60);
    expect(await isSettled(small)).toBe(false);
    memory.giveBack(await large);
    expect((await small).length).toBe(1);
    expect(memory.usedBytes).toBe(41);
  });

  test('is used again', async () => {
    const memory = new PartMemory(100);
    const kept = await memory.take(10, { signal });
    const buffer = await memory.take(50, { signal });
    memory.giveBack(buffer);
    expect(await memory.take(50, { signal })).toBe(buffer);
    memory.giveBack(kept);
  });

  test('is kept while somebody goes on, and let go when nobody does', async () => {
    const memory = new PartMemory(100);
    const leave = memory.enter();
    const buffer = await memory.take(50, { signal });
    memory.giveBack(buffer);
    expect(await memory.take(50, { signal })).toBe(buffer);
    memory.giveBack(buffer);
    leave();
    const other = await memory.take(50, { signal });
    expect(other).not.toBe(buffer);
  });

  test('has room for something larger than it once nothing else is in use', async () => {
    const memory = new PartMemory(100);
    const small = await memory.take(1, { signal });
    const huge = memory.take(500, { signal });
    expect(await isSettled(huge)).toBe(false);
    memory.giveBack(small);
    expect((await huge).length).toBe(500);
  });

  test('gives what is owed at once', async () => {
    const memory = new PartMemory(100);
    await memory.take(100, { signal });
    expect((await memory.take(50, { signal, isOwed: true })).length).toBe(50);
    expect(memory.usedBytes).toBe(150);
  });

  test('forgets who gives up waiting, also when that one is first in the line', async () => {
    const memory = new PartMemory(100);
    await memory.take(60, { signal });
    const controller = new AbortController();
    const impatient = memory.take(90, { signal: controller.signal });
    const patient = memory.take(40, { signal });
    controller.abort();
    await expect(impatient).rejects.toMatchObject({ code: 'aborted' });
    expect((await patient).length).toBe(40);
    expect(memory.usedBytes).toBe(100);
  });
});
