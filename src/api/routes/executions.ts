import type { Api, ApiContext } from '../context.js';
import { deleteExecutionArtifacts } from '../delete-execution.js';
import { setExecutionRetention } from '../execution-retention.js';
import { ExecutionParams } from '../schemas/atoms.js';
import {
  DeletionQuerystring,
  ExecutionDeletion,
  ExecutionRetention,
  ExecutionRetentionBody,
} from '../schemas/lifecycle.js';
import { BODY_PROBLEMS, problems, STORAGE_PROBLEMS, WORKFLOW_PROBLEMS } from '../schemas/problem.js';
import { senderOf } from '../sender.js';

export function registerExecutionRoutes(app: Api, context: ApiContext): void {
  registerDeleteAll(app, context);
  registerRetention(app, context);
}

function registerDeleteAll(app: Api, context: ApiContext): void {
  const schema = {
    tags: ['lifecycle'],
    operationId: 'deleteExecutionArtifacts',
    summary: 'Delete every artifact of an execution',
    description:
      'All that exist when it is accepted, those being uploaded included; uploads that begin later are not touched. A workflow does ' +
      'it, which goes on whoever dies: 200 once it has ended, 202 when that takes longer than the wait. Whoever asks while one runs ' +
      'joins it.',
    params: ExecutionParams,
    querystring: DeletionQuerystring,
    response: {
      200: ExecutionDeletion,
      202: ExecutionDeletion,
      ...problems('invalid_id', 'execution_not_found', ...STORAGE_PROBLEMS, ...WORKFLOW_PROBLEMS),
    },
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.delete('/v1/executions/:executionId/artifacts', options, async (request, reply) => {
    const wish = { ...request.params, ...request.query };
    const { id, counts, finishedAtMs } = await deleteExecutionArtifacts(context, senderOf(request), wish);
    const finished = finishedAtMs !== null;
    return reply.code(finished ? 200 : 202).send({ deletionId: id, finished, ...counts });
  });
}

function registerRetention(app: Api, context: ApiContext): void {
  const schema = {
    tags: ['lifecycle'],
    operationId: 'setExecutionRetention',
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
    const retentionDays = await setExecutionRetention(context, senderOf(request), { executionId, ...request.body });
    return { retentionDays };
  });
}
