import { executionOfKey, KEY_PREFIX } from '../../domain/keys.js';
import type { ListedVersion, StoreInventory } from '../../storage/object-store.js';

/** All that the bucket has of one execution. */
export interface ExecutionVersions {
  /** Null: keys that are no execution's, a page of them. */
  executionId: string | null;
  versions: ListedVersion[];
}

const PAGE = 1_000;

/** Execution by execution: keys come in their order, so those of one lie together, and only those are in memory. */
export async function* walkBucket(
  store: StoreInventory,
  pause: () => Promise<void>,
): AsyncGenerator<ExecutionVersions> {
  let open: ExecutionVersions = { executionId: null, versions: [] };
  let cursor: string | null = null;
  do {
    await pause();
    const page: { versions: ListedVersion[]; cursor: string | null } = await store.listInventory({
      ...{ prefix: KEY_PREFIX, cursor, limit: PAGE },
    });
    // A page has the markers after the versions, of all its keys.
    for (const version of page.versions.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))) {
      const executionId = executionOfKey(version.key);
      if (executionId !== open.executionId) {
        if (open.versions.length > 0) yield open;
        open = { executionId, versions: [] };
      }
      open.versions.push(version);
    }
    cursor = page.cursor;
  } while (cursor !== null);
  if (open.versions.length > 0) yield open;
}

/** Versions of one key. */
export interface KeyVersions {
  /** What anybody gets, or a delete marker. */
  top: ListedVersion;
  /** With bytes, the newest first as far as the listing says so. */
  bytes: ListedVersion[];
}

export function byKey(versions: readonly ListedVersion[]): Map<string, KeyVersions> {
  const keys = new Map<string, KeyVersions>();
  for (const version of versions) {
    const known = keys.get(version.key) ?? { top: version, bytes: [] };
    if (version.isLatest) known.top = version;
    if (!version.isDeleteMarker) known.bytes.push(version);
    keys.set(version.key, known);
  }
  return keys;
}
