import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { ArtifactError } from '../../domain/errors.js';
import { ownRetention, type OwnRetention } from '../../domain/retention.js';
import { requireTime } from '../../domain/time.js';
import { changeArtifact } from '../change-artifact.js';
import type { Api, ApiContext } from '../context.js';
import { encodeArtifact } from '../encode.js';
import { ArtifactAnswer } from '../schemas/artifact.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { RetentionBody } from '../schemas/lifecycle.js';
import { BODY_PROBLEMS, problems, STORAGE_PROBLEMS, WORKFLOW_PROBLEMS } from '../schemas/problem.js';
import { senderOf, type Sender } from '../sender.js';

export function registerRetentionRoutes(app: Api, context: ApiContext): void {
  const schema = {
    tags: ['lifecycle'],
    operationId: 'setRetention',
    summary: 'Say how long an artifact is kept',
    description:
      'Also in time for one that has expired and whose bytes are still there. 503 `not_yet_answered` may say that it is accepted and ' +
      'will be carried out before anything is deleted.',
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
    const record = await changeRetention(context, senderOf(request), request.params.id, request.body);
    return { artifact: encodeArtifact(record) };
  });
}

/** @throws `invalid_request` unless the body is about one of days, a moment and permanence; `invalid_retention`. */
function changeRetention(
  context: ApiContext,
  sender: Sender,
  artifactId: string,
  body: RetentionBody,
): Promise<ArtifactRecord> {
  const { lifecycle } = context;
  const { permanent, reason, confirm } = body;
  const own = ownWish(body);
  if (permanent === true && own === null && confirm === undefined) {
    return changeArtifact(context, sender, {
      verb: 'keepForever',
      artifactId,
      message: { reason: reason ?? '' },
      send: (message) => lifecycle.keepForever(artifactId, message),
    });
  }
  if (own === null || permanent !== undefined || reason !== undefined) throw oneOfThree();
  return changeArtifact(context, sender, {
    verb: 'setRetention',
    artifactId,
    message: { ...own, confirm: confirm ?? false },
    send: (message) => lifecycle.setRetention(artifactId, message),
  });
}

/** Days or a moment; null for neither. */
function ownWish({ days, expiresAt }: RetentionBody): OwnRetention | null {
  if (days !== undefined && expiresAt !== undefined) throw oneOfThree();
  const wishes: OwnRetention[] = [
    ...(days === undefined ? [] : [{ days }]),
    ...(expiresAt === undefined ? [] : [{ expiresAtMs: requireTime(expiresAt, 'expiresAt', 'invalid_retention') }]),
  ];
  for (const wish of wishes) ownRetention(wish);
  return wishes[0] ?? null;
}

const oneOfThree = (): ArtifactError =>
  new ArtifactError(
    'invalid_request',
    'Give days or expiresAt, with confirm if needed, or permanent: true with a reason',
  );
