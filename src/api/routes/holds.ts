import { randomUUID } from 'node:crypto';
import type { Static } from 'typebox';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { ArtifactError } from '../../domain/errors.js';
import { requireHold, type Hold } from '../../domain/holds.js';
import { requireUuid } from '../../domain/ids.js';
import { requireTime } from '../../domain/time.js';
import { requireArtifact, type Caller } from '../access.js';
import { changeArtifact } from '../change-artifact.js';
import type { Api, ApiContext } from '../context.js';
import { encodeArtifact, encodeHold } from '../encode.js';
import { callerOf } from '../plugins/auth.js';
import { ArtifactAnswer } from '../schemas/artifact.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { HoldAnswer, HoldBody, HoldParams, Holds } from '../schemas/holds.js';
import { BODY_PROBLEMS, problems, STORAGE_PROBLEMS, WORKFLOW_PROBLEMS } from '../schemas/problem.js';

const tags = ['lifecycle'];

export function registerHoldRoutes(app: Api, context: ApiContext): void {
  registerAdd(app, context);
  registerList(app, context);
  registerEnd(app, context);
}

function registerAdd(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'addHold',
    summary: 'Hold an artifact',
    description:
      'While it is held it neither expires nor can be deleted, whoever asks. 201; 200 when it has this hold already. 503 ' +
      '`not_yet_answered` may say that it is accepted and will be carried out before anything is deleted.',
    params: ArtifactParams,
    body: HoldBody,
    response: {
      201: HoldAnswer,
      200: HoldAnswer,
      ...problems(
        'invalid_id',
        'invalid_hold',
        'artifact_not_found',
        'wrong_state',
        'too_many_holds',
        'artifact_deleted',
        ...BODY_PROBLEMS,
        ...STORAGE_PROBLEMS,
        ...WORKFLOW_PROBLEMS,
      ),
    },
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.post('/v1/artifacts/:id/holds', options, async (request, reply) => {
    const caller = callerOf(request);
    const { id: artifactId } = request.params;
    const wish = wishedHold(request.body, context.nowMs());
    const before = await requireArtifact(context.records, caller, artifactId);
    const record = await changeArtifact(context, caller, {
      verb: 'addHold',
      artifactId,
      send: () => context.lifecycle.addHold(artifactId, { hold: wish, actor: caller.subject }),
    });
    const hold = holdOf(record, wish.id);
    if (hold === undefined) throw new Error(`Artifact ${artifactId} has no hold ${wish.id} after it was added`);
    const isNew = holdOf(before, wish.id) === undefined;
    return reply.code(isNew ? 201 : 200).send({ artifact: encodeArtifact(record), hold: encodeHold(hold) });
  });
}

/** @throws `invalid_hold`, `invalid_id`. */
function wishedHold(
  { id, reason, until }: Static<typeof HoldBody>,
  nowMs: number,
): Pick<Hold, 'id' | 'reason' | 'untilMs'> {
  const untilMs = until === undefined ? null : requireTime(until, 'until', 'invalid_hold');
  requireHold({ reason, untilMs }, nowMs);
  return { id: id === undefined ? randomUUID() : requireUuid(id, 'hold id'), reason, untilMs };
}

const holdOf = ({ holds }: ArtifactRecord, holdId: string): Hold | undefined => holds.find(({ id }) => id === holdId);

function registerList(app: Api, { records }: ApiContext): void {
  const schema = {
    tags,
    operationId: 'listHolds',
    summary: 'The holds of an artifact',
    params: ArtifactParams,
    response: { 200: Holds, ...problems('invalid_id', 'artifact_not_found') },
  };
  const options = { config: { access: 'artifacts:read' }, schema } as const;
  app.get('/v1/artifacts/:id/holds', options, async (request) => {
    const { holds } = await requireArtifact(records, callerOf(request), request.params.id);
    return { items: holds.map(encodeHold) };
  });
}

function registerEnd(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'endHold',
    summary: 'End a hold',
    description:
      'With the last one the old deadline counts again: one that lies in the past deletes the artifact now. May be repeated.',
    params: HoldParams,
    response: {
      200: ArtifactAnswer,
      ...problems(
        'invalid_id',
        'artifact_not_found',
        'hold_not_found',
        'artifact_deleted',
        ...STORAGE_PROBLEMS,
        ...WORKFLOW_PROBLEMS,
      ),
    },
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.delete('/v1/artifacts/:id/holds/:holdId', options, async (request) => {
    const { id, holdId } = request.params;
    return { artifact: encodeArtifact(await endHold(context, callerOf(request), { artifactId: id, holdId })) };
  });
}

/** One that has ended already is fine. @throws `hold_not_found` for one that never was; if it was accepted and waits, it is given up. */
async function endHold(
  context: ApiContext,
  caller: Caller,
  { artifactId, holdId }: { artifactId: string; holdId: string },
): Promise<ArtifactRecord> {
  const { records, lifecycle } = context;
  const record = await requireArtifact(records, caller, artifactId);
  requireUuid(holdId, 'hold id');
  const end = () => {
    const send = () => lifecycle.endHold(artifactId, { holdId, actor: caller.subject });
    return changeArtifact(context, caller, { verb: 'endHold', artifactId, send });
  };
  if (holdOf(record, holdId) !== undefined) return end();
  const events = await records.history(artifactId);
  if (events.some(({ kind, detail }) => kind === 'hold_ended' && detail['id'] === holdId)) return record;
  if (record.status !== 'DELETED') await end();
  throw new ArtifactError('hold_not_found', `${record.path} never had a hold ${holdId}`, {
    details: { artifactId, holdId },
  });
}
