import { ArtifactError } from './errors.js';

/** Of links that can still be used, at a time for one artifact: what is forgotten should not pile up. */
export const MAX_LIVING_SHARES = 100;
/** Every link has an end to its uses, so that a link that got around cannot be used for ever, nor fill the audit. */
export const MAX_SHARE_USES = 10_000;
export const DEFAULT_SHARE_USES = 1_000;

/** A link by which anyone gets the bytes of one artifact. Its token is not part of it: that is kept nowhere. */
export interface Share {
  id: string;
  artifactId: string;
  createdBy: string;
  createdAtMs: number;
  /** From this instant on it answers no more. */
  expiresAtMs: number;
  maxUses: number;
  /** Answers with bytes so far. */
  uses: number;
  lastUsedAtMs: number | null;
  revokedAtMs: number | null;
  revokedBy: string | null;
  /** Its artifact was deleted after it was made, whether or not that was undone. */
  isArtifactDeleted: boolean;
}

/** Why a link can no longer be used. */
export const SHARE_ENDS = ['artifact_deleted', 'revoked', 'used_up', 'expired'] as const;
export type ShareEnd = (typeof SHARE_ENDS)[number];

/** Null while it can be used. */
export function endOfShare(share: Share, nowMs: number): ShareEnd | null {
  if (share.isArtifactDeleted) return 'artifact_deleted';
  if (share.revokedAtMs !== null) return 'revoked';
  if (share.uses >= share.maxUses) return 'used_up';
  return share.expiresAtMs <= nowMs ? 'expired' : null;
}

const WHY: Record<ShareEnd, string> = {
  artifact_deleted: 'its artifact was deleted',
  revoked: 'it was revoked',
  used_up: 'it was used as often as it may be',
  expired: 'its time is over',
};

export const shareEnded = (reason: ShareEnd): ArtifactError =>
  new ArtifactError('share_ended', `The link has ended: ${WHY[reason]}`, { details: { reason } });

/** Kinds of rows in the part of the audit that tells of links. */
export const SHARE_EVENT_KINDS = ['share_created', 'share_renewed', 'share_used', 'share_revoked'] as const;

/** One row of the audit of links. */
export interface ShareEvent {
  kind: (typeof SHARE_EVENT_KINDS)[number];
  /** `sub` of the caller's token, or `link` for whoever used it. */
  actor: string;
  atMs: number;
  /** Always with `shareId`. */
  detail: Record<string, unknown>;
}

/** Two parts of an audit as one; the order within each part stays as it is. */
export function mergeByTime<A extends { atMs: number }, B extends { atMs: number }>(
  first: readonly A[],
  second: readonly B[],
): (A | B)[] {
  const merged: (A | B)[] = [];
  let taken = 0;
  for (const one of first) {
    for (let other = second[taken]; other !== undefined && other.atMs < one.atMs; other = second[taken]) {
      merged.push(other);
      taken += 1;
    }
    merged.push(one);
  }
  return [...merged, ...second.slice(taken)];
}
