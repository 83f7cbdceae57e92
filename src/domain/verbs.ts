import type { ArtifactRecord } from './artifact-record.js';
import type { Verb } from './commands.js';
import { ArtifactError } from './errors.js';
import { held, MAX_HOLDS, type Hold } from './holds.js';
import type { LifecycleState } from './lifecycle.js';
import { expiresAtMs, inherits, ownRetention, type OwnRetention } from './retention.js';

/**
 * `perform`: do it. `done`: the artifact is already there, answer with it. Anything else is thrown.
 */
export type Ruling = 'perform' | 'done';

/** What a ruling depends on. */
type Standing = Pick<LifecycleState, 'record' | 'deletion'>;

/** May this verb be applied now? The one table of REQ-5's arrows. @throws the error the caller gets. */
export function ruleOn(verb: Verb, state: Standing): Ruling {
  const { record, deletion } = state;
  switch (verb) {
    case 'repairArtifact':
      return 'perform';
    case 'completeUpload':
      if (record.status === 'UPLOADING' && deletion === null) return 'perform';
      if (isGone(state)) throw gone(record);
      return 'done';
    case 'abortUpload':
      if (record.status === 'DELETED') return 'done';
      if (record.status === 'UPLOADING') return 'perform';
      throw new ArtifactError('not_uploading', `${record.path} is ${record.status}`, {
        details: { status: record.status },
      });
    case 'deleteArtifact':
      if (record.status === 'DELETED') return 'done';
      if (record.holds.length > 0) throw held(record);
      return 'perform';
    case 'purgeArtifact':
      if (record.status === 'DELETED') return record.purgeAtMs === null ? 'done' : 'perform';
      if (record.holds.length > 0) throw held(record);
      return 'perform';
    case 'undeleteArtifact':
      if (record.status === 'DELETED' ? record.purgeAtMs !== null : isRevocable(state)) return 'perform';
      if (isGone(state)) throw final(record);
      return 'done';
    case 'addHold':
      if (isGone(state) && !isExpiring(state)) throw gone(record);
      if (record.status === 'UPLOADING') throw wrongState(record, 'held');
      return 'perform';
    case 'endHold':
      if (isGone(state) && !isExpiring(state)) throw gone(record);
      return 'perform';
    case 'inheritRetention':
      return isGone(state) || !inherits(record.retention) ? 'done' : 'perform';
    case 'setRetention':
    case 'keepForever':
      if (isGone(state) && !isExpiring(state)) throw gone(record);
      return 'perform';
    case 'setTags':
      if (isGone(state)) throw gone(record);
      if (record.status === 'UPLOADING') throw wrongState(record, 'tagged');
      return 'perform';
    case 'archiveArtifact':
      if (isGone(state)) throw gone(record);
      if (record.status === 'ARCHIVED' && record.restoreState === null) return 'done';
      if (record.status === 'ACTIVE') return 'perform';
      throw wrongState(record, 'archived');
    case 'restoreArtifact':
      if (isGone(state)) throw gone(record);
      if (record.status === 'ACTIVE' || record.restoreState !== null) return 'done';
      if (record.status === 'ARCHIVED') return 'perform';
      throw wrongState(record, 'restored');
  }
}

/** A repeated complete must say the same. @throws `complete_conflict`. */
export function requireSameContent(record: ArtifactRecord, claim: { sizeBytes: number; sha256: string }): void {
  if (record.sha256 === claim.sha256 && record.sizeBytes === claim.sizeBytes) return;
  throw new ArtifactError(
    'complete_conflict',
    `${record.path} is complete with ${record.sizeBytes} bytes of ${record.sha256}`,
    {
      details: { sha256: record.sha256, sizeBytes: record.sizeBytes },
    },
  );
}

/** What was claimed at begin binds the complete. @throws `complete_conflict`. */
export function requireClaimKept(record: ArtifactRecord, claim: { sizeBytes: number; sha256: string }): void {
  if (record.sha256 !== null && record.sha256 !== claim.sha256)
    throw new ArtifactError(
      'complete_conflict',
      `the upload began with SHA-256 ${record.sha256}, not ${claim.sha256}`,
      {
        details: { sha256: record.sha256 },
      },
    );
  if (record.sizeBytes !== null && record.sizeBytes !== claim.sizeBytes)
    throw new ArtifactError(
      'complete_conflict',
      `the upload began with ${record.sizeBytes} bytes, not ${claim.sizeBytes}`,
      {
        details: { sizeBytes: record.sizeBytes },
      },
    );
}

/** @throws `invalid_retention`; `expiry_in_past` when the artifact would be due at once and `confirm` is not set. */
export function requireFutureExpiry(
  record: ArtifactRecord,
  message: OwnRetention & { confirm: boolean },
  nowMs: number,
): void {
  const deadlineMs = expiresAtMs(record.createdAtMs, ownRetention(message));
  if (message.confirm || deadlineMs === null || deadlineMs > nowMs) return;
  const expiresAt = new Date(deadlineMs).toISOString();
  throw new ArtifactError('expiry_in_past', `${record.path} would have expired at ${expiresAt}`, {
    details: { expiresAt },
  });
}

/** @returns 'done' when it has this hold already. @throws `too_many_holds`. */
export function requireRoomForHold({ path, holds }: ArtifactRecord, { id }: Pick<Hold, 'id'>): Ruling {
  if (holds.some((hold) => hold.id === id)) return 'done';
  if (holds.length < MAX_HOLDS) return 'perform';
  throw new ArtifactError('too_many_holds', `${path} has ${holds.length} holds`);
}

/** Its time is up, and its deletion is decided but not proven: whoever keeps it now may still be in time. */
const isExpiring = ({ record, deletion }: Standing): boolean =>
  record.status !== 'DELETED' && deletion?.reason === 'expired' && deletion.forGood !== true;

/** A deletion that is not proven yet and was not for good can be revoked, if the bytes are still there. */
const isRevocable = ({ record, deletion }: Standing): boolean =>
  record.status !== 'DELETED' &&
  (deletion?.reason === 'expired' || deletion?.reason === 'requested') &&
  deletion.forGood !== true;

const isGone = (state: Standing): boolean => state.record.status === 'DELETED' || state.deletion !== null;

function gone(record: ArtifactRecord): ArtifactError {
  if (record.deletionReason === 'checksum_mismatch')
    return new ArtifactError('checksum_mismatch', `${record.path} was deleted: its bytes were not those claimed`);
  return new ArtifactError(
    'artifact_deleted',
    `${record.path} is deleted (${record.deletionReason ?? 'deletion under way'})`,
    {
      details: { deletionReason: record.deletionReason },
    },
  );
}

/** Nothing can be brought back, and why. */
function final(record: ArtifactRecord): ArtifactError {
  const { path, deletionReason, id: artifactId } = record;
  return new ArtifactError('artifact_deleted', `${path} cannot be brought back: ${whyFinal(record)}`, {
    details: { artifactId, deletionReason },
  });
}

function whyFinal({ status, etag, deletionReason, versionId, policy }: ArtifactRecord): string {
  if (status !== 'DELETED') return 'it is being deleted for good';
  if (etag === null) return 'its upload never was complete';
  if (versionId === null) return 'its bucket keeps no versions, so its bytes went at once';
  const days = deletionReason === 'expired' ? policy.undeleteExpiredDays : policy.undeleteDays;
  if (days === 0) return `what ${deletionReason === 'expired' ? 'expired' : 'somebody deleted'} goes at once here`;
  return 'it was purged, or its window is over: its history says which, and when';
}

const wrongState = (record: ArtifactRecord, done: string): ArtifactError =>
  new ArtifactError(
    'wrong_state',
    `${record.path} cannot be ${done}: it is ${record.restoreState === null ? record.status : 'being restored'}`,
    {
      details: { status: record.status, restoreState: record.restoreState },
    },
  );
