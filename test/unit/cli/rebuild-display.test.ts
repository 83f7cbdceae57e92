import { describe, expect, it } from 'vitest';
import { rebuildText } from '../../../src/cli/rebuild-display.js';
import { emptyReport, leaveOut, type Interrupted, type RebuildReport } from '../../../src/domain/rebuild.js';

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

  it('names what goes on, and what its owner has to ask for again', () => {
    const by = { executionId: 'e', tenantId: 'acme', actor: 'ann' };
    const interrupted: Interrupted[] = [
      { kind: 'execution_deletion', ...by, id: 'd', requests: ['d'], lastOrdinal: 3 },
      { kind: 'execution_retention', ...by, days: 7 },
      { kind: 'publication', ...by, id: 'p' },
    ];
    const text = rebuildText(report(true, { takenUp: 3, interrupted, prepared: ['the schedule is there'] }));
    expect(text).toContain('taken up: deletion d of execution e, by ann: it goes on');
    expect(text).toContain('taken up: retention of 7 days of execution e, by ann: it goes on');
    expect(text).toContain('taken up: publication p of execution e, by ann: ask for it again within 15 minutes');
    expect(text).toContain('Temporal: the schedule is there.');
    expect(text).not.toContain('Nothing was missing.');
    expect(rebuildText(report(false, { takenUp: 3, interrupted }))).toContain('to be taken up: deletion d');
  });

  it('tells of other databases of the bucket, and whose place it has taken', () => {
    const other = { id: 'd-1', name: 'artifacts at db:5432', sinceMs: 0, seenMs: Date.now() - 3_600_000 };
    const plan = rebuildText(report(false, { otherDatabases: [other] }));
    expect(plan).toContain('also that of database d-1 (artifacts at db:5432), last seen 1 hour ago');
    expect(plan).not.toContain('--lost');
    const busy = rebuildText(report(false, { otherDatabases: [{ ...other, seenMs: Date.now() }] }));
    expect(busy).toContain('if it is lost, an apply takes its place with --lost d-1');
    const taken = rebuildText(report(true, { otherDatabases: [other], takenOver: ['d-1'] }));
    expect(taken).toContain('This database is in the place of d-1 (artifacts at db:5432) now.');
    const left = rebuildText(report(true, { otherDatabases: [other] }));
    expect(left).toContain('is still that of database d-1');
  });

  it('is glad when nothing is missing', () => {
    expect(rebuildText(report(false))).toContain('Nothing is missing.');
    expect(rebuildText(report(true))).toContain('Nothing was missing.');
  });
});
