import { describe, expect, it } from 'vitest';
import { openDatabasesOfBucket } from '../../../src/bucket-databases.js';
import { MemoryDatabaseIdentity } from '../../../src/db/memory/memory-database-identity.js';
import { AT_WORK_MS, conflictOf } from '../../../src/domain/bucket-databases.js';
import { forgetDatabase } from '../../../src/operator/bucket/forget-database.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';

function world() {
  const store = new MemoryObjectStore({});
  const open = (identity = new MemoryDatabaseIdentity()) => openDatabasesOfBucket({ store, identity, name: '' });
  const later = (): Promise<number> => Promise.resolve(Date.now() + AT_WORK_MS);
  const now = (): Promise<number> => Promise.resolve(Date.now());
  return { open, later, now };
}

describe('a database is forgotten', () => {
  it('once it is not at work any more', async () => {
    const { open, later, now } = world();
    const [ours, theirs] = [open(), open()];
    await Promise.all([ours.enter(), theirs.enter()]);
    const { id } = await theirs.look();
    await expect(forgetDatabase(ours, now, id)).rejects.toMatchObject({ code: 'wrong_state' });
    expect(conflictOf(await ours.look())).not.toBeNull();
    await forgetDatabase(ours, later, id);
    expect(conflictOf(await ours.look())).toBeNull();
    await expect(forgetDatabase(ours, later, id)).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('by others only, unless what stands there is that of which it is a copy', async () => {
    const { open, later } = world();
    const identity = new MemoryDatabaseIdentity();
    const copy = open(identity.copy());
    const original = open(identity);
    await original.enter();
    const { id } = await original.look();
    await expect(forgetDatabase(original, later, id)).rejects.toMatchObject({ code: 'invalid_request' });
    await forgetDatabase(copy, later, id);
    expect(conflictOf(await copy.look())).toBeNull();
  });
});
