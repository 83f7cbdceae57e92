import { ArtifactError } from '../domain/errors.js';
import { MAX_LIVING_SHARES, type Share, type ShareEvent } from '../domain/shares.js';

/*
 * Links to artifacts, and the part of the audit that tells of them: each change and its event are one transaction. They are written by the
 * API itself and not by the artifact's workflow, as they change nothing about the artifact, and must work while workflows are down.
 * Whether the artifact was deleted after a link was made is not written into the link: the audit of the artifact says it, by revisions.
 */

/** At most so many are listed: all that can be used, then the latest of those that have ended. */
export const LISTED_SHARES = 2 * MAX_LIVING_SHARES;
/** At most so many events of links are told of an artifact, the latest ones. */
export const TOLD_SHARE_EVENTS = 1_000;
/** Who used a link: nobody knows. */
export const LINK_ACTOR = 'link';

export interface NewShare {
  id: string;
  artifactId: string;
  /** Of the row as it was looked at: a deletion after it ends the link. */
  artifactRevision: number;
  tenantId: string;
  /** SHA-256, lower-case hex. */
  tokenHash: string;
  actor: string;
  atMs: number;
  expiresAtMs: number;
  maxUses: number;
}

export interface ShareUse {
  /** SHA-256 of the token, lower-case hex. */
  tokenHash: string;
  atMs: number;
  /** What is known about it, for the audit. */
  detail: Record<string, string | number>;
}

export interface ShareRevocation {
  artifactId: string;
  id: string;
  actor: string;
  atMs: number;
}

export interface Shares {
  /**
   * Writes a link down. The same id again is the same link with another token: from then on the old one is unknown.
   * @returns `created` false when it was there.
   * @throws `artifact_not_found`; `too_many_shares`; `share_conflict` when it was there with another life or number of uses; `share_ended` when
   * it was there and has ended.
   */
  createShare(share: NewShare): Promise<{ share: Share; created: boolean }>;
  /** Null for a token nobody has, or has any more. */
  findShare(tokenHash: string): Promise<Share | null>;
  /** Those that can be used first, then newest first; at most {@link LISTED_SHARES}. */
  listShares(artifactId: string, nowMs: number): Promise<Share[]>;
  /** Counts one use if there is one left at that time, however many ask at once. @returns null when there is none. */
  useShare(use: ShareUse): Promise<Share | null>;
  /** Safe to repeat; one that has ended stays as it is. @returns null when the artifact never had it. */
  revokeShare(revocation: ShareRevocation): Promise<Share | null>;
  /**
   * Removes the links whose life ended before that moment, also those that ended earlier than that: they are not found any more. What is told of
   * them stays. Waits for nobody: one that is in use at that moment stays until the next time.
   */
  removeExpired(beforeMs: number): Promise<void>;
  /** Oldest first; the latest {@link TOLD_SHARE_EVENTS}. */
  shareHistory(artifactId: string): Promise<ShareEvent[]>;
}

export const tooManyShares = (artifactId: string): ArtifactError =>
  new ArtifactError('too_many_shares', `Artifact ${artifactId} has ${MAX_LIVING_SHARES} links that can be used`, {
    details: { artifactId },
  });

/** The same id must mean the same link. @throws `share_conflict`. */
export function requireSameShare(existing: Share, wanted: NewShare): void {
  const isSame =
    existing.artifactId === wanted.artifactId &&
    existing.maxUses === wanted.maxUses &&
    existing.expiresAtMs - existing.createdAtMs === wanted.expiresAtMs - wanted.atMs;
  if (!isSame)
    throw new ArtifactError('share_conflict', `Link ${wanted.id} was made with another life or number of uses`, {
      details: { shareId: wanted.id },
    });
}

/** The facts of a creation or renewal for the audit. */
export const factsOfShare = ({
  expiresAtMs,
  maxUses,
}: Pick<Share, 'expiresAtMs' | 'maxUses'>): { expiresAt: string; maxUses: number } => ({
  expiresAt: new Date(expiresAtMs).toISOString(),
  maxUses,
});
