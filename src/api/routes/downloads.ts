import { Type } from 'typebox';
import { fileNameOf } from '../../domain/keys.js';
import { requireArtifact } from '../access.js';
import { requireDownloadable, sendContent } from '../content.js';
import type { Api, ApiContext } from '../context.js';
import { toTimestamp } from '../encode.js';
import { callerOf } from '../plugins/auth.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { ContentHeaders, ContentQuerystring, downloadUrlBody, DownloadUrl } from '../schemas/downloads.js';
import { BODY_PROBLEMS, problems, STORAGE_PROBLEMS } from '../schemas/problem.js';
import { allowEmptyBody } from './empty-body.js';

const tags = ['downloads'];

export function registerDownloadRoutes(app: Api, context: ApiContext): void {
  registerDownloadUrl(app, context);
  registerContent(app, context);
}

function registerDownloadUrl(app: Api, { records, store, config }: ApiContext): void {
  const schema = {
    tags,
    summary: 'A signed URL to download an artifact',
    description: 'Always answered as an attachment. Short-lived, needs no token, and dies with its artifact.',
    params: ArtifactParams,
    body: downloadUrlBody(config.PRESIGN_DOWNLOAD_MAX_SECONDS),
    response: {
      200: DownloadUrl,
      ...problems(
        'invalid_id',
        'artifact_not_found',
        'still_uploading',
        'not_downloadable',
        'content_mismatch',
        'artifact_deleted',
        ...BODY_PROBLEMS,
        ...STORAGE_PROBLEMS,
      ),
    },
  };
  const options = { config: { access: 'artifacts:read' }, schema, preValidation: allowEmptyBody } as const;
  app.post('/v1/artifacts/:id/download-url', options, async (request) => {
    const artifact = await requireArtifact(records, callerOf(request), request.params.id);
    const record = requireDownloadable(artifact, request.body.force);
    const { key, path, sizeBytes } = record;
    const fileName = fileNameOf(path);
    // A version that is named can be read behind a delete marker too, so the link would outlive its artifact. It is named only when
    // other bytes lie above: a predecessor's signed PUT may come late.
    const isOnTop = (await store.head({ key }))?.versionId === record.versionId;
    const object = isOnTop ? { key, fileName } : { key, fileName, versionId: record.versionId };
    const { url, expiresAtMs } = await store.presignGet(object, request.body.expiresIn);
    const expiresAt = toTimestamp(expiresAtMs);
    return { url, expiresAt, fileName, fileSize: sizeBytes, checksum: record.sha256 ?? '' };
  });
}

function registerContent(app: Api, context: ApiContext): void {
  const bytes = (description: string) => ({
    description,
    content: { 'application/octet-stream': { schema: Type.Unknown() } },
  });
  const schema = {
    tags,
    summary: 'The bytes of an artifact',
    description:
      'Streamed through the API as an attachment of type application/octet-stream. The ETag is the SHA-256 of the file.',
    params: ArtifactParams,
    headers: ContentHeaders,
    querystring: ContentQuerystring,
    response: {
      200: bytes('The whole file'),
      206: bytes('The range asked for'),
      304: { description: 'The caller has it already', type: 'null' },
      ...problems(
        'invalid_id',
        'artifact_not_found',
        'still_uploading',
        'not_downloadable',
        'content_mismatch',
        'artifact_deleted',
        'range_not_satisfiable',
        ...STORAGE_PROBLEMS,
      ),
    },
  };
  // HEAD is ours too: the one Fastify derives from GET would open the stream only to drop it.
  app.route({
    method: ['GET', 'HEAD'],
    url: '/v1/artifacts/:id/content',
    config: { access: 'artifacts:read' },
    schema,
    handler: async (request, reply) => {
      const record = await requireArtifact(context.records, callerOf(request), request.params.id);
      return sendContent(context, requireDownloadable(record, request.query.force), { request, reply });
    },
  });
}
