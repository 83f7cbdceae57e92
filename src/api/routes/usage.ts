import { quotasOf } from '../../config.js';
import { roomIn, totalOf, type TierUsage } from '../../domain/quotas.js';
import { executionsOf, requireExecution } from '../access.js';
import type { Api, ApiContext } from '../context.js';
import { callerOf } from '../plugins/auth.js';
import { ExecutionParams } from '../schemas/atoms.js';
import { problems } from '../schemas/problem.js';
import { Usage } from '../schemas/usage.js';

const tags = ['artifacts'];
const options = { config: { access: 'artifacts:read' } } as const;

/** How much there is, and how much more fits. From counters, so it costs the same however much that is. */
export function registerUsageRoutes(app: Api, context: ApiContext): void {
  registerOfTenant(app, context);
  registerOfExecution(app, context);
}

function registerOfTenant(app: Api, { records, config }: ApiContext): void {
  const schema = {
    tags,
    operationId: 'getUsage',
    summary: 'What the tenant has, by tier, and what is left of its quotas',
    description:
      'A token that is narrowed to executions is told of those alone. Exact as soon as a change is answered.',
    response: { 200: Usage, ...problems() },
  };
  app.get('/v1/usage', { ...options, schema }, async (request) => {
    const caller = callerOf(request);
    const executionIds = await executionsOf(records, caller, undefined);
    const tiers = await records.usage({ tenantId: caller.tenant, executionIds });
    if (executionIds !== null) return encode('executions', tiers, null);
    const { tenantArtifacts, tenantBytes } = quotasOf(config);
    return encode('tenant', tiers, { artifacts: tenantArtifacts, bytes: tenantBytes });
  });
}

function registerOfExecution(app: Api, { records, config }: ApiContext): void {
  const schema = {
    tags,
    operationId: 'getExecutionUsage',
    summary: 'What an execution has, by tier, and what is left of its quotas',
    description: 'Those of its tenant hold too. Exact as soon as a change is answered.',
    params: ExecutionParams,
    response: { 200: Usage, ...problems('invalid_id', 'execution_not_found') },
  };
  app.get('/v1/executions/:executionId/usage', { ...options, schema }, async (request) => {
    const { executionId } = request.params;
    await requireExecution(records, callerOf(request), executionId);
    const { executionArtifacts, executionBytes } = quotasOf(config);
    const tiers = await records.usage({ executionId });
    return encode('execution', tiers, { artifacts: executionArtifacts, bytes: executionBytes });
  });
}

/** @param limits of 0 are none. */
function encode(scope: Usage['scope'], tiers: TierUsage, limits: { artifacts: number; bytes: number } | null): Usage {
  const total = totalOf(tiers);
  const quotas =
    limits === null
      ? null
      : { artifacts: roomIn(limits.artifacts, total.artifacts), bytes: roomIn(limits.bytes, total.bytes) };
  return { scope, total, tiers, quotas };
}
