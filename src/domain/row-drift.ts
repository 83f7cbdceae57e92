import type { ArtifactRecord } from './artifact-record.js';
import type { Tags } from './artifact.js';
import type { Finding } from './drift.js';
import { findingOf } from './inspection.js';
import { currentTags } from './stored-object.js';
import { isSameTags } from './tags.js';

/** What the store was seen to have of the object that a row names. */
export interface ObjectSight {
  /** Null when the version that the row names is gone, or is not the artifact's. */
  info: { sizeBytes: number; etag: string; storageClass: string; lastModifiedMs: number } | null;
  /** Its newest is a delete marker. */
  isHidden: boolean;
  /** Null when nobody has looked, or could. */
  tags: Tags | null;
  /** Whether its metadata has its SHA-256; null when nobody has looked. */
  bornWithHash: boolean | null;
  /** For people: what is there instead. */
  instead?: Record<string, unknown>;
}

/**
 * What must be in the store by a row: `whole`, as the row says it; `bytes`, so that they can be brought back; or nothing that could be told from outside,
 * as they are coming or going.
 */
export function expectationOf(record: ArtifactRecord, nowMs: number): 'whole' | 'bytes' | 'nothing' {
  const { status, deletionReason, purgeAtMs } = record;
  if (status === 'DELETED') return purgeAtMs !== null && purgeAtMs > nowMs ? 'bytes' : 'nothing';
  return status === 'UPLOADING' || deletionReason !== null ? 'nothing' : 'whole';
}

export interface DriftRules {
  nowMs: number;
  /** The store has storage classes. */
  classes: boolean;
  /** After its deadline, an artifact may be there for so long. */
  expiryMs: number;
}

/** Where a row and its object differ. Pure: the same for what a listing shows and for what was looked at directly. */
export function driftOfRow(record: ArtifactRecord, sight: ObjectSight, rules: DriftRules): Finding[] {
  const expectation = expectationOf(record, rules.nowMs);
  if (expectation === 'nothing') return [];
  const { info, isHidden, tags, bornWithHash, instead } = sight;
  const { sizeBytes, etag, storageClass, versionId } = record;
  if (info === null) {
    const detail = { row: { versionId, sizeBytes, etag }, store: null, ...instead };
    return [findingOf('object_missing', record, { sinceMs: record.updatedAtMs, ...detail })];
  }
  const findings: Finding[] = [];
  const add = (kind: Finding['kind'], sinceMs: number | null, row: unknown, store: unknown): void => {
    findings.push(findingOf(kind, record, { sinceMs, row, store }));
  };
  const { lastModifiedMs } = info;
  if (info.sizeBytes !== sizeBytes || (etag !== null && bare(info.etag) !== bare(etag)))
    add('bytes_differ', lastModifiedMs, { sizeBytes, etag }, { sizeBytes: info.sizeBytes, etag: info.etag });
  if (expectation === 'bytes') return findings;
  if (isHidden) add('object_hidden', null, 'visible', instead ?? 'behind a delete marker');
  if (rules.classes && info.storageClass !== storageClass)
    add('class_differs', lastModifiedMs, storageClass, info.storageClass);
  if (tags !== null && !isTaggedRight(record, tags, bornWithHash))
    add('tags_differ', lastModifiedMs, currentTags(record, bornWithHash ?? true), tags);
  if (isOverdue(record, rules))
    add(
      'expired_present',
      record.expiresAtMs,
      { expiresAt: new Date(record.expiresAtMs ?? 0).toISOString() },
      'present',
    );
  return findings;
}

/** Stores write the marks around it or do not. */
const bare = (etag: string): string => etag.replaceAll('"', '');

/** The SHA-256 among the tags is needed only where the metadata has none, and does no harm where it has. */
function isTaggedRight(record: ArtifactRecord, tags: Tags, bornWithHash: boolean | null): boolean {
  if (isSameTags(tags, currentTags(record, false))) return true;
  // What was sent in one request was signed with its hash.
  const hasHash = bornWithHash ?? record.partSizeBytes === null;
  return hasHash && isSameTags(tags, currentTags(record, true));
}

function isOverdue({ expiresAtMs, holds, retention }: ArtifactRecord, { nowMs, expiryMs }: DriftRules): boolean {
  if (retention.rule === 'permanent' || holds.length > 0 || expiresAtMs === null) return false;
  return expiresAtMs + expiryMs < nowMs;
}
