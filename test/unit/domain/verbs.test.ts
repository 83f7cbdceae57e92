import { describe, expect, it } from 'vitest';
import type { Verb } from '../../../src/domain/commands.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import type { LifecycleState } from '../../../src/domain/lifecycle.js';
import { requireClaimKept, requireFutureExpiry, requireSameContent, ruleOn } from '../../../src/domain/verbs.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { aRecord, aState, BORN_MS, SHA256 } from '../../support/records.js';

const deletion = { reason: 'expired' as const, actor: 'worker', failures: 0, nextTryMs: BORN_MS, rowMissing: false };
const states: Record<string, LifecycleState> = {
  UPLOADING: aState({ status: 'UPLOADING' }),
  ACTIVE: aState(),
  ARCHIVED: aState({ status: 'ARCHIVED' }),
  RESTORING: aState({ status: 'ARCHIVED', restoreState: 'in_progress' }),
  DELETING: aState({}, { deletion }),
  DELETED: aState({ status: 'DELETED', deletionReason: 'expired' }),
};

const rulings: Record<Verb, Record<keyof typeof states, string>> = {
  completeUpload: {
    UPLOADING: 'perform',
    ACTIVE: 'done',
    ARCHIVED: 'done',
    RESTORING: 'done',
    DELETING: 'artifact_deleted',
    DELETED: 'artifact_deleted',
  },
  abortUpload: {
    UPLOADING: 'perform',
    ACTIVE: 'not_uploading',
    ARCHIVED: 'not_uploading',
    RESTORING: 'not_uploading',
    DELETING: 'perform',
    DELETED: 'done',
  },
  setRetention: {
    UPLOADING: 'perform',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    DELETING: 'artifact_deleted',
    DELETED: 'artifact_deleted',
  },
  inheritRetention: {
    UPLOADING: 'perform',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    DELETING: 'done',
    DELETED: 'done',
  },
  keepForever: {
    UPLOADING: 'perform',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    DELETING: 'artifact_deleted',
    DELETED: 'artifact_deleted',
  },
  deleteArtifact: {
    UPLOADING: 'perform',
    ACTIVE: 'perform',
    ARCHIVED: 'perform',
    RESTORING: 'perform',
    DELETING: 'perform',
    DELETED: 'done',
  },
  archiveArtifact: {
    UPLOADING: 'wrong_state',
    ACTIVE: 'perform',
    ARCHIVED: 'done',
    RESTORING: 'wrong_state',
    DELETING: 'artifact_deleted',
    DELETED: 'artifact_deleted',
  },
  restoreArtifact: {
    UPLOADING: 'wrong_state',
    ACTIVE: 'done',
    ARCHIVED: 'perform',
    RESTORING: 'done',
    DELETING: 'artifact_deleted',
    DELETED: 'artifact_deleted',
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
