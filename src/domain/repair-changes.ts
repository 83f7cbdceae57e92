import type { ArtifactRecord, AuditEvent, RecordPatch } from './artifact-record.js';
import { deleted, undeleted, type Change } from './changes.js';
import type { RepairArtifact } from './commands.js';
import type { SeenVersion } from './seen.js';

/* The changes that a repair writes. */

/** Something that is wrong, in the words of the audit, and what the store has. What the row says is compared when it is written. */
export interface Wrong {
  what: string;
  storeHas?: Record<string, unknown>;
}

// Lives of before know nothing of their policy.
type Compared = Exclude<keyof RecordPatch, 'policy'>;
const COMPARED: Record<Compared, true> = {
  ...{ sizeBytes: true, sha256: true, checksumState: true, tags: true, status: true, tier: true, storageClass: true },
  ...{ versionId: true, etag: true, retention: true, holds: true, expiresAtMs: true, warnedAtMs: true },
  ...{ archivedAtMs: true, deletedAtMs: true, deletionReason: true, purgeAtMs: true, restoreState: true },
  ...{ restoreEtaMs: true, restoredAtMs: true, key: true, mimeType: true, type: true, partSizeBytes: true },
  ...{ uploadDeadlineMs: true, uploadId: true },
};

/** What a row must be given so that it is as it should be, and what it says there until then. */
export function differences(row: ArtifactRecord, wanted: ArtifactRecord): { before: RecordPatch; after: RecordPatch } {
  const fields = (Object.keys(COMPARED) as Compared[])
    // Which upload it is, others than the workflow decide while it runs.
    .filter((field) => field !== 'uploadId' || wanted.status !== 'UPLOADING')
    .filter((field) => text(row[field]) !== text(wanted[field]));
  const of = (record: ArtifactRecord): RecordPatch => Object.fromEntries(fields.map((field) => [field, record[field]]));
  return { before: of(row), after: of(wanted) };
}

/** Does the row say something else than the workflow which leads its life? */
export const isTampered = (row: ArtifactRecord, known: ArtifactRecord): boolean =>
  Object.keys(differences(row, known).after).length > 0;

/** What was put right. @param row as it was found. */
export function repaired(
  row: ArtifactRecord,
  wanted: ArtifactRecord,
  wrong: readonly Wrong[],
  { actor, runId }: RepairArtifact,
): Change {
  const { before, after } = differences(row, wanted);
  const sides = {
    storeHas: Object.assign({}, ...wrong.map(({ storeHas }) => storeHas ?? {})) as object,
    ...{ rowSaid: before, rowSays: after },
  };
  return {
    patch: after,
    event: { kind: 'repaired', actor, detail: { wrong: noteOf(wrong), ...told(sides), ...by(runId) } },
  };
}

export const ROW_BEHIND: Wrong = { what: 'row behind' };
export const ROW_DIFFERS: Wrong = { what: 'row differs' };

/** A row that knows less than the workflow which leads its life, as one of an older backup does, is brought up to that. */
export const caughtUp = (row: ArtifactRecord, known: ArtifactRecord): Change =>
  repaired(row, known, [ROW_BEHIND], { actor: 'worker' });

/** Nothing of it is in the store, which nobody wished. @param missingAtMs when that was seen, each time. */
export function bytesLost(
  record: ArtifactRecord,
  missingAtMs: readonly number[],
  { actor, runId }: RepairArtifact,
  nowMs: number,
): Change {
  const { key, versionId, sizeBytes, holds, retention } = record;
  const evidence = {
    ...{ key, versionId, sizeBytes, missingAt: missingAtMs.map((ms) => new Date(ms).toISOString()) },
    // Nothing should have been able to remove these.
    ...(holds.length > 0 ? { wasHeld: true } : {}),
    ...(retention.rule === 'permanent' ? { wasPermanent: true } : {}),
    ...by(runId),
  };
  const change = deleted({ reason: 'bytes_lost', actor, purgeAtMs: null, evidence }, nowMs);
  return { ...change, patch: { ...change.patch, deletionReason: 'bytes_lost' } };
}

/** They are back, so it lives on as if it had never been lost. */
export function bytesFound(
  record: ArtifactRecord,
  { versionId, etag, storageClass }: SeenVersion,
  { actor, runId }: RepairArtifact,
): Change {
  const { patch, event } = undeleted(record, record.retention, { versionId, etag, storageClass }, actor);
  return { patch, event: { ...event, detail: { ...event.detail, ...by(runId) } } };
}

export const noteOf = (wrong: readonly Wrong[]): string => wrong.map(({ what }) => what).join(', ');

const by = (runId: string | undefined): AuditEvent['detail'] => (runId === undefined ? {} : { runId });

/** Histories are read by people: what has parts is written out, and what there is none of is left out. */
const told = (sides: Record<string, object>): AuditEvent['detail'] =>
  Object.fromEntries(
    Object.entries(sides)
      .filter(([, facts]) => Object.keys(facts).length > 0)
      .map(([side, facts]) => [
        side,
        Object.fromEntries(Object.entries(facts).map(([name, fact]) => [name, plain(fact)])),
      ]),
  );
const plain = (fact: unknown): unknown => (typeof fact === 'object' && fact !== null ? text(fact) : fact);

/** Postgres keeps the fields of JSON in an order of its own. */
const text = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
