import { changeArtifact } from '../change-artifact.js';
import type { Api, ApiContext } from '../context.js';
import { encodeArtifact } from '../encode.js';
import { APPLIED_ONCE } from '../plugins/idempotency.js';
import { ArtifactAnswer } from '../schemas/artifact.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { RestoreBody } from '../schemas/lifecycle.js';
import { BODY_PROBLEMS, problems, STORAGE_PROBLEMS, WORKFLOW_PROBLEMS } from '../schemas/problem.js';
import { senderOf } from '../sender.js';
import { allowEmptyBody } from './empty-body.js';

const tags = ['lifecycle'];

export function registerArchiveRoutes(app: Api, context: ApiContext): void {
  registerArchive(app, context);
  registerRestore(app, context);
}

const moveProblems = () =>
  problems(
    'invalid_id',
    'artifact_not_found',
    'wrong_state',
    'artifact_deleted',
    'not_supported',
    ...STORAGE_PROBLEMS,
    ...WORKFLOW_PROBLEMS,
  );

function registerArchive(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'archiveArtifact',
    summary: 'Move an artifact to the archive',
    description: 'It must be restored before it can be downloaded again.',
    params: ArtifactParams,
    response: { 200: ArtifactAnswer, ...moveProblems() },
  };
  const options = { config: { access: 'artifacts:write', sameKey: APPLIED_ONCE }, schema } as const;
  app.post('/v1/artifacts/:id/archive', options, async (request) => {
    const { id } = request.params;
    const record = await changeArtifact(context, senderOf(request), {
      verb: 'archiveArtifact',
      artifactId: id,
      message: {},
      send: (message, requestKey) => context.lifecycle.archiveArtifact(id, message, requestKey),
    });
    return { artifact: encodeArtifact(record) };
  });
}

function registerRestore(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'restoreArtifact',
    summary: 'Bring an artifact back from the archive',
    description:
      '202 while the store works on it (`restoreState`, at the latest until `restoreEta`), 200 once it is ACTIVE. A second request ' +
      'joins the first.',
    params: ArtifactParams,
    body: RestoreBody,
    response: { 200: ArtifactAnswer, 202: ArtifactAnswer, ...problems(...BODY_PROBLEMS), ...moveProblems() },
  };
  const options = {
    config: { access: 'artifacts:write', sameKey: APPLIED_ONCE },
    schema,
    preValidation: allowEmptyBody,
  } as const;
  app.post('/v1/artifacts/:id/restore', options, async (request, reply) => {
    const { id } = request.params;
    const { tier } = request.body;
    const record = await changeArtifact(context, senderOf(request), {
      verb: 'restoreArtifact',
      artifactId: id,
      message: { tier },
      send: (message, requestKey) => context.lifecycle.restoreArtifact(id, message, requestKey),
    });
    return reply.code(record.restoreState === null ? 200 : 202).send({ artifact: encodeArtifact(record) });
  });
}
