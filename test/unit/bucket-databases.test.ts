import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDatabasesOfBucket } from '../../src/bucket-databases.js';
import { MemoryDatabaseIdentity } from '../../src/db/memory/memory-database-identity.js';
import { conflictOf, SAY_AGAIN_MS } from '../../src/domain/bucket-databases.js';
import { databaseKey } from '../../src/domain/keys.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import { objectOf } from '../support/settling-world.js';

/** A bucket, and databases that work with it. */
function bucket({ versioning = true } = {}) {
  const store = new MemoryObjectStore({ versioning });
  const open = (identity: MemoryDatabaseIdentity, name = 'a database') => ({
    identity,
    ...openDatabasesOfBucket({ store, identity, name }),
  });
  return { store, open, a: open(new MemoryDatabaseIdentity(), 'a'), b: open(new MemoryDatabaseIdentity(), 'b') };
}

/** What it says becomes older than it may be. */
const grow = (): unknown => vi.setSystemTime(Date.now() + SAY_AGAIN_MS);

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }));
afterEach(() => vi.useRealTimers());

describe.each([true, false])('a bucket with versions: %s', (versioning) => {
  it('knows one database, however often that enters', async () => {
    const { a, store } = bucket({ versioning });
    for (let times = 0; times < 3; times += 1) expect(await a.enter()).toBeNull();
    const id = await a.identity.databaseId();
    expect(await a.look()).toMatchObject({ id, own: { id, name: 'a' }, isCopy: false, others: [] });
    expect(await store.listVersions(databaseKey(id))).toHaveLength(1);
    expect(store.calls.get('putStream')).toBe(1);
  });

  it('is told again once that is old, in one version, and since when it has been so', async () => {
    const { a, store } = bucket({ versioning });
    await a.enter();
    const before = (await a.look()).own;
    grow();
    await a.enter();
    expect(store.calls.get('putStream')).toBe(2);
    const after = (await a.look()).own;
    expect(after?.sinceMs).toBe(before?.sinceMs);
    expect(after?.seenMs).not.toBe(before?.seenMs);
    expect(await store.listVersions(databaseKey(await a.identity.databaseId()))).toHaveLength(1);
  });

  it('tells each of two databases of the other, whoever came first', async () => {
    const { a, b } = bucket({ versioning });
    await Promise.all([a.enter(), b.enter()]);
    const [ofA, ofB] = [await a.look(), await b.look()];
    expect(ofA.others).toMatchObject([{ id: ofB.id, name: 'b' }]);
    expect(ofB.others).toMatchObject([{ id: ofA.id, name: 'a' }]);
    expect([conflictOf(ofA), conflictOf(ofB)]).not.toContain(null);
  });

  it('forgets one that is gone, and has it back when it was not', async () => {
    const { a, b } = bucket({ versioning });
    await Promise.all([a.enter(), b.enter()]);
    const id = await b.identity.databaseId();
    expect(await a.forget(id)).toBe(true);
    expect(conflictOf(await a.look())).toBeNull();
    expect(await a.forget(id)).toBe(false);
    await b.enter();
    expect((await a.look()).others).toMatchObject([{ id }]);
  });

  it('does not forget one that has said something since', async () => {
    const { a, b } = bucket({ versioning });
    await Promise.all([a.enter(), b.enter()]);
    const id = await b.identity.databaseId();
    const { seenMs } = (await a.look()).others[0]!;
    grow();
    await b.enter();
    expect(await a.forget(id, seenMs)).toBe(false);
    expect((await a.look()).others).toHaveLength(1);
  });

  it('makes a copy of a database another one, and both know of each other', async () => {
    const { a, open } = bucket({ versioning });
    await a.enter();
    const copy = open(a.identity.copy(), 'staging');
    grow();
    await a.enter();
    const id = await a.identity.databaseId();
    // Before it has said anything: it must not remove anything either.
    expect(conflictOf(await copy.look())).toContain('restored from a backup');
    expect(await copy.enter()).toBe(id);
    expect((await a.look()).others).toMatchObject([{ name: 'staging' }]);
    expect((await copy.look()).others).toMatchObject([{ id, name: 'a' }]);
  });

  it('makes the original another one when its copy was faster', async () => {
    const { a, open } = bucket({ versioning });
    await a.enter();
    const copy = open(a.identity.copy(), 'staging');
    grow();
    expect(await copy.enter()).toBeNull();
    const taken = await copy.identity.databaseId();
    expect(await a.enter()).toBe(taken);
    expect((await a.look()).others).toMatchObject([{ id: taken, name: 'staging' }]);
  });
});

describe('what stands in the bucket', () => {
  it('is seen and not forgotten while a worker says it again', async () => {
    const { a, b, store } = bucket();
    await Promise.all([a.enter(), b.enter()]);
    const id = await b.identity.databaseId();
    const head = store.head.bind(store);
    const list = store.listVersions.bind(store);
    const saysAgainAfter = async <T>(asked: Promise<T>): Promise<T> => {
      const answer = await asked;
      store.head = head;
      store.listVersions = list;
      grow();
      await b.enter();
      return answer;
    };
    store.head = (object) => (object.key === databaseKey(id) ? saysAgainAfter(head(object)) : head(object));
    expect((await a.look()).others).toMatchObject([{ id, name: 'b' }]);
    store.head = (object) => saysAgainAfter(head(object));
    expect(await a.forget(id)).toBe(false);
    store.listVersions = (key) => saysAgainAfter(list(key));
    await a.forget(id);
    expect((await a.look()).others).toMatchObject([{ id }]);
  });

  it.each(['', 'no note', 'x'.repeat(5_000)])('is no note of ours when it is none: %#', async (text) => {
    const { a, store } = bucket();
    const id = await a.identity.databaseId();
    await store.put(objectOf(databaseKey(id)), Buffer.from(text));
    expect(conflictOf(await a.look())).not.toBeNull();
    expect(await a.enter()).toBe(id);
    expect((await a.look()).others).toMatchObject([{ id, name: '' }]);
  });

  it('is nobody when its key is none of a database, or it is hidden', async () => {
    const { a, b, store } = bucket();
    await store.put(objectOf('artifacts-databases/readme.txt'), Buffer.from('x'));
    await b.enter();
    await store.addDeleteMarker(databaseKey(await b.identity.databaseId()));
    expect(conflictOf(await a.look())).toBeNull();
  });

  it('was written by a faster worker of the same database, and counts', async () => {
    const { a, open, store } = bucket();
    const second = open(a.identity);
    await Promise.all([a.enter(), second.enter(), a.enter(), second.enter()]);
    expect(await a.look()).toMatchObject({ isCopy: false, others: [] });
    expect(await store.listVersions(databaseKey(await a.identity.databaseId()))).toHaveLength(1);
  });
});
