import { Type } from 'typebox';
import { SHOWN_TYPES } from '../../domain/inline.js';
import { fileNameOf } from '../../domain/keys.js';
import { requireArtifact } from '../access.js';
import { requireDownloadable, sendContent } from '../content.js';
import type { Api, ApiContext } from '../context.js';
import { toTimestamp } from '../encode.js';
import { callerOf } from '../plugins/auth.js';
import { NOTHING_REMEMBERED } from '../plugins/idempotency.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { ContentHeaders, ContentQuerystring, downloadUrlBody, DownloadUrl } from '../schemas/downloads.js';
import { BODY_PROBLEMS, problems, STORAGE_PROBLEMS } from '../schemas/problem.js';
import { signDownload } from '../signed-download.js';
import { allowEmptyBody } from './empty-body.js';

const tags = ['downloads'];
/** Life of a URL that a redirect leads to: it is followed at once. */
const REDIRECT_SECONDS = 60;

export function registerDownloadRoutes(app: Api, context: ApiContext): void {
  registerDownloadUrl(app, context);
  registerContent(app, context);
}

function registerDownloadUrl(app: Api, context: ApiContext): void {
  const { records, config } = context;
  const schema = {
    tags,
    operationId: 'createDownloadUrl',
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
  const options = {
    config: { access: 'artifacts:read', sameKey: NOTHING_REMEMBERED },
    schema,
    preValidation: allowEmptyBody,
  } as const;
  app.post('/v1/artifacts/:id/download-url', options, async (request) => {
    const artifact = await requireArtifact(records, callerOf(request), request.params.id);
    const record = requireDownloadable(artifact, request.body.force);
    const { path, sizeBytes, sha256 } = record;
    const { url, expiresAtMs } = await signDownload(context, record, request.body.expiresIn);
    const expiresAt = toTimestamp(expiresAtMs);
    return { url, expiresAt, fileName: fileNameOf(path), fileSize: sizeBytes, checksum: sha256 ?? '' };
  });
}

function registerContent(app: Api, context: ApiContext): void {
  const bytes = (description: string) => ({
    description,
    content: Object.fromEntries(
      ['application/octet-stream', ...SHOWN_TYPES].map((type) => [type, { schema: Type.Unknown() }]),
    ),
  });
  const schema = {
    tags,
    operationId: 'getContent',
    summary: 'The bytes of an artifact',
    description:
      'Streamed through the API as an attachment of type application/octet-stream, unless it is asked for inline and safe to show. ' +
      'The ETag is the SHA-256 of the file. With `redirect` it is a stable link: it asks each time whether the caller may, and leads ' +
      'to a signed URL of a minute; follow it without the token. A HEAD is answered here, as such a URL is for GET alone.',
    params: ArtifactParams,
    headers: ContentHeaders,
    querystring: ContentQuerystring,
    response: {
      200: bytes('The whole file'),
      206: bytes('The range asked for'),
      302: {
        description: 'To a fresh signed URL, when asked for with `redirect`; always an attachment',
        type: 'null',
        headers: { location: { type: 'string', description: 'Works without a token for a minute: a secret' } },
      },
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
  const redirectSeconds = Math.min(REDIRECT_SECONDS, context.config.PRESIGN_DOWNLOAD_MAX_SECONDS);
  // HEAD is ours too: the one Fastify derives from GET would open the stream only to drop it.
  app.route({
    method: ['GET', 'HEAD'],
    url: '/v1/artifacts/:id/content',
    config: { access: 'artifacts:read' },
    schema,
    handler: async (request, reply) => {
      const { force, redirect, disposition } = request.query;
      const artifact = await requireArtifact(context.records, callerOf(request), request.params.id);
      const record = requireDownloadable(artifact, force);
      if (!redirect || request.method === 'HEAD') return sendContent(context, record, { request, reply, disposition });
      const { url } = await signDownload(context, record, redirectSeconds);
      return reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }).redirect(url, 302);
    },
  });
}
