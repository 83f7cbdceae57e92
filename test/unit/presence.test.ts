import { describe, expect, it, vi } from 'vitest';
import { openDatabasesOfBucket } from '../../src/bucket-databases.js';
import { MemoryDatabaseIdentity } from '../../src/db/memory/memory-database-identity.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { keepPresent } from '../../src/presence.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import { eventually } from '../support/eventually.js';

function world() {
  const store = new MemoryObjectStore({});
  const said: string[] = [];
  const say = (_detail: object, message: string): unknown => said.push(message);
  const open = (identity = new MemoryDatabaseIdentity()) => openDatabasesOfBucket({ store, identity, name: '' });
  return { store, said, log: { warn: say, error: say }, open };
}

describe('a worker', () => {
  it('says which database works with the bucket before it does anything else', async () => {
    const { open, log, said } = world();
    const databases = open();
    const presence = await keepPresent(databases, log);
    expect((await databases.look()).own).not.toBeNull();
    expect(said).toEqual([]);
    presence.stop();
  });

  it('warns when there is another one', async () => {
    const { open, log, said } = world();
    await open().enter();
    const presence = await keepPresent(open(), log);
    expect(said).toEqual(['another database works with this bucket']);
    presence.stop();
  });

  it('warns once of one that comes later, and again when it comes back', async () => {
    const { open, log, said } = world();
    const [databases, other] = [open(), open()];
    const look = vi.spyOn(databases, 'look');
    const looksTwice = async (): Promise<void> => {
      const before = look.mock.calls.length;
      await eventually(() => expect(look.mock.calls.length).toBeGreaterThan(before + 2));
    };
    const presence = await keepPresent(databases, log, 5);
    const warned = (): number => said.filter((message) => message === 'another database works with this bucket').length;
    for (const times of [1, 2]) {
      await other.enter();
      await eventually(() => expect(warned()).toBe(times));
      await looksTwice();
      expect(warned()).toBe(times);
      await databases.forget((await other.look()).id);
      await looksTwice();
    }
    presence.stop();
  });

  it('does not start when it cannot say so', async () => {
    const { open, log, store } = world();
    store.outage = 'storage_rejected';
    await expect(keepPresent(open(), log)).rejects.toMatchObject({ code: 'storage_rejected' });
  });

  it('starts while its database is away, and says so once that is back', async () => {
    const { store, log, said } = world();
    const identity = new MemoryDatabaseIdentity();
    const databaseId = identity.databaseId.bind(identity);
    identity.databaseId = () => Promise.reject(new ArtifactError('database_unavailable', 'it is away'));
    const databases = openDatabasesOfBucket({ store, identity, name: '' });
    const presence = await keepPresent(databases, log, 5);
    expect(said).toEqual(['it is away']);
    identity.databaseId = databaseId;
    await eventually(async () => expect((await databases.look()).own).not.toBeNull());
    presence.stop();
  });

  it('is back soon after it was forgotten, goes on after an outage, and is silent once it is stopped', async () => {
    const { open, log, store, said } = world();
    const databases = open();
    const presence = await keepPresent(databases, log, 5);
    store.outage = 'storage_unavailable';
    await eventually(() => expect(said).toContain('the bucket was not told or asked which databases work with it'));
    store.outage = null;
    const { id } = await databases.look();
    expect(await databases.forget(id)).toBe(true);
    await eventually(async () => expect((await databases.look()).own).not.toBeNull());
    presence.stop();
    await databases.forget(id);
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect((await databases.look()).own).toBeNull();
  });

  it('that finds out that its database is a copy says so', async () => {
    const { open, log, said } = world();
    const original = new MemoryDatabaseIdentity();
    const copy = original.copy();
    await open(original).enter();
    const presence = await keepPresent(open(copy), log);
    expect(said).toEqual([
      'this database is a copy, or was restored: it has another id now',
      'another database works with this bucket',
    ]);
    presence.stop();
  });
});
