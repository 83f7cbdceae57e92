import type { NumberedFinding, ReconciliationReport } from '../../db/reconciliations.js';
import { ArtifactError } from '../../domain/errors.js';
import type { Api, ApiContext } from '../context.js';
import { callerOf } from '../plugins/auth.js';
import { problems } from '../schemas/problem.js';
import { Reconciliation, ReconciliationQuerystring } from '../schemas/reconciliations.js';

const CURSOR = /^([0-9A-Za-z-]{1,64})\.([1-9][0-9]{0,8})$/;

/** The last report of drift between bucket, rows and workflows, of the tenant's own. It is made by the schedule, and by operators. */
export function registerReconciliationRoutes(app: Api, { reconciliations }: ApiContext): void {
  const schema = {
    tags: ['artifacts'],
    operationId: 'latestReconciliation',
    summary: 'What the last reconciliation has found',
    description:
      'Where bucket, rows and workflows do not agree about the artifacts of the tenant, and what was done about it. Made by a ' +
      'schedule, or by an operator: `artifacts reconcile`.',
    querystring: ReconciliationQuerystring,
    response: { 200: Reconciliation, ...problems('invalid_request', 'invalid_cursor', 'reconciliation_not_found') },
  };
  const options = { config: { access: 'artifacts:admin' }, schema } as const;
  app.get('/v1/reconciliations/latest', options, async (request) => {
    const { tenant: tenantId, executions } = callerOf(request);
    const { limit, cursor } = request.query;
    const place = cursor === undefined ? null : placeOf(cursor);
    const report =
      place === null
        ? await reconciliations.latest({ tenantId })
        : await reconciliations.get(place.runId, { tenantId });
    if (report === null) throw place === null ? none() : invalid();
    const query = { runId: report.id, tenantId, afterNumber: place?.number ?? 0, limit };
    const findings = await reconciliations.listFindings(query);
    const isSeen = ({ executionId }: NumberedFinding): boolean =>
      executions === null || (executionId !== null && executions.has(executionId));
    const last = findings.length < limit ? undefined : findings.at(-1);
    return {
      ...encodeReport(report),
      totals: executions === null ? report.totals.map(({ bytes, ...total }) => ({ ...total, sizeBytes: bytes })) : null,
      items: findings.filter(isSeen).map(encodeFinding),
      nextCursor: last === undefined ? null : `${report.id}.${last.number}`,
    };
  });
}

const none = (): ArtifactError => new ArtifactError('reconciliation_not_found', 'There was no reconciliation yet');
const invalid = (): ArtifactError => new ArtifactError('invalid_cursor', 'The cursor is of no report that is kept');

function placeOf(cursor: string): { runId: string; number: number } {
  const [, runId, number] = CURSOR.exec(cursor) ?? [];
  if (runId === undefined) throw invalid();
  return { runId, number: Number(number) };
}

const isoOf = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

const encodeReport = ({ id, mode, startedAtMs, finishedAtMs, failure }: ReconciliationReport) => ({
  ...{ id, mode, startedAt: new Date(startedAtMs).toISOString(), finishedAt: isoOf(finishedAtMs) },
  isComplete: finishedAtMs !== null && failure === null,
});

/** Why something is withheld tells of the numbers of everybody. */
const encodeFinding = (finding: NumberedFinding): Reconciliation['items'][number] => {
  const { number, kind, artifactId, executionId, key, sizeBytes, sinceMs, outcome, note } = finding;
  return {
    ...{ number, kind, artifactId, executionId, key, sizeBytes, since: isoOf(sinceMs), outcome },
    note: outcome === 'withheld' ? null : note,
  };
};
