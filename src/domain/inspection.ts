import type { ArtifactRecord } from './artifact-record.js';
import type { DriftKind, Finding } from './drift.js';
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
