import type { DatabaseIdentity } from './db/database-identity.js';
import {
  parseNote,
  SAY_AGAIN_MS,
  type BucketDatabase,
  type BucketDatabases,
  type DatabaseNote,
} from './domain/bucket-databases.js';
import { ArtifactError } from './domain/errors.js';
import { KIB_BYTES } from './domain/units.js';
import { databaseKey, databaseOfKey, DATABASES_PREFIX } from './domain/keys.js';
import type { NewObject, ObjectInfo, ObjectStore } from './storage/object-store.js';

/** How a database is known in the bucket that it works with. */
export interface DatabasesOfBucket {
  /**
   * Says in the bucket that this database works with it, unless that was said minutes ago. One that finds a later state of itself there is a
   * copy, and goes on under another id. Safe to repeat, and for many at once.
   * @returns what it was known as before, when it is a copy; else null.
   */
  enter(): Promise<string | null>;
  /** What is there. Writes nothing. */
  look(): Promise<BucketDatabases>;
  /**
   * Removes what another one says of itself.
   * @param seenMs only if it has said nothing since. @returns false when it has, or there is nothing.
   */
  forget(databaseId: string, seenMs?: number): Promise<boolean>;
}

interface Parts {
  store: ObjectStore;
  identity: DatabaseIdentity;
  /** For people: see `databaseNameOf`. */
  name: string;
}

interface FoundNote {
  info: ObjectInfo;
  /** Null: what is there is none. */
  note: DatabaseNote | null;
}

const PAGE = 1_000;
const MAX_NOTE_BYTES = 4 * KIB_BYTES;
/** So often somebody else may be faster: a worker of the same database, and once each. */
const TRIES = 10;

export function openDatabasesOfBucket({ store, identity, name }: Parts): DatabasesOfBucket {
  return { enter, look, forget };

  async function enter(): Promise<string | null> {
    let before: string | null = null;
    for (let tried = 0; tried < TRIES; tried += 1) {
      const id = await identity.databaseId();
      const found = await read(id);
      if (found !== null && (await isBySomebodyElse(found))) {
        before = id;
        await identity.becomeAnother(id);
        continue;
      }
      // Two clocks are compared here, which is why it may as well be too new.
      if (found !== null && Math.abs(Date.now() - found.info.lastModifiedMs) < SAY_AGAIN_MS) return before;
      if (await write(id, found)) return before;
    }
    throw tooFast();
  }

  async function write(id: string, found: FoundNote | null): Promise<boolean> {
    const since = found?.note?.since ?? new Date().toISOString();
    const note: DatabaseNote = { version: 1, databaseId: id, name, since, proof: await identity.issueProof() };
    const written = await store.putStream(objectOf(id), onlyChunk(note), found?.info.etag ?? null);
    if (written === null) return false;
    for (const { versionId, isLatest } of await store.listVersions(databaseKey(id)))
      if (!isLatest && versionId !== written.versionId) await store.deleteVersion(databaseKey(id), versionId);
    return true;
  }

  async function look(): Promise<BucketDatabases> {
    const id = await identity.databaseId();
    const databases: BucketDatabases = { id, own: null, isCopy: false, others: [] };
    for (const one of await idsThere()) {
      const found = await read(one);
      if (found === null) continue;
      if (one !== id) databases.others.push(databaseOf(one, found));
      else {
        databases.own = databaseOf(one, found);
        databases.isCopy = await isBySomebodyElse(found);
      }
    }
    return databases;
  }

  async function forget(databaseId: string, seenMs?: number): Promise<boolean> {
    const key = databaseKey(databaseId);
    const info = await store.head({ key });
    if (info === null || (seenMs !== undefined && info.lastModifiedMs !== seenMs)) return false;
    const versions = await store.listVersions(key);
    // What comes later than this is a version of its own, and stays.
    if (versions[0]?.versionId !== info.versionId) return false;
    for (const { versionId } of versions) await store.deleteVersion(key, versionId);
    return true;
  }

  /** What cannot be read was not written by us either. */
  async function isBySomebodyElse({ note }: FoundNote): Promise<boolean> {
    return note === null || !(await identity.hasIssued(note.proof));
  }

  async function idsThere(): Promise<string[]> {
    const ids = new Set<string>();
    for (let cursor: string | null = null; ;) {
      const page: Awaited<ReturnType<ObjectStore['listInventory']>> = await store.listInventory({
        ...{ prefix: DATABASES_PREFIX, cursor, limit: PAGE },
      });
      for (const { key, isLatest, isDeleteMarker } of page.versions) {
        const id = databaseOfKey(key);
        if (id !== null && isLatest && !isDeleteMarker) ids.add(id);
      }
      if (page.cursor === null) return [...ids];
      cursor = page.cursor;
    }
  }

  async function read(id: string): Promise<FoundNote | null> {
    const key = databaseKey(id);
    for (let tried = 0; tried < TRIES; tried += 1) {
      const info = await store.head({ key });
      if (info === null) return null;
      // No note is empty, or so long.
      if (info.sizeBytes === 0 || info.sizeBytes > MAX_NOTE_BYTES) return { info, note: null };
      const body = await store.read({ key, versionId: info.versionId });
      // Said again since, by a worker that has removed what was said before: not to be taken for a database that is gone.
      if (body === null) continue;
      const chunks: Buffer[] = [];
      for await (const chunk of body) chunks.push(chunk as Buffer);
      return { info, note: parseNote(Buffer.concat(chunks).toString(), id) };
    }
    throw tooFast();
  }
}

const tooFast = (): ArtifactError =>
  new ArtifactError('storage_unavailable', `${DATABASES_PREFIX} changes faster than it can be read or written`);

const databaseOf = (id: string, { info, note }: FoundNote): BucketDatabase => ({
  id,
  name: note?.name ?? '',
  sinceMs: note === null ? info.lastModifiedMs : Date.parse(note.since),
  seenMs: info.lastModifiedMs,
});

const objectOf = (id: string): NewObject => ({
  key: databaseKey(id),
  mimeType: 'application/json',
  owner: { artifactId: id, executionId: id, type: 'other' },
  tags: {},
});

async function* onlyChunk(note: DatabaseNote): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from(`${JSON.stringify(note)}\n`));
}
