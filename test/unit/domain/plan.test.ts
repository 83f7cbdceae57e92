import { describe, expect, it } from 'vitest';
import { planOf } from '../../../src/domain/plan.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { aRecord, BORN_MS } from '../../support/records.js';

describe('the plan of an artifact', () => {
  it('names the next action, when, by which rule, and what would change it', () => {
    expect(planOf(aRecord(), BORN_MS)).toMatchObject({
      action: 'expire',
      atMs: BORN_MS + 30 * DAY_MS,
      rule: 'default_retention',
      wouldChange: expect.arrayContaining(['keeping it for ever', 'a retention of its execution']) as string[],
    });
  });

  it('has nothing in store for a permanent or a deleted artifact', () => {
    const retention = { rule: 'permanent', by: 'ann', reason: '', atMs: BORN_MS } as const;
    expect(planOf(aRecord({ retention, expiresAtMs: null }), BORN_MS)).toMatchObject({ action: 'none', atMs: null });
    expect(planOf(aRecord({ status: 'DELETED', deletionReason: 'expired' }), BORN_MS)).toMatchObject({
      rule: 'deleted',
    });
  });

  it('tells an upload’s deadline, a restore, and a deletion that is under way', () => {
    expect(planOf(aRecord({ status: 'UPLOADING' }), BORN_MS)).toMatchObject({
      action: 'abandonUpload',
      atMs: BORN_MS + DAY_MS,
    });
    const restoring = aRecord({ status: 'ARCHIVED', restoreState: 'in_progress' });
    expect(planOf(restoring, BORN_MS)).toMatchObject({ action: 'pollRestore' });
    const going = planOf(aRecord({ deletionReason: 'requested' }), BORN_MS);
    expect(going).toMatchObject({ action: 'delete', rule: 'requested' });
    expect(going.because).toContain('somebody asked for it');
  });
});
