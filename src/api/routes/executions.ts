import { requireExecution } from '../access.js';
import type { Api, ApiContext } from '../context.js';
import { deleteExecutionArtifacts } from '../delete-execution.js';
import { callerOf } from '../plugins/auth.js';
import { ExecutionParams } from '../schemas/atoms.js';
import { DeletedCount } from '../schemas/lifecycle.js';
import { problems, STORAGE_PROBLEMS, WORKFLOW_PROBLEMS } from '../schemas/problem.js';

export function registerExecutionRoutes(app: Api, context: ApiContext): void {
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
