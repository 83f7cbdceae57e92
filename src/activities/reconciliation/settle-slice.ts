import { activityInfo } from '@temporalio/activity';
import { mapConcurrently } from '../../domain/concurrency.js';
import { conflictOf } from '../../domain/bucket-databases.js';
import type { DriftKind, Outcome } from '../../domain/drift.js';
import { ArtifactError } from '../../domain/errors.js';
import { isDriftLeft } from '../../domain/reconcile.js';
import { SECOND_MS } from '../../domain/units.js';
import type { NumberedFinding } from '../../db/reconciliations.js';
import { withHeartbeat } from '../boundary.js';
import type { ReconciliationDeps } from './deps.js';
import { settleFinding } from './settle-finding.js';
import type { FindingsToSettle, SettledFindings, Settlement } from './settlement.js';
import { storeClock } from '../../store-clock.js';

const PAGE = 64;
/** What is in quarantine, and what an operator must do about a row himself. */
const TOLD_BY_A_DRY_RUN: readonly DriftKind[] = ['object_unknown', 'row_missing'];
/** Each is a few requests, and most wake a workflow. */
const CONCURRENCY = 8;
const SLICE_MS = 30 * SECOND_MS;
/** What fails once may succeed at the next attempt; what fails so often is told. */
const TRIES = 3;

/** Settles findings in their order, page by page, until the time of a slice is over. What is settled already is passed over. */
export function settleSlice(deps: ReconciliationDeps, query: FindingsToSettle): Promise<SettledFindings> {
  return withHeartbeat('settling findings', async ({ signal, tell }) => {
    const { runId, mode } = query;
    const startedAtMs = Date.now();
    let missingRows: Promise<boolean> | undefined;
    // Looked at in every slice: another one may have come meanwhile.
    const conflict = conflictOf(await deps.databases.look());
    const context = {
      ...{ ...deps, ...query, conflict, signal, storeNowMs: storeClock(deps.store) },
      hasMissingRows: () => (missingRows ??= hasMissingRows(deps, runId)),
    };
    const settled: SettledFindings['settled'] = {};
    for (let { afterNumber } = query; ;) {
      const page = await deps.reconciliations.listFindings({ runId, tenantId: null, afterNumber, limit: PAGE });
      const open = page.filter(
        ({ outcome, kind }) => outcome === 'open' && (mode === 'repair' || TOLD_BY_A_DRY_RUN.includes(kind)),
      );
      const settleAll = async (findings: NumberedFinding[]): Promise<void> => {
        const done: Settlement[] = [];
        for (const finding of findings) {
          signal.throwIfAborted();
          const settlement = await settleOrTell(context, () => settleFinding(context, finding, done));
          done.push(settlement);
          await deps.reconciliations.settle(runId, finding.number, settlement.outcome, settlement.note);
        }
      };
      // Rows first that come back: uploads and objects may be theirs.
      const groups = bySubject(open);
      const isOfArtifact = ([first]: NumberedFinding[]): boolean => first !== undefined && !isBytes(first);
      await mapConcurrently(groups.filter(isOfArtifact), CONCURRENCY, settleAll);
      await mapConcurrently(
        groups.filter((group) => !isOfArtifact(group)),
        CONCURRENCY,
        settleAll,
      );
      for (const { outcome } of page.length === 0 ? [] : await outcomesOf(deps, runId, page))
        settled[outcome] = (settled[outcome] ?? 0) + 1;
      afterNumber = page.at(-1)?.number ?? afterNumber;
      tell({ phase: `settled findings up to ${afterNumber}` });
      if (page.length < PAGE) return { afterNumber: null, settled };
      if (Date.now() - startedAtMs >= SLICE_MS) return { afterNumber, settled };
    }
  });
}

async function hasMissingRows({ reconciliations }: ReconciliationDeps, runId: string): Promise<boolean> {
  const { totals = [] } = (await reconciliations.get(runId, { tenantId: null })) ?? {};
  return isDriftLeft(totals.filter(({ kind }) => kind === 'row_missing'));
}

/** Counted from what is written, so that an attempt that follows another one counts what that has settled. */
async function outcomesOf(
  { reconciliations }: ReconciliationDeps,
  runId: string,
  page: NumberedFinding[],
): Promise<{ outcome: Outcome }[]> {
  const afterNumber = (page[0]?.number ?? 1) - 1;
  return reconciliations.listFindings({ runId, tenantId: null, afterNumber, limit: page.length });
}

const isBytes = ({ kind }: NumberedFinding): boolean => kind === 'upload_unknown' || kind === 'object_unknown';

/** All that is found about one artifact is settled one after the other: its workflow heals all of it at once. */
function bySubject(findings: NumberedFinding[]): NumberedFinding[][] {
  const groups = new Map<string, NumberedFinding[]>();
  for (const finding of findings) {
    const name = finding.artifactId ?? `${finding.kind} ${finding.subject}`;
    groups.set(name, [...(groups.get(name) ?? []), finding]);
  }
  return [...groups.values()];
}

/**
 * What goes wrong with one finding must not keep the others waiting, and an outage must not be told as the fault of a finding: then the whole
 * slice is tried again.
 */
async function settleOrTell(
  { records, store, signal }: ReconciliationDeps & { signal: AbortSignal },
  settle: () => Promise<Settlement>,
): Promise<Settlement> {
  try {
    return await settle();
  } catch (error) {
    signal.throwIfAborted();
    const { code, retryable, message } = error instanceof ArtifactError ? error : unexpected(error);
    if (code === 'workflows_unavailable') throw error;
    if (retryable && code !== 'not_yet_answered') {
      if (activityInfo().attempt < TRIES) throw error;
      await records.ping();
      await store.checkBucket();
    }
    return { outcome: 'failed', note: `${code}: ${message}` };
  }
}

const unexpected = (error: unknown): ArtifactError =>
  new ArtifactError('internal', error instanceof Error ? error.message : String(error), { cause: error });
