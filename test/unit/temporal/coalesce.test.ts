import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { coalesced, type CoalesceOptions } from '../../../src/temporal/coalesce.js';

/** A way to send whose messages land when the test says so. */
function held(options: CoalesceOptions = {}) {
  const flights: { key: string; land: () => void; fail: (error: Error) => void }[] = [];
  const tell = coalesced(
    (key) => new Promise<void>((resolve, reject) => flights.push({ key, land: resolve, fail: reject })),
    options,
  );
  return { flights, tell };
}

/** What became of a call so far. */
async function fateOf(call: Promise<void>): Promise<'waits' | 'returned' | 'failed'> {
  let fate: 'waits' | 'returned' | 'failed' = 'waits';
  call.then(
    () => (fate = 'returned'),
    () => (fate = 'failed'),
  );
  await nextTurn();
  return fate;
}

describe('calls that share messages', () => {
  it('are sent at once when nothing is on its way', async () => {
    const { flights, tell } = held();
    const first = tell('a');
    expect(flights).toHaveLength(1);
    flights[0]?.land();
    await first;
    const second = tell('a');
    expect(flights).toHaveLength(2);
    flights[1]?.land();
    await second;
  });

  it('that come while one is on its way wait for one more, together', async () => {
    const { flights, tell } = held();
    const first = tell('a');
    const others = [tell('a'), tell('a'), tell('a')];
    expect(flights).toHaveLength(1);
    flights[0]?.land();
    await first;
    for (const other of others) expect(await fateOf(other)).toBe('waits');
    expect(flights).toHaveLength(2);
    flights[1]?.land();
    await Promise.all(others);
    await nextTurn();
    expect(flights).toHaveLength(2);
  });

  it('do not wait for what is said about another key', async () => {
    const { flights, tell } = held();
    void tell('a');
    const other = tell('b');
    expect(flights.map(({ key }) => key)).toEqual(['a', 'b']);
    flights[1]?.land();
    await other;
  });

  it('return with the message whose time they come in, and wait for another one after it', async () => {
    let nowMs = 0;
    const { flights, tell } = held({ coversMs: 1_000, nowMs: () => nowMs });
    const first = tell('a');
    nowMs = 999;
    const covered = tell('a');
    flights[0]?.land();
    await Promise.all([first, covered, tell('a')]);
    nowMs = 1_000;
    const later = tell('a');
    expect(await fateOf(later)).toBe('waits');
    expect(flights).toHaveLength(2);
    flights[1]?.land();
    await later;
    expect(flights).toHaveLength(2);
  });

  it('are not covered by a message that failed', async () => {
    const { flights, tell } = held({ coversMs: 1_000, nowMs: () => 0 });
    const first = tell('a');
    const covered = tell('a');
    flights[0]?.fail(new Error('lost'));
    await expect(first).rejects.toThrow('lost');
    await expect(covered).rejects.toThrow('lost');
    void tell('a');
    expect(flights).toHaveLength(2);
  });

  it('all fail when their message fails, and those after it are sent all the same', async () => {
    const { flights, tell } = held();
    const first = tell('a');
    const second = [tell('a'), tell('a')];
    flights[0]?.fail(new Error('lost'));
    await expect(first).rejects.toThrow('lost');
    for (const call of second) expect(await fateOf(call)).toBe('waits');
    const third = tell('a');
    flights[1]?.fail(new Error('lost again'));
    for (const call of second) await expect(call).rejects.toThrow('lost again');
    await nextTurn();
    flights[2]?.land();
    await third;
    void tell('a');
    expect(flights).toHaveLength(4);
  });

  it('return only after a message that began after the call, whatever comes in whatever order', async () => {
    // true: somebody calls; false: the message that is on its way lands.
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 60 }), async (steps) => {
        let begun = 0;
        let land = (): void => undefined;
        const tell = coalesced(
          () =>
            new Promise<void>((resolve) => {
              begun += 1;
              land = resolve;
            }),
        );
        let landed = 0;
        const calls: Promise<void>[] = [];
        for (const isCall of steps) {
          if (isCall) {
            const begunBefore = begun;
            calls.push(
              tell('a').then(() => {
                expect(landed).toBeGreaterThan(begunBefore);
              }),
            );
          } else if (landed < begun) {
            landed += 1;
            land();
          }
          if (steps.length % 2 === 0) await nextTurn();
        }
        for (await nextTurn(); landed < begun; await nextTurn()) {
          landed += 1;
          land();
        }
        await Promise.all(calls);
        expect(begun).toBeLessThanOrEqual(calls.length);
      }),
    );
  });
});
