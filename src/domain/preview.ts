import type { ArtifactRecord } from './artifact-record.js';
import type { DeletionReason } from './artifact.js';
import {
  archived,
  deleted,
  deletionBegun,
  expiryWarned,
  holdEnded,
  purged,
  restored,
  tierChanged,
  undeleteWindowEndMs,
  type Change,
} from './changes.js';
import { MAX_HOLDS } from './holds.js';
import { isCold, nextAction, type NextAction } from './lifecycle.js';
import { becauseOf, standingOf } from './plan.js';
import { storageClassOf } from './tiers.js';

/** What can happen to an artifact by itself and be told from its row, days or years before. */
export const PREVIEWED_ACTIONS = [
  'warn',
  'endHold',
  'changeTier',
  'pollRestore',
  'abandonUpload',
  'expire',
  'delete',
  'purge',
] as const satisfies readonly NextAction['kind'][];
export type PreviewedAction = (typeof PREVIEWED_ACTIONS)[number];

/** One thing that will happen to an artifact if nobody says anything before. */
export interface Preview {
  action: PreviewedAction;
  atMs: number;
  rule: NextAction['rule'];
  because: string;
  /** Of the artifact; null while it is not known. */
  sizeBytes: number | null;
  /**
   * Nobody knows when a running restore ends: what is told is when it does at the latest, by what S3 promises. The tiers after it
   * count from there. Where tiers count from the last use, what is told is when it moves unless somebody uses it before.
   */
  isEstimate: boolean;
  /** Of a deletion: until when it can be undone; null: it cannot. */
  undeleteUntilMs: number | null;
}

const BY_ITSELF = 'worker';

/** Every hold ends once, and of all else there is less; the rules below cannot take more steps unless they are broken. */
const MAX_STEPS = MAX_HOLDS + 20;

/**
 * Everything that will happen to an artifact by itself from now until then (inclusive), in its order: `nextAction` decides, as in its
 * workflow, and what that does to the row when all goes well is applied to a copy. A life that began under a version without
 * policies does less until its row is written again (decision 0007).
 */
export function previewOf(record: ArtifactRecord, nowMs: number, untilMs: number): Preview[] {
  const previews: Preview[] = [];
  // It is read back at once, and whatever comes of that moves no date.
  let state = standingOf({ ...record, checksumState: 'verified' }, nowMs);
  if (record.restoreState !== null) state = { ...state, nextRestorePollMs: record.restoreEtaMs ?? nowMs };
  let atMs = nowMs;
  for (let step = 0; step < MAX_STEPS; step += 1) {
    const next = nextAction(state, atMs);
    if (next.kind === 'none' || next.atMs > untilMs) return previews;
    ({ atMs } = next);
    const { action, changes, undeleteUntilMs = null } = effectOf(state.record, next);
    const isMovable = record.restoreState !== null || record.policy.tierBy === 'last_access';
    const isEstimate = action === 'pollRestore' || (action === 'changeTier' && isMovable);
    const { sizeBytes } = record;
    const because = becauseOf(next.rule);
    previews.push({ action, atMs, rule: next.rule, because, sizeBytes, isEstimate, undeleteUntilMs });
    const after = changes.reduce<ArtifactRecord>((row, { patch }) => ({ ...row, ...patch }), state.record);
    state = {
      ...standingOf(after, atMs),
      nextRestorePollMs: action === 'pollRestore' ? null : state.nextRestorePollMs,
    };
  }
  throw new Error(`The preview of ${record.id} has more than ${MAX_STEPS} steps`);
}

interface Effect {
  action: PreviewedAction;
  changes: Change[];
  undeleteUntilMs?: number | null;
}

/** What the workflow's action writes when all goes well. Where the bytes are then is not told: no rule depends on it. */
function effectOf(record: ArtifactRecord, next: NextAction): Effect {
  const { kind: action, atMs } = next;
  switch (action) {
    case 'warn':
      return { action, changes: [expiryWarned(record, atMs)] };
    case 'endHold':
      return { action, changes: [endOfNextHold(record, atMs)] };
    case 'changeTier':
      return {
        action,
        changes: [isCold(next.rule) ? archived(null, BY_ITSELF, atMs) : tierChanged(record, 'WARM', null)],
      };
    case 'pollRestore': {
      const { versionId, etag } = record;
      const stored = { versionId, etag: etag ?? '', storageClass: storageClassOf('HOT') };
      return { action, changes: [restored(stored, BY_ITSELF, atMs)] };
    }
    case 'abandonUpload':
      return deletion(record, { action, reason: 'upload_abandoned', atMs });
    case 'expire':
      return deletion(record, { action, reason: 'expired', atMs });
    case 'delete':
      return deletion(record, { action, reason: next.rule, atMs });
    case 'purge':
      return { action, changes: [purged(BY_ITSELF, {})] };
    case 'none':
    case 'sweep':
    case 'finishCommand':
    case 'tagObject':
    case 'verify':
      throw new Error(`A row does not tell of ${action}`);
  }
}

/** Those that end at one instant end in the order in which they were placed. */
function endOfNextHold(record: ArtifactRecord, atMs: number): Change {
  const hold = record.holds.find(({ untilMs }) => untilMs !== null && untilMs <= atMs);
  if (hold === undefined) throw new Error(`No hold of ${record.id} ends at ${atMs}`);
  return holdEnded(record, hold, BY_ITSELF);
}

function deletion(
  record: ArtifactRecord,
  { action, reason, atMs }: { action: PreviewedAction; reason: DeletionReason; atMs: number },
): Effect {
  const purgeAtMs = undeleteWindowEndMs(record, reason, atMs);
  const changes = [
    deletionBegun(reason, BY_ITSELF),
    deleted({ reason, actor: BY_ITSELF, purgeAtMs, evidence: {} }, atMs),
  ];
  return { action, changes, undeleteUntilMs: purgeAtMs };
}
