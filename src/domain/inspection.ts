import type { ArtifactRecord } from './artifact-record.js';
import type { DriftKind, Finding } from './drift.js';
import { differences } from './repair-changes.js';
import { MINUTE_MS, SECOND_MS } from './units.js';

/** Those of each key. */
export function byKey<T extends { key: string }>(things: readonly T[]): Map<string, T[]> {
  const found = new Map<string, T[]>();
  for (const thing of things) {
    const same = found.get(thing.key);
    if (same === undefined) found.set(thing.key, [thing]);
    else same.push(thing);
  }
  return found;
}

/** What is found about an artifact that has a row. */
export function findingOf(
  kind: DriftKind,
  record: ArtifactRecord,
  { sinceMs, ...detail }: { sinceMs: number | null } & Record<string, unknown>,
): Finding {
  const { id, executionId, tenantId, key, versionId, uploadId, sizeBytes } = record;
  return {
    ...{ kind, subject: id, artifactId: id, executionId, tenantId, key, versionId, uploadId, sizeBytes, sinceMs },
    detail: { status: record.status, path: record.path, ...detail },
  };
}

/** Has its workflow changed more of it than the row tells? Then what the row says of its object is nothing to go by. */
export const isBehind = (row: ArtifactRecord, known: ArtifactRecord): boolean => row.revision < known.revision;

/** A row that says something else than its workflow, with both sides. @param ended its life is over. */
export function rowDiffers(row: ArtifactRecord, known: ArtifactRecord, { ended = false } = {}): Finding | null {
  const { before, after } = differences(row, known);
  const isOther = isBehind(row, known);
  if (!isOther && Object.keys(after).length === 0) return null;
  const numbers = isOther ? [{ revision: row.revision }, { revision: known.revision }] : [{}, {}];
  return findingOf('row_differs', row, {
    sinceMs: row.updatedAtMs,
    row: { ...before, ...numbers[0] },
    workflow: { ...after, ...numbers[1], ...(ended ? { ended } : {}) },
  });
}

/** Has it a life, which something must lead? Until it is DELETED and cannot be brought back any more. */
export const isUnended = ({ status, purgeAtMs }: Pick<ArtifactRecord, 'status' | 'purgeAtMs'>): boolean =>
  status !== 'DELETED' || purgeAtMs !== null;

/** What the server's index of workflows tells of a life: cheap to have for all of them, but it lags by moments. */
export interface IndexedLife {
  status: string;
  tier: string;
  /** Some indexes keep seconds only. */
  expiresAtMs: number | null;
  isPermanent: boolean;
  isHeld: boolean;
}

export const indexedLife = ({ status, tier, expiresAtMs, retention, holds }: ArtifactRecord): IndexedLife => ({
  ...{ status, tier, expiresAtMs },
  ...{ isPermanent: retention.rule === 'permanent', isHeld: holds.length > 0 },
});

/** Does a row say what the index says? If not, either of them may only be late. */
export function isAsIndexed(record: ArtifactRecord, index: IndexedLife): boolean {
  const { expiresAtMs, ...row } = indexedLife(record);
  const isSameTime = Math.abs((expiresAtMs ?? Infinity) - (index.expiresAtMs ?? Infinity)) < SECOND_MS;
  const isNever = expiresAtMs === null && index.expiresAtMs === null;
  return (
    (isSameTime || isNever) && Object.entries(row).every(([name, value]) => index[name as keyof typeof row] === value)
  );
}

/** How far the clocks of the store and of the workers may be apart; times of stores are whole seconds. */
const CLOCKS_MS = MINUTE_MS;

/** Does a row wait for this upload, or may it be about to? Also an attempt before that could not note its id is led to its end by its row. */
export const isAwaited = (
  upload: { uploadId: string; initiatedAtMs: number },
  rowsOfKey: readonly Pick<ArtifactRecord, 'status' | 'uploadId' | 'createdAtMs'>[],
): boolean =>
  rowsOfKey.some(
    ({ status, uploadId, createdAtMs }) =>
      status === 'UPLOADING' && (uploadId === upload.uploadId || createdAtMs <= upload.initiatedAtMs + CLOCKS_MS),
  );
