import { Type } from 'typebox';
import { ArtifactError } from '../../domain/errors.js';
import { requireUuid } from '../../domain/ids.js';
import { requireArtifact } from '../access.js';
import type { Api, ApiContext } from '../context.js';
import { encodeShare } from '../encode.js';
import { callerOf } from '../plugins/auth.js';
import { publicUrl } from '../public-url.js';
import { ArtifactParams } from '../schemas/atoms.js';
import { ContentHeaders } from '../schemas/downloads.js';
import { BODY_PROBLEMS, problems, publicProblems, STORAGE_PROBLEMS } from '../schemas/problem.js';
import { MadeShare, ShareAnswer, shareBody, SharedParams, ShareList, ShareParams } from '../schemas/shares.js';
import { senderOf } from '../sender.js';
import { sendShared, shareArtifact } from '../shares.js';
import { allowEmptyBody } from './empty-body.js';

const tags = ['downloads'];
const SAME_LINK =
  'The same key of the same caller for the same artifact is the same link. As its token is kept nowhere, the answer has a new one, and ' +
  'the one before is worth nothing from then on.';

export function registerShareRoutes(app: Api, context: ApiContext): void {
  registerShare(app, context);
  registerList(app, context);
  registerUnshare(app, context);
  registerShared(app, context);
}

function registerShare(app: Api, context: ApiContext): void {
  const { nowMs } = context;
  const { SHARE_MAX_DAYS, SHARE_DEFAULT_DAYS } = context.config;
  const schema = {
    tags,
    operationId: 'shareArtifact',
    summary: 'Share an artifact by a link',
    description:
      'Whoever has the link gets the bytes without a token, until it expires, is used up or revoked, or the artifact is deleted (for good: ' +
      'an undelete does not bring it back). Needs `artifacts:read` as well. 201; 200 with another token for a link that this ' +
      '`Idempotency-Key` has made before. It keeps no artifact alive.',
    params: ArtifactParams,
    body: shareBody({ most: SHARE_MAX_DAYS, default: SHARE_DEFAULT_DAYS }),
    response: {
      201: MadeShare,
      200: MadeShare,
      ...problems(
        'invalid_id',
        'artifact_not_found',
        'too_many_shares',
        'share_conflict',
        'artifact_deleted',
        'share_ended',
        ...BODY_PROBLEMS,
      ),
    },
  };
  // Who may write but not read would read by a link of its own.
  const config = { access: 'artifacts:write', alsoNeeds: 'artifacts:read', sameKey: SAME_LINK } as const;
  const options = { config, schema, preValidation: allowEmptyBody };
  app.post('/v1/artifacts/:id/shares', options, async (request, reply) => {
    const { share, created, token } = await shareArtifact(context, senderOf(request), {
      ...request.body,
      artifactId: request.params.id,
    });
    const url = `${publicUrl(app, context.config)}/v1/shared/${token}`;
    void reply.header('cache-control', 'no-store');
    return reply.code(created ? 201 : 200).send({ share: encodeShare(share, nowMs()), url });
  });
}

function registerList(app: Api, { records, shares, nowMs }: ApiContext): void {
  const schema = {
    tags,
    operationId: 'listShares',
    summary: 'The share links of an artifact',
    description: 'Without their tokens, which are kept nowhere. The history tells of each use.',
    params: ArtifactParams,
    response: { 200: ShareList, ...problems('invalid_id', 'artifact_not_found') },
  };
  const options = { config: { access: 'artifacts:read' }, schema } as const;
  app.get('/v1/artifacts/:id/shares', options, async (request) => {
    const { id } = await requireArtifact(records, callerOf(request), request.params.id);
    const now = nowMs();
    return { items: (await shares.listShares(id, now)).map((share) => encodeShare(share, now)) };
  });
}

function registerUnshare(app: Api, { records, shares, nowMs }: ApiContext): void {
  const schema = {
    tags,
    operationId: 'unshareArtifact',
    summary: 'Revoke a share link',
    description: 'Nobody gets anything by it from now on; a download under way goes on. May be repeated.',
    params: ShareParams,
    response: { 200: ShareAnswer, ...problems('invalid_id', 'artifact_not_found', 'share_not_found') },
  };
  const options = { config: { access: 'artifacts:write' }, schema } as const;
  app.delete('/v1/artifacts/:id/shares/:shareId', options, async (request) => {
    const caller = callerOf(request);
    const { id: artifactId } = await requireArtifact(records, caller, request.params.id);
    const id = requireUuid(request.params.shareId, 'link id');
    const now = nowMs();
    const share = await shares.revokeShare({ artifactId, id, actor: caller.subject, atMs: now });
    if (share === null)
      throw new ArtifactError('share_not_found', `Artifact ${artifactId} never had a link ${id}`, {
        details: { artifactId, shareId: id },
      });
    return { share: encodeShare(share, now) };
  });
}

function registerShared(app: Api, context: ApiContext): void {
  const bytes = (description: string) => ({
    description,
    content: { 'application/octet-stream': { schema: Type.Unknown() } },
  });
  const schema = {
    tags,
    operationId: 'getShared',
    summary: 'The bytes behind a share link',
    description:
      'As `/v1/artifacts/{id}/content`, for anyone. Each answer with bytes is one use; HEAD, 304 and failures are none. A link for a ' +
      'single use answers a range with the whole file.',
    params: SharedParams,
    headers: ContentHeaders,
    response: {
      200: bytes('The whole file'),
      206: bytes('The range asked for'),
      304: { description: 'The caller has it already', type: 'null' },
      ...publicProblems(
        'invalid_request',
        'share_not_found',
        'still_uploading',
        'not_downloadable',
        'content_mismatch',
        'share_ended',
        'range_not_satisfiable',
        'rate_limited',
        'database_unavailable',
        'database_not_migrated',
        ...STORAGE_PROBLEMS,
      ),
    },
  };
  app.route({
    method: ['GET', 'HEAD'],
    url: '/v1/shared/:token',
    config: { access: 'public', rateLimit: { max: context.config.API_LINK_REQUESTS_PER_MINUTE, allowList: [] } },
    schema,
    handler: (request, reply) => sendShared(context, request.params.token, { request, reply }),
  });
}
