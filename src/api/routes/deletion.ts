import { changeArtifact } from '../change-artifact.js';
import type { Api, ApiContext } from '../context.js';
import { encodeArtifact } from '../encode.js';
import { APPLIED_ONCE } from '../plugins/idempotency.js';
import { ArtifactAnswer } from '../schemas/artifact.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { DeleteQuerystring } from '../schemas/lifecycle.js';
import { problems, STORAGE_PROBLEMS, WORKFLOW_PROBLEMS } from '../schemas/problem.js';
import { senderOf } from '../sender.js';

const tags = ['lifecycle'];

export function registerDeletionRoutes(app: Api, context: ApiContext): void {
  registerDelete(app, context);
  registerUndelete(app, context);
}

function registerDelete(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'deleteArtifact',
    summary: 'Delete an artifact',
    description:
      'Answers once nobody can have its bytes any more. Until `purgeAt` it can be undeleted; where `purgeAt` is null its bytes are ' +
      'gone (`purge`, an upload that was not complete, no window, or a bucket without versions). May be repeated.',
    params: ArtifactParams,
    querystring: DeleteQuerystring,
    response: {
      200: ArtifactAnswer,
      ...problems('invalid_id', 'artifact_not_found', 'held', ...STORAGE_PROBLEMS, ...WORKFLOW_PROBLEMS),
    },
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.delete('/v1/artifacts/:id', options, async (request) => {
    const { id: artifactId } = request.params;
    const verb = request.query.purge ? 'purgeArtifact' : 'deleteArtifact';
    const record = await changeArtifact(context, senderOf(request), {
      verb,
      artifactId,
      message: {},
      send: (message) => context.lifecycle[verb](artifactId, message),
    });
    return { artifact: encodeArtifact(record) };
  });
}

function registerUndelete(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'undeleteArtifact',
    summary: 'Bring a deleted artifact back',
    description:
      'Until its `purgeAt`. An archived one comes back archived. What had expired is kept for another window, unless a retention is ' +
      'set. May be repeated.',
    params: ArtifactParams,
    response: {
      200: ArtifactAnswer,
      ...problems(
        'invalid_id',
        'artifact_not_found',
        'path_taken',
        'wrong_state',
        'artifact_deleted',
        ...STORAGE_PROBLEMS,
        ...WORKFLOW_PROBLEMS,
      ),
    },
  };
  const options = { config: { access: 'artifacts:write', sameKey: APPLIED_ONCE }, schema } as const;
  app.post('/v1/artifacts/:id/undelete', options, async (request) => {
    const { id: artifactId } = request.params;
    const record = await changeArtifact(context, senderOf(request), {
      verb: 'undeleteArtifact',
      artifactId,
      message: {},
      send: (message, requestKey) => context.lifecycle.undeleteArtifact(artifactId, message, requestKey),
    });
    return { artifact: encodeArtifact(record) };
  });
}
