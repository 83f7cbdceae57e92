import { describe, expect, it } from 'vitest';
import { rebuildText } from '../../../src/cli/rebuild-display.js';
import { emptyReport, leaveOut, type RebuildReport } from '../../../src/domain/rebuild.js';

const report = (applied: boolean, given: Partial<RebuildReport> = {}): RebuildReport => ({
  ...emptyReport(applied),
  ...given,
});

describe('what a rebuild says', () => {
  it('has a line for each kind of evidence, and one for each reason to leave something out', () => {
    const plan = report(false, { lives: 3 });
    plan.rows.manifest = { artifacts: 2, bytes: 2_048 };
    leaveOut(plan, { reason: 'tenant_unknown', subject: 'artifacts/x', sizeBytes: 1_024 });
    leaveOut(plan, { reason: 'tenant_unknown', subject: 'artifacts/y', sizeBytes: 1_024 });
    const text = rebuildText(plan);
    expect(text).toMatch(/^WOULD MAKE +COUNT +SIZE/);
    expect(text).toMatch(/rows +2 +2\.0 KiB +metadata\.json/);
    expect(text).toMatch(/workflows +3 /);
    expect(text).toMatch(/left out +2 +2\.0 KiB +nothing says whose it is: --tenant/);
    expect(text).toContain('left out (tenant_unknown): artifacts/y');
    expect(text).toContain('Nothing was changed: add --apply.');
  });

  it('names what nobody but its owner can begin again', () => {
    const interrupted = [{ kind: 'publication' as const, executionId: 'e', id: 'p', actor: 'ann' }];
    expect(rebuildText(report(true, { interrupted }))).toContain('publication p of execution e, by ann');
  });

  it('is glad when nothing is missing', () => {
    expect(rebuildText(report(false))).toContain('Nothing is missing.');
    expect(rebuildText(report(true))).toContain('Nothing was missing.');
  });
});
