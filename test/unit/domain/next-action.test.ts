import { describe, expect, it } from 'vitest';
import { acceptState, nextAction } from '../../../src/domain/lifecycle.js';
import type { Retention } from '../../../src/domain/retention.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { aState, BORN_MS } from '../../support/records.js';

const PERMANENT: Retention = { rule: 'permanent', by: 'ann', reason: 'evidence', atMs: BORN_MS };

describe('what was uploaded in parts', () => {
  const claimed = { checksumState: 'claimed' } as const;
  const nextOf = (record: Parameters<typeof aState>[0], rest: Parameters<typeof aState>[1] = {}) =>
    nextAction(aState(record, rest), BORN_MS);

  it('is read back at once, and again when that failed, unless it is under way, archived or known already', () => {
    expect(nextOf(claimed)).toEqual({ kind: 'verify', atMs: BORN_MS, rule: 'unverified_checksum' });
    expect(nextOf(claimed, { retriesMs: { verify: BORN_MS + 1 } })).toMatchObject({
      kind: 'verify',
      atMs: BORN_MS + 1,
    });
    expect(nextOf(claimed, { verifyingSinceMs: BORN_MS }).kind).not.toBe('verify');
    expect(nextOf({ ...claimed, status: 'ARCHIVED' }).kind).not.toBe('verify');
    for (const checksumState of ['verified', 'mismatch'] as const)
      expect(nextOf({ checksumState }).kind).not.toBe('verify');
  });

  it('is begun anew by a run that takes over', () => {
    const state = acceptState(aState(claimed, { verifyingSinceMs: BORN_MS }));
    expect(nextAction(state, BORN_MS).kind).toBe('verify');
  });
});

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
