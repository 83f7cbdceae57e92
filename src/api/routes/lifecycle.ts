import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { ArtifactError } from '../../domain/errors.js';
import { requireRetentionDays } from '../../domain/retention.js';
import type { Caller } from '../access.js';
import { changeArtifact } from '../change-artifact.js';
import type { Api, ApiContext } from '../context.js';
import { encodeArtifact } from '../encode.js';
import { callerOf } from '../plugins/auth.js';
import { ArtifactAnswer } from '../schemas/artifact.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { RestoreBody, RetentionBody } from '../schemas/lifecycle.js';
import { BODY_PROBLEMS, problems, STORAGE_PROBLEMS, WORKFLOW_PROBLEMS } from '../schemas/problem.js';
import { allowEmptyBody } from './empty-body.js';

const tags = ['lifecycle'];

export function registerLifecycleRoutes(app: Api, context: ApiContext): void {
  registerRetention(app, context);
  registerArchive(app, context);
  registerRestore(app, context);
  registerDelete(app, context);
}

function registerRetention(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    summary: 'Say how long an artifact is kept',
    params: ArtifactParams,
    body: RetentionBody,
    response: {
      200: ArtifactAnswer,
      ...problems(
        'invalid_id',
        'invalid_retention',
        'artifact_not_found',
        'wrong_state',
        'expiry_in_past',
        'artifact_deleted',
        ...BODY_PROBLEMS,
        ...STORAGE_PROBLEMS,
        ...WORKFLOW_PROBLEMS,
      ),
    },
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.put('/v1/artifacts/:id/retention', options, async (request) => {
    const record = await changeRetention(context, callerOf(request), request.params.id, request.body);
    return { artifact: encodeArtifact(record) };
  });
}

/** @throws `invalid_request` unless the body is about days or about permanence. */
function changeRetention(
  context: ApiContext,
  caller: Caller,
  artifactId: string,
  body: RetentionBody,
): Promise<ArtifactRecord> {
  const { lifecycle } = context;
  const actor = caller.subject;
  if (body.permanent === true && body.days === undefined && body.confirm === undefined) {
    const { reason = '' } = body;
    const send = () => lifecycle.keepForever(artifactId, { reason, actor });
    return changeArtifact(context, caller, { verb: 'keepForever', artifactId, send });
  }
  if (body.days === undefined || body.permanent !== undefined || body.reason !== undefined)
    throw new ArtifactError('invalid_request', 'Give days, with confirm if needed, or permanent: true with a reason');
  const days = requireRetentionDays(body.days);
  const { confirm = false } = body;
  const send = () => lifecycle.setRetention(artifactId, { days, confirm, actor });
  return changeArtifact(context, caller, { verb: 'setRetention', artifactId, send });
}

/** What archive, restore and delete can be refused with. */
const changeProblems = () =>
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
    summary: 'Move an artifact to the archive',
    description: 'It must be restored before it can be downloaded again.',
    params: ArtifactParams,
    response: { 200: ArtifactAnswer, ...changeProblems() },
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.post('/v1/artifacts/:id/archive', options, async (request) => {
    const caller = callerOf(request);
    const { id } = request.params;
    const record = await changeArtifact(context, caller, {
      verb: 'archiveArtifact',
      artifactId: id,
      send: () => context.lifecycle.archiveArtifact(id, { actor: caller.subject }),
    });
    return { artifact: encodeArtifact(record) };
  });
}

function registerRestore(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    summary: 'Bring an artifact back from the archive',
    description:
      '202 while the store works on it (`restoreState`), 200 once it is ACTIVE. A second request joins the first.',
    params: ArtifactParams,
    body: RestoreBody,
    response: { 200: ArtifactAnswer, 202: ArtifactAnswer, ...problems(...BODY_PROBLEMS), ...changeProblems() },
  };
  const options = { config: { access: 'artifacts:write' }, schema, preValidation: allowEmptyBody } as const;
  app.post('/v1/artifacts/:id/restore', options, async (request, reply) => {
    const caller = callerOf(request);
    const { id } = request.params;
    const { tier } = request.body;
    const record = await changeArtifact(context, caller, {
      verb: 'restoreArtifact',
      artifactId: id,
      send: () => context.lifecycle.restoreArtifact(id, { tier, actor: caller.subject }),
    });
    return reply.code(record.restoreState === null ? 200 : 202).send({ artifact: encodeArtifact(record) });
  });
}

function registerDelete(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    summary: 'Delete an artifact',
    description: 'Answers once its bytes are gone. May be repeated.',
    params: ArtifactParams,
    response: { 200: ArtifactAnswer, ...changeProblems() },
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.delete('/v1/artifacts/:id', options, async (request) => {
    const caller = callerOf(request);
    const { id } = request.params;
    const record = await changeArtifact(context, caller, {
      verb: 'deleteArtifact',
      artifactId: id,
      send: () => context.lifecycle.deleteArtifact(id, { actor: caller.subject }),
    });
    return { artifact: encodeArtifact(record) };
  });
}
