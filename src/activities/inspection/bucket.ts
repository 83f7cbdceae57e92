import type { RowPlace } from '../../db/row-inventory.js';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { mapConcurrently } from '../../domain/concurrency.js';
import { KEY_PREFIX } from '../../domain/keys.js';
import { driftOfRow, expectationOf } from '../../domain/row-drift.js';
import type { ListedVersion } from '../../storage/object-store.js';
import { LOOKS_AT_ONCE } from './confirm.js';
import { lookAtRow, readTags, rulesOf } from './look-at-row.js';
import { inspectStrangers } from './strangers.js';
import type { Inspector } from './slice.js';

interface BucketCursor {
  /** Of the page of the listing beside which it goes on; null: the first. */
  listing: string | null;
  /** The last row that was looked at. */
  rowsAfter: RowPlace | null;
}

/**
 * Walks through the listing of the bucket and the rows in the order of their keys, side by side: each object and each row once. Beside a page of
 * the listing go the rows up to its last key; what is found on both sides is compared as it is listed. Everything else is looked at
 * directly, so the order of the listing decides how fast it is, and not what is found.
 */
export async function inspectBucket(inspector: Inspector, cursor: BucketCursor | null): Promise<BucketCursor | null> {
  let at: BucketCursor = cursor ?? { listing: null, rowsAfter: null };
  for (;;) {
    const page = await inspector.store.listInventory({
      prefix: KEY_PREFIX,
      cursor: at.listing,
      limit: inspector.pageSize,
    });
    const listed = new Listed(page.versions);
    const isLast = page.cursor === null;
    // Beside the last page go all rows that are left.
    for (let more = isLast || listed.lastKey !== null; more;) {
      inspector.signal.throwIfAborted();
      const throughKey = isLast ? null : listed.lastKey;
      const rows = await inspector.rows.listUnended({ after: at.rowsAfter, throughKey, limit: inspector.pageSize });
      await inspectRows(inspector, rows, listed);
      const last = rows.at(-1);
      if (last !== undefined) at = { ...at, rowsAfter: { key: last.key, id: last.id } };
      more = rows.length === inspector.pageSize;
      if (more && inspector.isOver()) return at;
    }
    await inspectStrangers(inspector, listed.unnamed());
    const objects = page.versions.filter(({ isDeleteMarker }) => !isDeleteMarker);
    inspector.count({ objects: objects.length, bytes: objects.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) });
    if (page.cursor === null) return null;
    at = { ...at, listing: page.cursor };
    if (inspector.isOver()) return at;
  }
}

async function inspectRows(inspector: Inspector, rows: ArtifactRecord[], listed: Listed): Promise<void> {
  const rules = rulesOf(inspector);
  const suspects: ArtifactRecord[] = [];
  await mapConcurrently(rows, LOOKS_AT_ONCE, async (row) => {
    inspector.signal.throwIfAborted();
    const info = listed.take(row);
    const expectation = expectationOf(row, rules.nowMs);
    if (expectation === 'nothing') return;
    const isSuspect =
      info === null ||
      driftOfRow(
        row,
        {
          ...{ info, isHidden: listed.isHidden(row.key), bornWithHash: null },
          tags: expectation === 'whole' ? await readTags(inspector, row) : null,
        },
        rules,
      ).length > 0;
    if (isSuspect) suspects.push(row);
  });
  await inspector.confirm(suspects, ({ id }) => lookAtRow(inspector, id));
  inspector.count({ rows: rows.length });
}

/** A page of the listing, by what rows know of an object. */
class Listed {
  /** The greatest of its keys, byte by byte; null when it has none. */
  readonly lastKey: string | null = null;
  readonly #versions = new Map<string, ListedVersion>();
  readonly #hidden = new Set<string>();

  constructor(versions: readonly ListedVersion[]) {
    let last: Buffer | null = null;
    for (const version of versions) {
      if (!version.isDeleteMarker) this.#versions.set(nameOf(version), version);
      else if (version.isLatest) this.#hidden.add(version.key);
      const bytes = Buffer.from(version.key);
      if (last === null || Buffer.compare(bytes, last) > 0) last = bytes;
    }
    if (last !== null) this.lastKey = last.toString();
  }

  /** The version that a row names, which is then none of {@link unnamed}; null when it is not on this page. */
  take(row: ArtifactRecord): ListedVersion | null {
    if (row.status === 'UPLOADING') return null;
    const name = nameOf(row);
    const version = this.#versions.get(name) ?? null;
    this.#versions.delete(name);
    return version;
  }

  isHidden(key: string): boolean {
    return this.#hidden.has(key);
  }

  unnamed(): ListedVersion[] {
    return [...this.#versions.values()];
  }
}

/** No key has this between it and a version. */
const nameOf = ({ key, versionId }: { key: string; versionId: string | null }): string => `${key}\n${versionId ?? ''}`;
