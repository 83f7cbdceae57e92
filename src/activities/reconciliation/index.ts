import { DAY_MS } from '../../domain/units.js';
import type { DriftKind, Inspected } from '../../domain/drift.js';
import { brakeOf, type ReconciliationMode } from '../../domain/reconcile.js';
import type { ActivityDeps } from '../deps.js';
import { reconciliationDeps } from './deps.js';
import { settleSlice } from './settle-slice.js';
import type { FindingsToSettle, SettledFindings } from './settlement.js';

export interface RepairToWeigh {
  runId: string;
  startedAtMs: number;
  inspected: Inspected;
}

export interface FinishedReconciliation {
  runId: string;
  mode: ReconciliationMode;
  startedAtMs: number;
  finishedAtMs: number;
  inspected: Inspected;
  failure: string | null;
}

/** What a reconciliation does beside its inspections. Safe to repeat, all of it. */
export function reconciliationActivities(activityDeps: ActivityDeps) {
  return {
    /** Notes that a run begins; those that are older than they are kept go, and so do links whose life ended as long ago. */
    async beginReconciliation(run: { id: string; mode: ReconciliationMode; startedAtMs: number }): Promise<void> {
      const { reconciliations, shares, settings } = reconciliationDeps(activityDeps);
      const forgetBeforeMs = run.startedAtMs - settings.keepDays * DAY_MS;
      await reconciliations.begin({ ...run, forgetBeforeMs });
      await shares.removeExpired(forgetBeforeMs);
    },

    /** Whether a repair would lose so much for good, or start so many lives, that it looks like a mistake. @returns why it is withheld; null: it is not. */
    async weighRepair({ runId, startedAtMs, inspected }: RepairToWeigh): Promise<string | null> {
      const { reconciliations, quarantine, settings } = reconciliationDeps(activityDeps);
      const report = await reconciliations.get(runId, { tenantId: null });
      const foundOf = (wanted: DriftKind): number =>
        (report?.totals ?? []).reduce((sum, { kind, findings }) => sum + (kind === wanted ? findings : 0), 0);
      const unknown = await quarantine.countQuarantined(startedAtMs - settings.quarantineDays * DAY_MS);
      return brakeOf({ inspected, missing: foundOf('object_missing'), unknown, lifeless: foundOf('life_missing') });
    },

    /** Heals what was found, or notes what it is; a few dozen findings, or what can be done in half a minute. */
    settleFindings: (query: FindingsToSettle): Promise<SettledFindings> =>
      settleSlice(reconciliationDeps(activityDeps), query),

    /** Writes the end of a run. What a repair has not seen is not in quarantine any more. */
    async finishReconciliation(run: FinishedReconciliation): Promise<void> {
      const { reconciliations, quarantine } = reconciliationDeps(activityDeps);
      const { runId, mode, startedAtMs, finishedAtMs, inspected, failure } = run;
      if (mode === 'repair' && failure === null) await quarantine.releaseUnseen(startedAtMs);
      await reconciliations.finish(runId, { finishedAtMs, inspected, failure });
    },
  };
}
