import { executionOfKey, KEY_PREFIX } from '../../domain/keys.js';
import type { ListedVersion, StoreInventory } from '../../storage/object-store.js';

/** What the bucket has of one execution, or a part of it: all versions of some keys. */
export interface ExecutionVersions {
  /** Null: keys that are no execution's, a page of them. */
  executionId: string | null;
  versions: ListedVersion[];
  /** The last key of the part before; null: this is the first one. */
  afterKey: string | null;
  /** The last key of this part; null: it is the last one. */
  throughKey: string | null;
}

const PAGE = 1_000;
/** Versions in memory, roughly: what has more is gone through in parts. */
export const PART_VERSIONS = 10_000;

/** Execution by execution: keys come in their order, so those of one lie together, and only those are in memory, so many at a time. */
export async function* walkBucket(
  store: StoreInventory,
  pause: () => Promise<void>,
): AsyncGenerator<ExecutionVersions> {
  let open: ExecutionVersions = { executionId: null, versions: [], afterKey: null, throughKey: null };
  let cursor: string | null = null;
  do {
    await pause();
    const page: { versions: ListedVersion[]; cursor: string | null } = await store.listInventory({
      ...{ prefix: KEY_PREFIX, cursor, limit: PAGE },
    });
    // A page has the markers after the versions, of all its keys.
    for (const version of page.versions.toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))) {
      const executionId = executionOfKey(version.key);
      const lastKey = open.versions.at(-1)?.key ?? null;
      if (executionId !== open.executionId) {
        if (open.versions.length > 0) yield open;
        open = { executionId, versions: [], afterKey: null, throughKey: null };
      } else if (open.versions.length >= PART_VERSIONS && lastKey !== version.key) {
        yield { ...open, throughKey: lastKey };
        open = { executionId, versions: [], afterKey: lastKey, throughKey: null };
      }
      open.versions.push(version);
    }
    cursor = page.cursor;
  } while (cursor !== null);
  if (open.versions.length > 0) yield open;
}

/** Is it in this part? In one that is not listed there, too: each key belongs to just one. */
export const isInPart = ({ afterKey, throughKey }: ExecutionVersions, key: string): boolean =>
  (afterKey === null || key > afterKey) && (throughKey === null || key <= throughKey);

/** Versions of one key. */
export interface KeyVersions {
  /** What anybody gets, or a delete marker. */
  top: ListedVersion;
  /** With bytes, the newest first as far as the listing says so. */
  bytes: ListedVersion[];
  /** Of its newest delete marker; null: it has none. */
  hiddenAtMs: number | null;
}

export function byKey(versions: readonly ListedVersion[]): Map<string, KeyVersions> {
  const keys = new Map<string, KeyVersions>();
  for (const version of versions) {
    const known = keys.get(version.key) ?? { top: version, bytes: [], hiddenAtMs: null };
    if (version.isLatest) known.top = version;
    if (!version.isDeleteMarker) known.bytes.push(version);
    else known.hiddenAtMs = Math.max(known.hiddenAtMs ?? 0, version.lastModifiedMs);
    keys.set(version.key, known);
  }
  return keys;
}
