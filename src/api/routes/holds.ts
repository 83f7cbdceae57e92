import { randomUUID } from 'node:crypto';
import type { Static } from 'typebox';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { ArtifactError } from '../../domain/errors.js';
import { requireHold, type Hold } from '../../domain/holds.js';
import { requireUuid } from '../../domain/ids.js';
import { requireTime } from '../../domain/time.js';
import { requireArtifact } from '../access.js';
import { changeArtifact } from '../change-artifact.js';
import type { Api, ApiContext } from '../context.js';
import { encodeArtifact, encodeHold } from '../encode.js';
import { callerOf } from '../plugins/auth.js';
import { APPLIED_ONCE } from '../plugins/idempotency.js';
import { ArtifactAnswer } from '../schemas/artifact.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { HoldAnswer, HoldBody, HoldParams, Holds } from '../schemas/holds.js';
import { BODY_PROBLEMS, problems, STORAGE_PROBLEMS, WORKFLOW_PROBLEMS } from '../schemas/problem.js';
import { idByKey, senderOf, type Sender } from '../sender.js';

const tags = ['lifecycle'];
const SAME_HOLD = `${APPLIED_ONCE} Without an \`id\` in the body the key makes the hold's id: with another body it is refused.`;

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
        'idempotency_conflict',
        'artifact_deleted',
        ...BODY_PROBLEMS,
        ...STORAGE_PROBLEMS,
        ...WORKFLOW_PROBLEMS,
      ),
    },
  };
  const options = { config: { access: 'artifacts:write', sameKey: SAME_HOLD }, schema } as const;
  app.post('/v1/artifacts/:id/holds', options, async (request, reply) => {
    const sender = senderOf(request);
    const { id: artifactId } = request.params;
    const idOfKey = request.body.id === undefined ? idByKey('hold', sender, artifactId) : null;
    const wish = wishedHold(request.body, idOfKey, context.nowMs());
    const before = await requireArtifact(context.records, sender.caller, artifactId);
    if (idOfKey !== null && holdOf(before, idOfKey) === undefined) {
      const hold = await endedHold(context, artifactId, idOfKey);
      if (hold !== null) return { artifact: encodeArtifact(before), hold: encodeHold(requireSameHold(hold, wish)) };
    }
    const record = await changeArtifact(context, sender, {
      verb: 'addHold',
      artifactId,
      message: { hold: wish },
      send: (message, requestKey) => context.lifecycle.addHold(artifactId, message, requestKey),
    });
    const hold = holdOf(record, wish.id);
    if (hold === undefined) throw new Error(`Artifact ${artifactId} has no hold ${wish.id} after it was added`);
    if (idOfKey !== null) requireSameHold(hold, wish);
    const isNew = holdOf(before, wish.id) === undefined;
    return reply.code(isNew ? 201 : 200).send({ artifact: encodeArtifact(record), hold: encodeHold(hold) });
  });
}

/** @throws `invalid_hold`, `invalid_id`. */
function wishedHold(
  { id, reason, until }: Static<typeof HoldBody>,
  idOfKey: string | null,
  nowMs: number,
): Pick<Hold, 'id' | 'reason' | 'untilMs'> {
  const untilMs = until === undefined ? null : requireTime(until, 'until', 'invalid_hold');
  requireHold({ reason, untilMs }, nowMs);
  return { id: id === undefined ? (idOfKey ?? randomUUID()) : requireUuid(id, 'hold id'), reason, untilMs };
}

/** One that an earlier request with this key has placed and that has ended since, as it was then; null when there was none. */
async function endedHold({ records }: ApiContext, artifactId: string, holdId: string): Promise<Hold | null> {
  const events = await records.history(artifactId);
  const added = events.find(({ kind, detail }) => kind === 'hold_added' && detail['id'] === holdId);
  if (added === undefined) return null;
  const { reason, untilMs } = added.detail;
  return {
    id: holdId,
    by: added.actor,
    atMs: added.atMs,
    reason: String(reason),
    untilMs: typeof untilMs === 'number' ? untilMs : null,
  };
}

/** @throws `idempotency_conflict` when the key has placed another one. */
function requireSameHold(hold: Hold, { reason, untilMs }: Pick<Hold, 'reason' | 'untilMs'>): Hold {
  if (hold.reason === reason && hold.untilMs === untilMs) return hold;
  throw new ArtifactError(
    'idempotency_conflict',
    `This Idempotency-Key has placed the hold ${hold.id}: ${hold.reason}`,
    {
      details: { holdId: hold.id },
    },
  );
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
    return { artifact: encodeArtifact(await endHold(context, senderOf(request), { artifactId: id, holdId })) };
  });
}

/** One that has ended already is fine. @throws `hold_not_found` for one that never was; if it was accepted and waits, it is given up. */
async function endHold(
  context: ApiContext,
  sender: Sender,
  { artifactId, holdId }: { artifactId: string; holdId: string },
): Promise<ArtifactRecord> {
  const { records, lifecycle } = context;
  const record = await requireArtifact(records, sender.caller, artifactId);
  requireUuid(holdId, 'hold id');
  const end = () =>
    changeArtifact(context, sender, {
      verb: 'endHold',
      artifactId,
      message: { holdId },
      send: (message) => lifecycle.endHold(artifactId, message),
    });
  if (holdOf(record, holdId) !== undefined) return end();
  const events = await records.history(artifactId);
  if (events.some(({ kind, detail }) => kind === 'hold_ended' && detail['id'] === holdId)) return record;
  if (record.status !== 'DELETED') await end();
  throw new ArtifactError('hold_not_found', `${record.path} never had a hold ${holdId}`, {
    details: { artifactId, holdId },
  });
}
