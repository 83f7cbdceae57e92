import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../../config.js';
import type { NumberedFinding, ReconciliationReport, Reconciliations } from '../../db/reconciliations.js';
import { openRecords } from '../../deps.js';
import { ArtifactError } from '../../domain/errors.js';
import type { ReconciliationMode, ReconciliationProgress } from '../../domain/reconcile.js';
import { SECOND_MS } from '../../domain/units.js';
import { withEnds } from '../../reconciliation-ends.js';
import { connectReconciliation } from '../../temporal/reconciliation-client.js';

export type { NumberedFinding, ReconciliationReport } from '../../db/reconciliations.js';

const LOOK_EVERY_MS = SECOND_MS;
const PAGE = 1_000;

/** What has been found, and as many of the findings as were asked for. */
export interface ReconciliationResult {
  report: ReconciliationReport;
  findings: NumberedFinding[];
}

export interface ReconcileOptions {
  mode: ReconciliationMode;
  /** How many findings are wanted at most. */
  findings: number;
  /** Whoever has had enough: the reconciliation goes on. */
  signal: AbortSignal;
  onStart: (started: { runId: string; hasJoined: boolean }) => void;
  /** Null: no worker answers. `found`: so far. `problem`: why it stands still. */
  onProgress: (progress: ReconciliationProgress | null, found: number, problem: string | null) => void;
}

/**
 * Starts a reconciliation, or joins the one that runs, and answers when it is over.
 * @throws `aborted` when the signal fires; `workflows_unavailable`, `database_unavailable`.
 */
export async function reconcileNow(config: Config, options: ReconcileOptions): Promise<ReconciliationResult> {
  const temporal = connectReconciliation(config);
  const database = openRecords(config);
  const reports = withEnds(database.reconciliations, temporal.client);
  try {
    const { client } = temporal;
    const started = await client.startReconciliation(options.mode);
    options.onStart(started);
    const { runId } = started;
    for (;;) {
      const { isRunning, problem } = await client.lookAt(runId);
      if (!isRunning) break;
      if (options.signal.aborted) throw gaveUp();
      const [progress, report] = await Promise.all([
        client.progressOf(),
        database.reconciliations.get(runId, { tenantId: null }),
      ]);
      options.onProgress(
        progress,
        (report?.totals ?? []).reduce((sum, { findings }) => sum + findings, 0),
        problem,
      );
      await sleep(LOOK_EVERY_MS, undefined, { signal: options.signal }).catch(() => undefined);
    }
    return await resultOf(database.reconciliations, options.findings, await reports.get(runId, ALL));
  } finally {
    await Promise.all([temporal.close(), database.close()]);
  }
}

/** The last one, whoever asked for it. @throws `database_unavailable`; `invalid_request` when there was none. */
export async function lastReconciliation(config: Config, findings: number): Promise<ReconciliationResult> {
  const temporal = connectReconciliation(config);
  const database = openRecords(config);
  try {
    const report = await withEnds(database.reconciliations, temporal.client).latest(ALL);
    return await resultOf(database.reconciliations, findings, report);
  } finally {
    await Promise.all([temporal.close(), database.close()]);
  }
}

const ALL = { tenantId: null };

const gaveUp = (): ArtifactError => new ArtifactError('aborted', 'The caller gave up; the reconciliation goes on');

async function resultOf(
  reconciliations: Reconciliations,
  most: number,
  report: ReconciliationReport | null,
): Promise<ReconciliationResult> {
  if (report === null) throw new ArtifactError('reconciliation_not_found', 'There was no reconciliation yet');
  const findings: NumberedFinding[] = [];
  while (findings.length < most) {
    const limit = Math.min(PAGE, most - findings.length);
    const afterNumber = findings.at(-1)?.number ?? 0;
    const page = await reconciliations.listFindings({ runId: report.id, tenantId: null, afterNumber, limit });
    findings.push(...page);
    if (page.length < limit) break;
  }
  return { report, findings };
}
