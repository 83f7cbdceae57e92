import { requireSha256 } from '../../domain/checksum.js';
import { requireSize } from '../../domain/part-plan.js';
import { requireArtifact, requireLiving } from '../access.js';
import { beginUpload } from '../begin-upload.js';
import { changeArtifact } from '../change-artifact.js';
import type { Api, ApiContext } from '../context.js';
import { encodeArtifact } from '../encode.js';
import { callerOf } from '../plugins/auth.js';
import { APPLIED_ONCE, NOTHING_REMEMBERED } from '../plugins/idempotency.js';
import { ArtifactAnswer } from '../schemas/artifact.js';
import { ArtifactParams, ExecutionParams } from '../schemas/atoms.js';
import { BODY_PROBLEMS, problems, STORAGE_PROBLEMS, WORKFLOW_PROBLEMS } from '../schemas/problem.js';
import {
  BeginUploadBody,
  BegunUpload,
  CompleteUploadBody,
  SignedParts,
  SignPartsBody,
  UploadStatus,
} from '../schemas/uploads.js';
import { senderOf } from '../sender.js';
import { signParts } from '../upload-instructions.js';
import { uploadStatus } from '../upload-status.js';

const tags = ['uploads'];
const SAME_UPLOAD =
  'The same key for the same path is the same request: it is answered with the upload that it began, and how to go on with it.';

export function registerUploadRoutes(app: Api, context: ApiContext): void {
  registerBegin(app, context);
  registerParts(app, context);
  registerComplete(app, context);
  registerAbort(app, context);
  registerStatus(app, context);
}

function registerBegin(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'beginUpload',
    summary: 'Begin an upload',
    description:
      'With `sizeBytes` and `sha256` the file is known. `sizeBytes` alone is enough from 16 MiB on (multipart). With neither ' +
      'it is a stream of unknown length (multipart). Repeating the request (the same `Idempotency-Key`, or the same ' +
      'size and hash) joins the artifact that is there. Other content at the path is refused, unless it is to be replaced.',
    params: ExecutionParams,
    body: BeginUploadBody,
    response: {
      201: BegunUpload,
      200: BegunUpload,
      ...problems(
        'invalid_id',
        'invalid_path',
        'invalid_tags',
        'invalid_retention',
        'invalid_tiering',
        'invalid_checksum',
        'too_large',
        'execution_not_found',
        'path_taken',
        'held',
        'quota_exceeded',
        'source_changed',
        'not_uploading',
        ...BODY_PROBLEMS,
        ...STORAGE_PROBLEMS,
        ...WORKFLOW_PROBLEMS,
      ),
    },
  };
  const options = { config: { access: 'artifacts:write', sameKey: SAME_UPLOAD }, schema } as const;
  app.post('/v1/executions/:executionId/artifacts', options, async (request, reply) => {
    const { created, body } = await beginUpload(context, senderOf(request), request.params.executionId, request.body);
    if (created) void reply.code(201).header('location', `/v1/artifacts/${body.artifact.id}`);
    return reply.send(body);
  });
}

function registerParts(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'signParts',
    summary: 'Sign parts of a multipart upload',
    description: 'At most 100 at once. Each signed PUT is refused by the store for other bytes or another length.',
    params: ArtifactParams,
    body: SignPartsBody,
    response: {
      200: SignedParts,
      ...problems(
        'invalid_id',
        'invalid_part',
        'invalid_checksum',
        'artifact_not_found',
        'not_uploading',
        'artifact_deleted',
        'too_large',
        'not_yet_answered',
        ...BODY_PROBLEMS,
        ...STORAGE_PROBLEMS,
      ),
    },
  };
  const options = { config: { access: 'artifacts:write', sameKey: NOTHING_REMEMBERED }, schema } as const;
  app.post('/v1/artifacts/:id/upload/parts', options, async (request) => {
    const record = await requireLiving(context.records, callerOf(request), request.params.id);
    return signParts(context, record, request.body.parts);
  });
}

function registerComplete(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'completeUpload',
    summary: 'Complete an upload',
    description: 'The store is asked whether the bytes are there and right. May be repeated with the same values.',
    params: ArtifactParams,
    body: CompleteUploadBody,
    response: {
      200: ArtifactAnswer,
      ...problems(
        'invalid_id',
        'invalid_checksum',
        'artifact_not_found',
        'not_uploading',
        'upload_incomplete',
        'complete_conflict',
        'artifact_deleted',
        'too_large',
        'checksum_mismatch',
        'size_mismatch',
        'quota_exceeded',
        ...BODY_PROBLEMS,
        ...STORAGE_PROBLEMS,
        ...WORKFLOW_PROBLEMS,
      ),
    },
  };
  const options = { config: { access: 'artifacts:write', sameKey: APPLIED_ONCE }, schema } as const;
  app.post('/v1/artifacts/:id/upload/complete', options, async (request) => {
    const { id } = request.params;
    const sha256 = requireSha256(request.body.sha256);
    const sizeBytes = requireSize(request.body.sizeBytes);
    const record = await changeArtifact(context, senderOf(request), {
      verb: 'completeUpload',
      artifactId: id,
      message: { sha256, sizeBytes },
      send: (message, requestKey) => context.lifecycle.completeUpload(id, message, requestKey),
    });
    return { artifact: encodeArtifact(record) };
  });
}

function registerAbort(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'abortUpload',
    summary: 'Abort an upload',
    description: 'What was sent is removed. May be repeated.',
    params: ArtifactParams,
    response: {
      200: ArtifactAnswer,
      ...problems('invalid_id', 'artifact_not_found', 'not_uploading', ...STORAGE_PROBLEMS, ...WORKFLOW_PROBLEMS),
    },
  };
  const options = { config: { access: 'artifacts:write', sameKey: APPLIED_ONCE }, schema } as const;
  app.post('/v1/artifacts/:id/upload/abort', options, async (request) => {
    const { id } = request.params;
    const record = await changeArtifact(context, senderOf(request), {
      verb: 'abortUpload',
      artifactId: id,
      message: {},
      send: (message, requestKey) => context.lifecycle.abortUpload(id, message, requestKey),
    });
    return { artifact: encodeArtifact(record) };
  });
}

function registerStatus(app: Api, context: ApiContext): void {
  const schema = {
    tags,
    operationId: 'getUploadStatus',
    summary: 'How far an upload is',
    description: 'Asked of the store. A signed PUT is only shown to a token that may write.',
    params: ArtifactParams,
    response: { 200: UploadStatus, ...problems('invalid_id', 'artifact_not_found', ...STORAGE_PROBLEMS) },
  };
  const options = { config: { access: 'artifacts:read' }, schema } as const;
  app.get('/v1/artifacts/:id/upload', options, async (request) => {
    const caller = callerOf(request);
    const record = await requireArtifact(context.records, caller, request.params.id);
    return uploadStatus(context, caller, record);
  });
}
