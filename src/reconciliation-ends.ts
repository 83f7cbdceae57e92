import type { ReconciliationReport, Reconciliations } from './db/reconciliations.js';
import { ArtifactError } from './domain/errors.js';
import type { ReconciliationClient } from './temporal/reconciliation-client.js';

type Reports = Pick<Reconciliations, 'latest' | 'get' | 'listFindings'>;
type Scope = Parameters<Reports['latest']>[0];
type Ends = Pick<ReconciliationClient, 'endOf'>;

/**
 * Reports of which one that was ended from outside, as by a termination, says so, and when: its workflow could not write it any more. It is
 * written down once somebody asks; while Temporal does not answer, it is told as it was written.
 */
export function withEnds(reports: Reports & Pick<Reconciliations, 'finish'>, workflows: Ends): Reports {
  const ended = async (report: ReconciliationReport | null, query: Scope): Promise<ReconciliationReport | null> => {
    if (report === null || report.finishedAtMs !== null) return report;
    const end = await workflows.endOf(report.id).catch(orNothing);
    if (end === null) return report;
    // The first word counts: it may have been written just now.
    await reports.finish(report.id, {
      finishedAtMs: end.atMs ?? report.startedAtMs,
      inspected: report.inspected,
      failure: `it was ended from outside (${end.how})`,
    });
    return reports.get(report.id, query);
  };
  return {
    listFindings: (query) => reports.listFindings(query),
    latest: async (query) => ended(await reports.latest(query), query),
    get: async (runId, query) => ended(await reports.get(runId, query), query),
  };
}

function orNothing(error: unknown): null {
  if (error instanceof ArtifactError && error.retryable) return null;
  throw error;
}
