import { randomUUID } from 'node:crypto';
import { requireUuid } from '../domain/ids.js';
import type { ShareEnd } from '../domain/shares.js';
import type { Api } from './http.js';
import { datesOf } from './wire.js';

/** The JSON of a link. */
export interface ShareJson {
  id: string;
  artifactId: string;
  createdBy: string;
  createdAt: string;
  expiresAt: string;
  maxUses: number;
  uses: number;
  lastUsedAt: string | null;
  revokedAt: string | null;
  revokedBy: string | null;
  ended: ShareEnd | null;
}

export interface MadeShareJson {
  share: ShareJson;
  url: string;
}

export interface ShareListJson {
  items: ShareJson[];
}

export interface ShareAnswerJson {
  share: ShareJson;
}

/** How far a link goes. */
export interface ShareOptions {
  /** Life of the link in seconds; default 7 days, at most 30, unless the deployment says otherwise. */
  expiresIn?: number;
  /** The first who gets the bytes is the last; the same as `maxUses: 1`. A link for a single use gives no ranges. */
  singleUse?: boolean;
  /** Answers with bytes, 1 to 10,000; default 1,000. */
  maxUses?: number;
  /**
   * Names this request, 1 to 255 visible ASCII characters: the same one again, also from another process, is the same link with another
   * secret, and the URL given before is worth nothing. Default: another one for every call.
   */
  idempotencyKey?: string;
}

/** A link by which anyone gets the bytes of an artifact, without its secret. */
export interface ArtifactShare {
  id: string;
  artifactId: string;
  createdBy: string;
  createdAt: Date;
  expiresAt: Date;
  maxUses: number;
  /** Answers with bytes so far. */
  uses: number;
  lastUsedAt?: Date;
  revokedAt?: Date;
  revokedBy?: string;
  /** Why it can no longer be used; absent while it can. */
  ended?: ShareEnd;
}

/** A link with its secret, which is told this once. */
export interface ShareLink extends ArtifactShare {
  url: string;
}

const toShare = ({ lastUsedAt, revokedAt, revokedBy, ended, ...share }: ShareJson): ArtifactShare => ({
  ...share,
  createdAt: new Date(share.createdAt),
  expiresAt: new Date(share.expiresAt),
  ...datesOf({ lastUsedAt, revokedAt }),
  ...(revokedBy === null ? {} : { revokedBy }),
  ...(ended === null ? {} : { ended }),
});

const sharesOf = (artifactId: string): string => `/v1/artifacts/${requireUuid(artifactId, 'artifact id')}/shares`;

/** See `ArtifactService.shareArtifact`. The key is made before the first try, so that a lost answer does not leave a link behind. */
export async function shareArtifact(api: Api, artifactId: string, options: ShareOptions): Promise<ShareLink> {
  const { idempotencyKey = randomUUID(), ...body } = options;
  const headers = { 'idempotency-key': idempotencyKey };
  const path = sharesOf(artifactId);
  const { share, url } = await api.call<MadeShareJson>({ method: 'POST', path, headers, body });
  return { ...toShare(share), url };
}

/** See `ArtifactService.listShares`. */
export async function listShares(api: Api, artifactId: string): Promise<ArtifactShare[]> {
  return (await api.call<ShareListJson>({ method: 'GET', path: sharesOf(artifactId) })).items.map(toShare);
}

/** See `ArtifactService.unshareArtifact`. */
export async function unshareArtifact(api: Api, artifactId: string, shareId: string): Promise<ArtifactShare> {
  const path = `${sharesOf(artifactId)}/${requireUuid(shareId, 'link id')}`;
  return toShare((await api.call<ShareAnswerJson>({ method: 'DELETE', path })).share);
}
