import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Share } from '../domain/shares.js';
import { DEFAULT_SHARE_USES, endOfShare, shareEnded } from '../domain/shares.js';
import { ArtifactError, errorKind } from '../domain/errors.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { SECOND_MS } from '../domain/units.js';
import { requireArtifact, requireUndeleted } from './access.js';
import { requireDownloadable, sendContent } from './content.js';
import type { ApiContext } from './context.js';
import { invalidField } from './invalid-field.js';
import { idByKey, type Sender } from './sender.js';
import { hashOfToken, newShareToken } from './share-token.js';
import type { ShareBody } from './schemas/shares.js';

export interface ShareRequest extends ShareBody {
  artifactId: string;
}

/**
 * Makes a link to an artifact, or gives the link that this `Idempotency-Key` has made another token: it cannot be told again, as it is
 * kept nowhere.
 * @throws `artifact_deleted`, `invalid_request`, and as `Shares.createShare`.
 */
export async function shareArtifact(
  { records, shares, nowMs }: ApiContext,
  sender: Sender,
  { artifactId, expiresIn, ...wish }: ShareRequest,
): Promise<{ share: Share; created: boolean; token: string }> {
  const maxUses = usesOf(wish);
  const { caller } = sender;
  const id = idByKey('share', sender, artifactId) ?? randomUUID();
  const record = await requireArtifact(records, caller, artifactId);
  requireUndeleted(record);
  const token = newShareToken();
  const atMs = nowMs();
  const made = await shares.createShare({
    id,
    artifactId,
    artifactRevision: record.revision,
    tenantId: record.tenantId,
    tokenHash: requireHash(token),
    actor: caller.subject,
    atMs,
    expiresAtMs: atMs + expiresIn * SECOND_MS,
    maxUses,
  });
  return { ...made, token };
}

function usesOf({ singleUse, maxUses }: Pick<ShareBody, 'singleUse' | 'maxUses'>): number {
  if (!singleUse) return maxUses ?? DEFAULT_SHARE_USES;
  if (maxUses !== undefined && maxUses !== 1) throw invalidField('maxUses', 'does not go with singleUse');
  return 1;
}

/**
 * Answers a link with the bytes it was made for. A use counts once the store has opened them: a store that fails uses up nothing, nor do HEAD
 * and 304; of many at once only as many get bytes as uses are left. A link for a single use gives the whole file, whatever range is asked for.
 * @throws `share_not_found`, `share_ended` (also once its artifact is deleted), and as `sendContent` and `requireDownloadable`, without any
 * fact about the artifact.
 */
export async function sendShared(
  context: ApiContext,
  token: string,
  { request, reply }: { request: FastifyRequest; reply: FastifyReply },
): Promise<FastifyReply> {
  const { shares, nowMs } = context;
  const tokenHash = requireHash(token);
  const { share, record } = await requireShare(context, tokenHash);
  const use = {
    ranges: share.maxUses > 1,
    onOpened: async (range: { start: number; end: number } | null) => {
      const detail = { address: request.ip, ...(range === null ? {} : { range: `${range.start}-${range.end}` }) };
      if ((await shares.useShare({ tokenHash, atMs: nowMs(), detail })) !== null) return;
      // Another one was faster, or it ended while the store was opening the bytes.
      await requireShare(context, tokenHash);
      throw shareEnded('used_up');
    },
  };
  return sendContent(context, requireDownloadableByLink(record), { request, reply, use });
}

/** A link that can be used, and its artifact. @throws `share_not_found`, `share_ended`. */
async function requireShare(
  { shares, records, nowMs }: ApiContext,
  tokenHash: string,
): Promise<{ share: Share; record: ArtifactRecord }> {
  const share = await shares.findShare(tokenHash);
  const record = share === null ? null : await records.get(share.artifactId);
  if (share === null || record === null) throw noShare();
  const end = endOfShare(share, nowMs());
  if (end !== null) throw shareEnded(end);
  return { share, record };
}

/** Whoever holds a link learns what it takes to get the file, but no path, id or reason. */
function requireDownloadableByLink(record: ArtifactRecord): ReturnType<typeof requireDownloadable> {
  try {
    return requireDownloadable(record);
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    // Its remedy is for owners; the link is over even if they bring the artifact back.
    throw error.code === 'artifact_deleted' ? shareEnded('artifact_deleted') : withoutFacts(error);
  }
}

const withoutFacts = ({ code }: ArtifactError): ArtifactError => new ArtifactError(code, `${errorKind(code).title}.`);

/** @throws `share_not_found` for what cannot be a token. */
function requireHash(token: string): string {
  const hash = hashOfToken(token);
  if (hash === null) throw noShare();
  return hash;
}

const noShare = (): ArtifactError => new ArtifactError('share_not_found', 'There is no such link');
