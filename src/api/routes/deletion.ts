import { changeArtifact } from '../change-artifact.js';
import type { Api, ApiContext } from '../context.js';
import { encodeArtifact } from '../encode.js';
import { callerOf } from '../plugins/auth.js';
import { ArtifactAnswer } from '../schemas/artifact.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { DeleteQuerystring } from '../schemas/lifecycle.js';
import { problems, STORAGE_PROBLEMS, WORKFLOW_PROBLEMS } from '../schemas/problem.js';

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
    const caller = callerOf(request);
    const { id: artifactId } = request.params;
    const verb = request.query.purge ? 'purgeArtifact' : 'deleteArtifact';
    const send = () => context.lifecycle[verb](artifactId, { actor: caller.subject });
    return { artifact: encodeArtifact(await changeArtifact(context, caller, { verb, artifactId, send })) };
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
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.post('/v1/artifacts/:id/undelete', options, async (request) => {
    const caller = callerOf(request);
    const { id: artifactId } = request.params;
    const send = () => context.lifecycle.undeleteArtifact(artifactId, { actor: caller.subject });
    const record = await changeArtifact(context, caller, { verb: 'undeleteArtifact', artifactId, send });
    return { artifact: encodeArtifact(record) };
  });
}
