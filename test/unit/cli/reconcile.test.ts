import { describe, expect, it } from 'vitest';
import { reconcileProgressText, reconciliationText } from '../../../src/cli/reconcile-table.js';
import { NOTHING_INSPECTED, type Outcome } from '../../../src/domain/drift.js';
import { HOUR_MS } from '../../../src/domain/units.js';
import type { NumberedFinding, ReconciliationReport } from '../../../src/operator/reconcile/reconcile.js';

const AT_MS = Date.UTC(2026, 0, 3);
const aReport = (given: Partial<ReconciliationReport> = {}): ReconciliationReport => ({
  ...{ id: 'run-1', mode: 'dry-run', startedAtMs: AT_MS, finishedAtMs: AT_MS + 5_300, failure: null, totals: [] },
  inspected: { rows: 12, objects: 14, bytes: 4_096, uploads: 1, lives: 12, manifests: 2 },
  ...given,
});
const aFinding = (number: number, outcome: Outcome = 'open', note: string | null = null): NumberedFinding => ({
  ...{ number, kind: 'object_missing', subject: 'a', artifactId: `artifact-${number}`, executionId: null },
  ...{ tenantId: null, key: `artifacts/e/output/${number}.txt`, versionId: null, uploadId: null, sizeBytes: 10 },
  ...{ sinceMs: Date.now() - 3 * HOUR_MS, detail: {}, outcome, note },
});
const text = (report: ReconciliationReport, findings: NumberedFinding[] = [], isRunning = false): string =>
  reconciliationText({ report, findings }, { maxColumns: Infinity, isRunning });

describe('a report for people', () => {
  it('says that all agree, and how much was looked at', () => {
    const shown = text(aReport());
    expect(shown).toContain('Dry run of 2026-01-03 00:00:00 UTC');
    expect(shown).toContain('took 5.3 s');
    expect(shown).toContain('12 rows, 14 objects (4.0 KiB), 12 workflows, 1 uploads, 2 manifests');
    expect(shown).toContain('Bucket, rows and workflows agree.');
  });

  it('of a dry run shows kinds with what a repair would do, findings with key and age, and how many more there are', () => {
    const totals = [{ kind: 'object_missing', outcome: 'open', findings: 7, bytes: 70 }] as const;
    const shown = text(aReport({ totals: [...totals] }), [aFinding(1), aFinding(2)]);
    expect(shown).toMatch(/object_missing +7 +70 B +3 hours ago +deleted \(bytes_lost\)/);
    expect(shown).toMatch(/object_missing +3 hours ago +10 B +open +artifacts\/e\/output\/2\.txt +artifact-2/);
    expect(shown).toContain('5 more findings: --all shows them.');
    expect(shown).toContain('artifacts reconcile --repair');
  });

  it('of a repair shows what became of the findings, and why some are left', () => {
    const totals: ReconciliationReport['totals'] = [
      { kind: 'object_missing', outcome: 'failed', findings: 1, bytes: 10 },
      { kind: 'object_missing', outcome: 'repaired', findings: 2, bytes: 20 },
    ];
    const shown = text(aReport({ mode: 'repair', totals }), [
      aFinding(1, 'failed', 'no answer'),
      aFinding(2, 'repaired'),
    ]);
    expect(shown).toMatch(/object_missing +3 +30 B +3 hours ago +1 failed, 2 repaired/);
    expect(shown).toContain('object_missing: no answer');
    expect(shown).toContain('Some of it is left');
    const healed = text(aReport({ mode: 'repair', totals: totals.slice(1) }));
    expect(healed).toContain('Nothing is left to repair.');
  });

  it('of a repair that found bytes gone says that they are lost, and does not call that repaired', () => {
    const totals: ReconciliationReport['totals'] = [
      { kind: 'object_missing', outcome: 'lost', findings: 1, bytes: 10 },
      { kind: 'object_missing', outcome: 'repaired', findings: 1, bytes: 10 },
    ];
    const shown = text(aReport({ mode: 'repair', totals }), [
      aFinding(1, 'lost', 'its bytes are gone'),
      aFinding(2, 'repaired'),
    ]);
    expect(shown).toMatch(/object_missing +2 +20 B +3 hours ago +1 lost, 1 repaired/);
    expect(shown).toContain('object_missing: its bytes are gone');
    expect(shown).toContain('What is lost cannot be had again');
  });

  it('of a dry run does not hide what is new behind what is in quarantine', () => {
    const unknown = (outcome: Outcome) => ({ kind: 'object_unknown' as const, outcome, findings: 2, bytes: 8 });
    const both = text(aReport({ totals: [unknown('open'), unknown('quarantined')] }));
    expect(both).toMatch(/object_unknown +4 +16 B +quarantined, then removed for good; 2 quarantined/);
    const none = text(aReport({ totals: [unknown('quarantined')] }));
    expect(none).toMatch(/object_unknown +2 +8 B +2 quarantined/);
  });

  it('tells a reason once, however many artifacts it names', () => {
    const left = (number: number): NumberedFinding => aFinding(number, 'open', `signal artifact/artifact-${number}`);
    const totals = [{ kind: 'object_missing', outcome: 'open', findings: 3, bytes: 30 }] as const;
    const shown = text(aReport({ totals: [...totals] }), [left(1), left(2), left(3)]);
    expect(shown.match(/object_missing: .*/g)).toEqual(['object_missing: signal artifact/<id>']);
    const alone = text(aReport({ totals: [...totals] }), [left(1)]);
    expect(alone).toContain('object_missing: signal artifact/artifact-1');
  });

  it('says that one was not complete, still runs, or was ended from outside', () => {
    expect(text(aReport({ failure: 'it was cancelled' }))).toContain('NOT COMPLETE: it was cancelled');
    const running = text(aReport({ finishedAtMs: null }), [], true);
    expect(running).toContain('still running');
    const ended = text(aReport({ finishedAtMs: null }));
    expect(ended).toContain('ended from outside');
    expect(ended).toContain('may differ as well');
    for (const shown of [running, ended]) expect(shown).not.toContain('agree');
  });
});

describe('the progress of a reconciliation', () => {
  const progress = {
    ...{ runId: 'run-1', mode: 'repair' as const, startedAtMs: AT_MS, stageStartedAtMs: AT_MS },
    ...{ inspected: { ...NOTHING_INSPECTED, objects: 900, lives: 40 }, settled: { repaired: 3, failed: 1 } },
  };
  it.each([
    ['bucket', 'objects: 900 (300 per second), 1 finding so far'],
    ['lives', 'workflows: 40 (13 per second), 1 finding so far'],
    ['findings', 'repairing: 4 of 1 findings'],
  ] as const)('in the stage %s', (stage, expected) => {
    expect(reconcileProgressText({ ...progress, stage }, 1, null, AT_MS + 3_000)).toBe(expected);
  });

  it('says when no worker answers', () => {
    expect(reconcileProgressText(null, 0, null)).toBe('waiting for a worker');
  });

  it('says why it stands still', () => {
    expect(reconcileProgressText({ ...progress, stage: 'bucket' }, 0, 'no \u001b[31mtable')).toBe(
      'it failed, and is tried again: no \ufffd[31mtable',
    );
  });
});
