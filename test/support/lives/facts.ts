import type { RecordedEvent } from '../../../src/db/artifact-records.js';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import type { LifePolicy } from '../../../src/domain/policy.js';
import { DAY_MS } from '../../../src/domain/units.js';

/*
 * A second opinion: what is true of an artifact as its audit tells it, and what must therefore happen to it when. Written without the
 * code that it judges, and so that each rule can be read by itself.
 */

type Retention = { rule: string; days?: number; expiresAtMs?: number };

/** Its audit does not always tell when something was made permanent. */
export function undated(retention: unknown): Retention {
  const { atMs: _at, ...rest } = retention as Retention & { atMs?: number };
  return rest;
}

export interface Facts {
  bornMs: number;
  status: 'UPLOADING' | 'ACTIVE' | 'ARCHIVED' | 'DELETED';
  tier: 'HOT' | 'WARM' | 'COLD';
  /** What is known of its bytes. */
  checksum: 'claimed' | 'verified' | 'mismatch';
  retention: Retention;
  /** Ids of its holds with their ends; null: somebody must end it. */
  holds: Map<string, number | null>;
  isWarned: boolean;
  deletionReason: string | null;
  purgeAtMs: number | null;
  isRestoring: boolean;
  restoredAtMs: number;
  /** Of the last event. */
  atMs: number;
}

export function factsAtBirth({ atMs, detail }: RecordedEvent): Facts {
  return {
    bornMs: atMs,
    status: 'UPLOADING',
    tier: 'HOT',
    checksum: 'claimed',
    retention: undated(detail['retention']),
    holds: new Map(),
    isWarned: false,
    deletionReason: null,
    purgeAtMs: null,
    isRestoring: false,
    restoredAtMs: 0,
    atMs,
  };
}

/** The facts after an event. */
export function factsAfter(before: Facts, { kind, detail, atMs }: RecordedEvent): Facts {
  const facts = { ...before, atMs };
  switch (kind) {
    case 'upload_begun':
      throw new Error('an upload begins once');
    case 'upload_completed':
      return { ...facts, status: 'ACTIVE', checksum: detail['verifiedBy'] === null ? 'claimed' : 'verified' };
    case 'checksum_verified':
      return { ...facts, checksum: 'verified' };
    case 'checksum_mismatched':
      return { ...facts, checksum: 'mismatch' };
    case 'expiry_warned':
      return { ...facts, isWarned: true };
    case 'retention_changed':
      return { ...facts, retention: undated(detail['to']), isWarned: false };
    case 'hold_added': {
      const untilMs = detail['untilMs'] as number | null;
      return { ...facts, holds: new Map(facts.holds).set(detail['id'] as string, untilMs), isWarned: false };
    }
    case 'hold_ended':
      return { ...facts, holds: new Map([...facts.holds].filter(([id]) => id !== detail['id'])) };
    case 'tags_changed':
    case 'row_restored':
      return facts;
    case 'tier_changed':
      return { ...facts, tier: detail['to'] as Facts['tier'] };
    case 'archived':
      return { ...facts, status: 'ARCHIVED', tier: 'COLD' };
    case 'restore_requested':
      return { ...facts, isRestoring: true };
    case 'restored':
      return { ...facts, status: 'ACTIVE', tier: tierAfterRestore(detail), isRestoring: false, restoredAtMs: atMs };
    case 'deletion_begun':
      return { ...facts, deletionReason: detail['reason'] as string };
    case 'deletion_revoked':
      return { ...facts, deletionReason: null };
    case 'deleted': {
      const until = detail['canBeUndeletedUntil'];
      const purgeAtMs = typeof until === 'string' ? Date.parse(until) : null;
      const checksum = detail['reason'] === 'checksum_mismatch' ? 'mismatch' : facts.checksum;
      return { ...facts, status: 'DELETED', purgeAtMs, isRestoring: false, checksum };
    }
    case 'undeleted':
      return {
        ...facts,
        status: facts.tier === 'COLD' ? 'ARCHIVED' : 'ACTIVE',
        retention: undated(detail['retention']),
        isWarned: false,
        deletionReason: null,
        purgeAtMs: null,
      };
    case 'purged':
      return { ...facts, purgeAtMs: null };
    case 'repaired':
      // These lives have none: nothing goes wrong in them that must be repaired.
      throw new Error('nothing was to be repaired');
  }
}

const tierAfterRestore = ({ storageClass }: RecordedEvent['detail']): Facts['tier'] =>
  storageClass === 'STANDARD_IA' ? 'WARM' : 'HOT';

/** When its retention is over; null: never. */
export function deadlineOf({ retention, bornMs }: Facts): number | null {
  if (retention.rule === 'permanent') return null;
  return retention.rule === 'date' ? (retention.expiresAtMs ?? NaN) : bornMs + (retention.days ?? NaN) * DAY_MS;
}

export const isLiving = ({ status, deletionReason }: Facts): boolean =>
  (status === 'ACTIVE' || status === 'ARCHIVED') && deletionReason === null;

/** What must happen by itself if nothing else does before: by the name of the event that tells of it, and when. */
export function duesOf(facts: Facts, policy: LifePolicy, uploadMs: number): { what: string; atMs: number }[] {
  const { status, deletionReason, purgeAtMs, holds, checksum } = facts;
  if (status === 'DELETED') return purgeAtMs === null ? [] : [{ what: 'purged', atMs: purgeAtMs }];
  if (deletionReason !== null) return [{ what: 'deleted', atMs: facts.atMs }];
  if (status === 'UPLOADING') return [{ what: 'deletion_begun', atMs: facts.bornMs + uploadMs }];
  const deadlineMs = deadlineOf(facts);
  const warnMs = warningOf(facts, policy);
  const tierMs = nextTierOf(facts, policy);
  return [
    ...(deadlineMs === null || holds.size > 0 ? [] : [{ what: 'deletion_begun', atMs: deadlineMs }]),
    ...[...holds.values()].flatMap((untilMs) => (untilMs === null ? [] : [{ what: 'hold_ended', atMs: untilMs }])),
    ...(warnMs === null || facts.isWarned ? [] : [{ what: 'expiry_warned', atMs: warnMs }]),
    ...(status === 'ACTIVE' && checksum === 'claimed' ? [{ what: 'reading it back', atMs: facts.atMs }] : []),
    ...(tierMs === null ? [] : [{ what: 'a colder tier', atMs: tierMs }]),
  ];
}

/** So many days before it expires, which is after its last hold; half of its life if that is shorter. Null: nobody is warned. */
export function warningOf(facts: Facts, { warnBeforeDays }: LifePolicy): number | null {
  const deadlineMs = deadlineOf(facts);
  const ends = [...facts.holds.values()];
  if (deadlineMs === null || warnBeforeDays === 0 || ends.includes(null)) return null;
  const expiresMs = Math.max(deadlineMs, ...ends.map((untilMs) => untilMs ?? 0));
  return Math.floor(expiresMs - Math.min(warnBeforeDays * DAY_MS, Math.max(0, (deadlineMs - facts.bornMs) / 2)));
}

/** When it is old enough for a tier; null: it never is, or is in its last one. */
function nextTierOf({ status, tier, bornMs, restoredAtMs }: Facts, policy: LifePolicy): number | null {
  if (status !== 'ACTIVE') return null;
  const ages = [...(tier === 'HOT' ? [policy.warmAfterDays] : []), policy.coldAfterDays].filter((age) => age !== null);
  return ages.length === 0 ? null : Math.max(bornMs, restoredAtMs) + Math.min(...ages) * DAY_MS;
}

/** When it is old enough for the archive. */
export const coldAtMs = ({ bornMs, restoredAtMs }: Facts, { coldAfterDays }: LifePolicy): number =>
  coldAfterDays === null ? Infinity : Math.max(bornMs, restoredAtMs) + coldAfterDays * DAY_MS;

/** When it is old enough for infrequent access. */
export const warmAtMs = ({ bornMs, restoredAtMs }: Facts, { warmAfterDays }: LifePolicy): number =>
  warmAfterDays === null ? Infinity : Math.max(bornMs, restoredAtMs) + warmAfterDays * DAY_MS;

/** What the row must say by these facts. */
export function rowOf(facts: Facts): Partial<ArtifactRecord> {
  const isDeleted = facts.status === 'DELETED';
  return {
    status: facts.status,
    tier: facts.tier,
    checksumState: facts.checksum,
    deletionReason: facts.deletionReason as ArtifactRecord['deletionReason'],
    purgeAtMs: facts.purgeAtMs,
    restoreState: facts.isRestoring ? 'in_progress' : null,
    expiresAtMs: isDeleted || facts.status === 'UPLOADING' ? null : deadlineOf(facts),
  };
}
