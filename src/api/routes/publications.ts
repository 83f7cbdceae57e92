import type { Api, ApiContext } from '../context.js';
import { callerOf } from '../plugins/auth.js';
import { cancelPublication, publicationOf, startPublication } from '../publications.js';
import { ExecutionParams } from '../schemas/atoms.js';
import { BODY_PROBLEMS, problems, WORKFLOW_PROBLEMS } from '../schemas/problem.js';
import { PublicationAnswer, PublicationParams, PublicationStarted, PublishBody } from '../schemas/publications.js';
import { senderOf } from '../sender.js';

const tags = ['publications'];
const SAME_PUBLICATION =
  'The same key of the same caller for the same execution, with the same body, is the same publication: it makes the `publicationId` ' +
  'where the body names none.';

export function registerPublicationRoutes(app: Api, context: ApiContext): void {
  registerStart(app, context);
  registerGet(app, context);
  registerCancel(app, context);
}

function registerStart(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'startPublication',
    summary: 'Publish a folder of a host',
    description:
      'Everything below it becomes an artifact of the execution: `logs/…` as logs, all else as output. The upload worker of the host ' +
      'sends the bytes; a workflow sees to it, whoever dies meanwhile. What is there already with the same content is not sent.',
    params: ExecutionParams,
    body: PublishBody,
    response: {
      202: PublicationStarted,
      ...problems(
        'invalid_id',
        'invalid_tags',
        'invalid_retention',
        'execution_not_found',
        'host_unreachable',
        ...BODY_PROBLEMS,
        ...WORKFLOW_PROBLEMS,
      ),
    },
  };
  const options = { config: { access: 'artifacts:write', sameKey: SAME_PUBLICATION }, schema } as const;
  app.post('/v1/executions/:executionId/publish', options, async (request, reply) => {
    const { executionId } = request.params;
    const publicationId = await startPublication(context, senderOf(request), executionId, request.body);
    const statusUrl = `/v1/executions/${executionId}/publish/${publicationId}`;
    return reply.code(202).header('location', statusUrl).send({ publicationId, statusUrl });
  });
}

function registerGet(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'getPublication',
    summary: 'How far a publication is, or how it ended',
    params: PublicationParams,
    response: {
      200: PublicationAnswer,
      ...problems('invalid_id', 'publication_not_found', ...WORKFLOW_PROBLEMS),
    },
  };
  const options = { config: { access: 'artifacts:read' }, schema } as const;
  app.get('/v1/executions/:executionId/publish/:publicationId', options, async (request) => {
    return { publication: await publicationOf(context, callerOf(request), request.params) };
  });
}

function registerCancel(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'cancelPublication',
    summary: 'Cancel a publication',
    description:
      'Uploads that are not complete are given up; what is complete stays, unless it is all or nothing: then everything goes. Too late ' +
      'once it is being committed, or has ended. Answers 202 while it is being stopped, 200 with how it ended.',
    params: PublicationParams,
    response: {
      200: PublicationAnswer,
      202: PublicationAnswer,
      ...problems('invalid_id', 'publication_not_found', ...WORKFLOW_PROBLEMS),
    },
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.delete('/v1/executions/:executionId/publish/:publicationId', options, async (request, reply) => {
    const publication = await cancelPublication(context, senderOf(request), request.params);
    return reply.code(publication.outcome === null ? 202 : 200).send({ publication });
  });
}
