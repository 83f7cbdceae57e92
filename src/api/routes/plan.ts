import { DAY_MS, HOUR_MS } from '../../domain/units.js';
import { executionsOf, type Caller } from '../access.js';
import type { Api, ApiContext } from '../context.js';
import { toTimestamp } from '../encode.js';
import { invalidField } from '../invalid-field.js';
import { decodePlanCursor, encodePlanCursor, planPage, planTotals, type PlannedAction } from '../plan-ahead.js';
import { callerOf } from '../plugins/auth.js';
import * as schemas from '../schemas/plan.js';
import { problems } from '../schemas/problem.js';

/** What happens to many artifacts. From the rows, so it works while workflows are down. */
export function registerPlanRoute(app: Api, context: ApiContext): void {
  const schema = {
    tags: ['artifacts'],
    operationId: 'previewPlan',
    summary: 'What happens to artifacts by itself within a while, when and why',
    description:
      'Everything that will expire, move to another tier, be warned of, purged and so on, by the same rules that workflows follow, ' +
      'if nobody says anything before; of all that the token may see, or of one execution.',
    querystring: schemas.PlanQuerystring,
    response: { 200: schemas.PlanPage, ...problems('invalid_id', 'invalid_cursor', 'execution_not_found') },
  };
  const options = { config: { access: 'artifacts:read' }, schema } as const;
  app.get('/v1/plan', options, async (request) => answer(context, callerOf(request), request.query));
}

async function answer(context: ApiContext, caller: Caller, query: schemas.PlanQuerystring): Promise<schemas.PlanPage> {
  const { records } = context;
  const nowMs = context.nowMs();
  const begin = query.cursor === undefined ? null : decodePlanCursor(query.cursor);
  const untilMs = begin?.untilMs ?? nowMs + parseWithin(query.within);
  const executionIds = await executionsOf(records, caller, query.executionId);
  const plan = { tenantId: caller.tenant, executionIds, actions: query.action ?? null, nowMs, untilMs };
  const { items, nextCursor } = await planPage(records, plan, { limit: query.limit, cursor: begin?.cursor ?? null });
  return {
    from: toTimestamp(nowMs),
    until: toTimestamp(untilMs),
    items: items.map(encode),
    totals: begin === null ? await planTotals(records, plan) : null,
    nextCursor: nextCursor === null ? null : encodePlanCursor(untilMs, nextCursor),
  };
}

/** `12h`, `7d` in milliseconds. @throws `invalid_request` beyond the longest. */
function parseWithin(within: string): number {
  const withinMs = Number(within.slice(0, -1)) * (within.endsWith('h') ? HOUR_MS : DAY_MS);
  if (withinMs > schemas.MAX_WITHIN_DAYS * DAY_MS)
    throw invalidField('within', `must be at most ${schemas.MAX_WITHIN_DAYS}d`);
  return withinMs;
}

const encode = ({ record, preview }: PlannedAction): schemas.PlannedAction => {
  const { action, atMs, rule, because, sizeBytes, isEstimate, undeleteUntilMs } = preview;
  return {
    artifactId: record.id,
    executionId: record.executionId,
    path: record.path,
    action,
    at: toTimestamp(atMs),
    rule,
    because,
    sizeBytes,
    isEstimate,
    undeleteUntil: undeleteUntilMs === null ? null : toTimestamp(undeleteUntilMs),
  };
};
