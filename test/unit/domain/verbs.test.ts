import { describe, expect, it } from 'vitest';
import type { Verb } from '../../../src/domain/commands.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import type { LifecycleState } from '../../../src/domain/lifecycle.js';
import { requireClaimKept, requireFutureExpiry, requireSameContent, ruleOn } from '../../../src/domain/verbs.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { aRecord, aState, ARTIFACT_ID, BORN_MS, SHA256 } from '../../support/records.js';

const deletion = { actor: 'worker', failures: 1, nextTryMs: BORN_MS, rowMissing: false };
const hold = { id: ARTIFACT_ID, by: 'ann', reason: 'case 17', atMs: BORN_MS, untilMs: null };
const states: Record<string, LifecycleState> = {
  UPLOADING: aState({ status: 'UPLOADING' }),
  ACTIVE: aState(),
  ARCHIVED: aState({ status: 'ARCHIVED' }),
  RESTORING: aState({ status: 'ARCHIVED', restoreState: 'in_progress' }),
  EXPIRING: aState({}, { deletion: { ...deletion, reason: 'expired' } }),
  DELETING: aState({}, { deletion: { ...deletion, reason: 'requested' } }),
  HELD: aState({ holds: [hold] }),
  DELETED: aState({ status: 'DELETED', deletionReason: 'expired' }),
  PURGEABLE: aState({ status: 'DELETED', deletionReason: 'requested', purgeAtMs: BORN_MS + DAY_MS }),
};

const rulings: Record<Verb, Record<keyof typeof states, string>> = {
  repairArtifact: {
    UPLOADING: 'perform',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    EXPIRING: 'perform',
    DELETING: 'perform',
    HELD: 'perform',
    DELETED: 'perform',
    PURGEABLE: 'perform',
  },
  completeUpload: {
    UPLOADING: 'perform',
    ACTIVE: 'done',
    ARCHIVED: 'done',
    RESTORING: 'done',
    EXPIRING: 'artifact_deleted',
    DELETING: 'artifact_deleted',
    HELD: 'done',
    DELETED: 'artifact_deleted',
    PURGEABLE: 'artifact_deleted',
  },
  abortUpload: {
    UPLOADING: 'perform',
    ACTIVE: 'not_uploading',
    ARCHIVED: 'not_uploading',
    RESTORING: 'not_uploading',
    EXPIRING: 'not_uploading',
    DELETING: 'not_uploading',
    HELD: 'not_uploading',
    DELETED: 'done',
    PURGEABLE: 'done',
  },
  setRetention: {
    UPLOADING: 'perform',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    EXPIRING: 'perform',
    DELETING: 'artifact_deleted',
    HELD: 'perform',
    DELETED: 'artifact_deleted',
    PURGEABLE: 'artifact_deleted',
  },
  inheritRetention: {
    UPLOADING: 'perform',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    EXPIRING: 'done',
    DELETING: 'done',
    HELD: 'perform',
    DELETED: 'done',
    PURGEABLE: 'done',
  },
  keepForever: {
    UPLOADING: 'perform',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    EXPIRING: 'perform',
    DELETING: 'artifact_deleted',
    HELD: 'perform',
    DELETED: 'artifact_deleted',
    PURGEABLE: 'artifact_deleted',
  },
  addHold: {
    UPLOADING: 'wrong_state',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    EXPIRING: 'perform',
    DELETING: 'artifact_deleted',
    HELD: 'perform',
    DELETED: 'artifact_deleted',
    PURGEABLE: 'artifact_deleted',
  },
  endHold: {
    UPLOADING: 'perform',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    EXPIRING: 'perform',
    DELETING: 'artifact_deleted',
    HELD: 'perform',
    DELETED: 'artifact_deleted',
    PURGEABLE: 'artifact_deleted',
  },
  setTags: {
    UPLOADING: 'wrong_state',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    EXPIRING: 'artifact_deleted',
    DELETING: 'artifact_deleted',
    HELD: 'perform',
    DELETED: 'artifact_deleted',
    PURGEABLE: 'artifact_deleted',
  },
  deleteArtifact: {
    UPLOADING: 'perform',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    EXPIRING: 'perform',
    DELETING: 'perform',
    HELD: 'held',
    DELETED: 'done',
    PURGEABLE: 'done',
  },
  purgeArtifact: {
    UPLOADING: 'perform',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    EXPIRING: 'perform',
    DELETING: 'perform',
    HELD: 'held',
    DELETED: 'done',
    PURGEABLE: 'perform',
  },
  undeleteArtifact: {
    UPLOADING: 'done',
    ACTIVE: 'done',
    ARCHIVED: 'done',
    RESTORING: 'done',
    EXPIRING: 'perform',
    DELETING: 'perform',
    HELD: 'done',
    DELETED: 'artifact_deleted',
    PURGEABLE: 'perform',
  },
  archiveArtifact: {
    UPLOADING: 'wrong_state',
    ACTIVE: 'perform',
    ARCHIVED: 'done',
    RESTORING: 'wrong_state',
    EXPIRING: 'artifact_deleted',
    DELETING: 'artifact_deleted',
    HELD: 'perform',
    DELETED: 'artifact_deleted',
    PURGEABLE: 'artifact_deleted',
  },
  restoreArtifact: {
    UPLOADING: 'wrong_state',
    ACTIVE: 'done',
    ARCHIVED: 'perform',
    RESTORING: 'done',
    EXPIRING: 'artifact_deleted',
    DELETING: 'artifact_deleted',
    HELD: 'done',
    DELETED: 'artifact_deleted',
    PURGEABLE: 'artifact_deleted',
  },
};

const outcome = (run: () => string | void): string => {
  try {
    return run() ?? 'accepted';
  } catch (error) {
    if (error instanceof ArtifactError) return error.code;
    throw error;
  }
};

describe('every verb in every state', () => {
  for (const [verb, row] of Object.entries(rulings)) {
    for (const [name, expected] of Object.entries(row)) {
      it(`${verb} of an artifact that is ${name}: ${expected}`, () => {
        expect(outcome(() => ruleOn(verb as Verb, states[name]!))).toBe(expected);
      });
    }
  }

  it('tells who completes an upload that was deleted for wrong bytes that the bytes were wrong', () => {
    const state = aState({ status: 'DELETED', deletionReason: 'checksum_mismatch' });
    expect(outcome(() => ruleOn('completeUpload', state))).toBe('checksum_mismatch');
  });
});

describe('completing', () => {
  it('again must say the same', () => {
    expect(outcome(() => requireSameContent(aRecord(), { sizeBytes: 10, sha256: SHA256 }))).toBe('accepted');
    expect(outcome(() => requireSameContent(aRecord(), { sizeBytes: 10, sha256: 'b'.repeat(64) }))).toBe(
      'complete_conflict',
    );
    expect(outcome(() => requireSameContent(aRecord(), { sizeBytes: 11, sha256: SHA256 }))).toBe('complete_conflict');
  });

  it('keeps to what was claimed at begin, where anything was', () => {
    const stream = aRecord({ sizeBytes: null, sha256: null });
    expect(outcome(() => requireClaimKept(stream, { sizeBytes: 3, sha256: SHA256 }))).toBe('accepted');
    expect(outcome(() => requireClaimKept(aRecord(), { sizeBytes: 3, sha256: SHA256 }))).toBe('complete_conflict');
    expect(outcome(() => requireClaimKept(aRecord(), { sizeBytes: 10, sha256: 'b'.repeat(64) }))).toBe(
      'complete_conflict',
    );
  });
});

describe('shortening a retention', () => {
  const nowMs = BORN_MS + 10 * DAY_MS;
  it('into the past needs a confirmation', () => {
    expect(outcome(() => requireFutureExpiry(aRecord(), { days: 10, confirm: false }, nowMs))).toBe('expiry_in_past');
    expect(outcome(() => requireFutureExpiry(aRecord(), { days: 10, confirm: true }, nowMs))).toBe('accepted');
    expect(outcome(() => requireFutureExpiry(aRecord(), { days: 11, confirm: false }, nowMs))).toBe('accepted');
  });

  it('refuses impossible days even with one', () => {
    expect(outcome(() => requireFutureExpiry(aRecord(), { days: -1, confirm: true }, nowMs))).toBe('invalid_retention');
  });
});
