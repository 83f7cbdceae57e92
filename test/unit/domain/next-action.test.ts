import { describe, expect, it } from 'vitest';
import { nextAction } from '../../../src/domain/lifecycle.js';
import type { Retention } from '../../../src/domain/retention.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { aState, BORN_MS } from '../../support/records.js';

const PERMANENT: Retention = { rule: 'permanent', by: 'ann', reason: 'evidence', atMs: BORN_MS };

describe('nextAction', () => {
  it('expires a default artifact 30 days after its creation', () => {
    expect(nextAction(aState(), BORN_MS)).toEqual({
      kind: 'expire',
      atMs: BORN_MS + 30 * DAY_MS,
      rule: 'default_retention',
    });
  });

  it('names the rule that causes an expiry', () => {
    const rules = (['default', 'execution', 'artifact'] as const).map(
      (rule) => nextAction(aState({ retention: { rule, days: 30 } }), BORN_MS).rule,
    );
    expect(rules).toEqual(['default_retention', 'execution_retention', 'artifact_retention']);
  });

  it('abandons an upload at its deadline', () => {
    const state = aState({ status: 'UPLOADING', expiresAtMs: null });
    expect(nextAction(state, BORN_MS)).toEqual({
      kind: 'abandonUpload',
      atMs: BORN_MS + DAY_MS,
      rule: 'upload_deadline',
    });
  });

  it('has nothing in store for a permanent artifact', () => {
    const state = aState({ retention: PERMANENT, expiresAtMs: null });
    expect(nextAction(state, BORN_MS + 10_000 * DAY_MS)).toEqual({ kind: 'none', atMs: null, rule: 'permanent' });
  });

  it('looks at a restore before a later expiry, and expires first at the same instant', () => {
    const expiryMs = BORN_MS + 30 * DAY_MS;
    const kindWithPollAt = (pollMs: number): string =>
      nextAction(aState({ status: 'ARCHIVED' }, { nextRestorePollMs: pollMs }), BORN_MS).kind;
    expect(kindWithPollAt(expiryMs - 1)).toBe('pollRestore');
    expect(kindWithPollAt(expiryMs)).toBe('expire');
  });

  it('goes on with a decided deletion whatever the retention says', () => {
    const deletion = {
      reason: 'requested' as const,
      actor: 'ann',
      failures: 1,
      nextTryMs: BORN_MS + 5,
      rowMissing: false,
    };
    const state = aState({ retention: PERMANENT, expiresAtMs: null }, { deletion });
    expect(nextAction(state, BORN_MS)).toEqual({ kind: 'delete', atMs: BORN_MS + 5, rule: 'requested' });
  });

  it('sweeps once after a deletion that signed URLs outlive, and then rests', () => {
    const deleted = { status: 'DELETED', deletionReason: 'requested' } as const;
    expect(nextAction(aState(deleted, { sweepAtMs: BORN_MS + 9 }), BORN_MS).kind).toBe('sweep');
    expect(nextAction(aState(deleted), BORN_MS)).toEqual({ kind: 'none', atMs: null, rule: 'deleted' });
  });
});
