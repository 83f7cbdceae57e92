import { describe, expect, test } from 'vitest';
import { MOST_TRIES, once, type Updates } from '../../../src/temporal/once.js';

/** Remembers outcomes by their id, like Temporal: also failures. */
class Remembering implements Updates<string> {
  readonly sent: string[] = [];
  readonly #outcomes = new Map<string, () => string>();
  /** What the next updates come to; afterwards they are carried out. */
  readonly failures: Error[] = [];

  send(updateId: string): Promise<string> {
    this.sent.push(updateId);
    const failure = this.failures.shift();
    const answer = `answer ${this.sent.length}`;
    const outcome = (): string => {
      if (failure !== undefined) throw failure;
      return answer;
    };
    this.#outcomes.set(updateId, outcome);
    return Promise.resolve().then(outcome);
  }

  outcomeOf(updateId: string): Promise<{ value: string } | null> {
    const outcome = this.#outcomes.get(updateId);
    return Promise.resolve().then(() => (outcome === undefined ? null : { value: outcome() }));
  }

  isTransient(error: unknown): boolean {
    return error instanceof Error && error.message === 'try again';
  }
}

describe('an update under a key', () => {
  test('is sent once, and answered with its first outcome from then on', async () => {
    const updates = new Remembering();
    expect([await once('k', updates), await once('k', updates)]).toEqual(['answer 1', 'answer 1']);
    expect(await once('other', updates)).toBe('answer 2');
    expect(updates.sent).toEqual(['k.1', 'other.1']);
  });

  test('that was refused for good stays refused', async () => {
    const updates = new Remembering();
    updates.failures.push(new Error('wrong'));
    for (const _turn of [1, 2]) await expect(once('k', updates)).rejects.toThrow('wrong');
    expect(updates.sent).toEqual(['k.1']);
  });

  test('whose failure says to try again is tried again, once for each request', async () => {
    const updates = new Remembering();
    updates.failures.push(new Error('try again'), new Error('try again'));
    for (const _turn of [1, 2]) await expect(once('k', updates)).rejects.toThrow('try again');
    expect([await once('k', updates), await once('k', updates)]).toEqual(['answer 3', 'answer 3']);
    expect(updates.sent).toEqual(['k.1', 'k.2', 'k.3']);
  });

  test('is given up after so many failures', async () => {
    const updates = new Remembering();
    updates.failures.push(...Array.from({ length: MOST_TRIES }, () => new Error('try again')));
    for (let turn = 0; turn < MOST_TRIES + 2; turn += 1) await expect(once('k', updates)).rejects.toThrow('try again');
    expect(updates.sent).toHaveLength(MOST_TRIES);
  });
});
