import { requireExecution } from '../access.js';
import type { Api, ApiContext } from '../context.js';
import { deleteExecutionArtifacts } from '../delete-execution.js';
import { setExecutionRetention } from '../execution-retention.js';
import { callerOf } from '../plugins/auth.js';
import { ExecutionParams } from '../schemas/atoms.js';
import { DeletedCount, ExecutionRetention, ExecutionRetentionBody } from '../schemas/lifecycle.js';
import { BODY_PROBLEMS, problems, STORAGE_PROBLEMS, WORKFLOW_PROBLEMS } from '../schemas/problem.js';

export function registerExecutionRoutes(app: Api, context: ApiContext): void {
  registerDeleteAll(app, context);
  registerRetention(app, context);
}

function registerDeleteAll(app: Api, context: ApiContext): void {
  const schema = {
    tags: ['lifecycle'],
    summary: 'Delete every artifact of an execution',
    description: 'May be repeated: after a failure the next request goes on where this one stopped.',
    params: ExecutionParams,
    response: {
      200: DeletedCount,
      ...problems('invalid_id', 'execution_not_found', ...STORAGE_PROBLEMS, ...WORKFLOW_PROBLEMS),
    },
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.delete('/v1/executions/:executionId/artifacts', options, async (request) => {
    const caller = callerOf(request);
    const execution = await requireExecution(context.records, caller, request.params.executionId);
    return { deleted: await deleteExecutionArtifacts(context, caller, execution.id) };
  });
}

function registerRetention(app: Api, context: ApiContext): void {
  const schema = {
    tags: ['lifecycle'],
    summary: 'Say how long the artifacts of an execution are kept',
    description:
      'Counts for every artifact without a retention of its own, those to come and those that are there: they follow within ' +
      'seconds, by a workflow of their own. May be said before the first upload.',
    params: ExecutionParams,
    body: ExecutionRetentionBody,
    response: {
      200: ExecutionRetention,
      ...problems(
        'invalid_id',
        'invalid_retention',
        'execution_not_found',
        'expiry_in_past',
        ...BODY_PROBLEMS,
        ...STORAGE_PROBLEMS,
        ...WORKFLOW_PROBLEMS,
      ),
    },
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.put('/v1/executions/:executionId/retention', options, async (request) => {
    const { executionId } = request.params;
    const retentionDays = await setExecutionRetention(context, callerOf(request), { executionId, ...request.body });
    return { retentionDays };
  });
}
