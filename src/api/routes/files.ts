import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Static } from 'typebox';
import { ArtifactError } from '../../domain/errors.js';
import { newUpload } from '../begin-upload.js';
import type { Api, ApiContext } from '../context.js';
import { encodeArtifact } from '../encode.js';
import { invalidField } from '../invalid-field.js';
import { askForBody } from '../plugins/request-body.js';
import { bodyFacts, keyOfPut } from '../put-file/headers.js';
import { putFile, type IncomingFile } from '../put-file/put-file.js';
import { requestBody } from '../put-file/request-body.js';
import { createSlots } from '../slots.js';
import { ArtifactAnswer } from '../schemas/artifact.js';
import { FileHeaders, FileParams, FileQuery } from '../schemas/files.js';
import { problems, STORAGE_PROBLEMS, WORKFLOW_PROBLEMS } from '../schemas/problem.js';
import { senderOf } from '../sender.js';
import { tagsOf } from '../tags-query.js';

const SAME_PUT =
  'The same key for the same path is the same request: what an earlier try has left unfinished is aborted, and it begins anew.';

const schema = {
  tags: ['uploads'],
  operationId: 'putFile',
  summary: 'Put a file through the API',
  description:
    'For curl and others that cannot sign: `curl -T report.pdf …`. The body is the file, of any type and any length up to 5 GiB. ' +
    'It is hashed on its way to the store, and the artifact is ACTIVE in the answer. The same content again is answered (200) with the ' +
    'artifact that exists. With `Expect: 100-continue` a refusal comes before the body is sent.',
  params: FileParams,
  querystring: FileQuery,
  headers: FileHeaders,
  response: {
    201: ArtifactAnswer,
    200: ArtifactAnswer,
    ...problems(
      'invalid_id',
      'invalid_path',
      'invalid_tags',
      'invalid_retention',
      'invalid_checksum',
      'execution_not_found',
      'request_timeout',
      'path_taken',
      'held',
      'quota_exceeded',
      'not_uploading',
      'artifact_deleted',
      'already_exists',
      'too_large',
      'size_mismatch',
      'checksum_mismatch',
      'unsupported_media_type',
      'too_busy',
      ...STORAGE_PROBLEMS,
      ...WORKFLOW_PROBLEMS,
    ),
  },
};

/** Bodies of any type, which nobody reads into memory: on this route only. */
export async function registerFileRoutes(app: Api, context: ApiContext): Promise<void> {
  const slots = createSlots('uploads through the API', context.config.PROXIED_UPLOADS_AT_ONCE);
  await app.register((files: Api, _options, done) => {
    files.removeAllContentTypeParsers();
    files.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    const options = { config: { access: 'artifacts:write', body: 'streamed', sameKey: SAME_PUT }, schema } as const;
    files.put('/v1/executions/:executionId/files/:folder/*', options, async (request, reply) => {
      const { created, record } = await putFile(context, slots, incomingFile(context, request, reply));
      if (created) void reply.code(201).header('location', `/v1/artifacts/${record.id}`);
      return reply.send({ artifact: encodeArtifact(record) });
    });
    done();
  });
}

interface FileRequest {
  Params: Static<typeof FileParams>;
  Querystring: FileQuery;
}

function incomingFile(context: ApiContext, request: FastifyRequest<FileRequest>, reply: FastifyReply): IncomingFile {
  const { raw, params, query } = request;
  const { mustBeNew, ...content } = bodyFacts(request.headers);
  const { tag, replace, ...wishes } = query;
  if (mustBeNew && replace) throw invalidField('replace', 'and If-None-Match exclude each other');
  const mimeType = request.headers['content-type'];
  const sender = senderOf(request);
  const fileName = `${params.folder}/${params['*']}`;
  const body = {
    ...{ fileName, ...wishes, tags: tagsOf(tag ?? []) },
    ...(mimeType === undefined ? {} : { mimeType }),
  };
  const gone = new AbortController();
  raw.once('close', () => {
    if (!raw.readableEnded) gone.abort(new ArtifactError('aborted', 'The client went away'));
  });
  const signal = AbortSignal.any([gone.signal, context.cutUploads]);
  return {
    sender,
    upload: {
      ...newUpload(sender.caller, params.executionId, body, content),
      requestId: request.id,
      ...(request.idempotencyKey === null ? {} : { idempotencyKey: keyOfPut(request.idempotencyKey) }),
    },
    mustBeNew,
    replace,
    signal,
    open: (limits) => {
      // While the store is slow nothing moves on this connection; who is waited for, the body watches itself.
      raw.socket.setTimeout(0);
      askForBody(request, reply);
      return requestBody(raw, { ...limits, lengthBytes: content.sizeBytes, stallMs: context.uploadStallMs, signal });
    },
    warn: (error, text) => request.log.warn({ err: error }, text),
  };
}
