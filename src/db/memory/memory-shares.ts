import { ArtifactError } from '../../domain/errors.js';
import { endOfShare, MAX_LIVING_SHARES, shareEnded, type Share, type ShareEvent } from '../../domain/shares.js';
import type { ArtifactReads } from '../artifact-records.js';
import {
  factsOfShare,
  LINK_ACTOR,
  LISTED_SHARES,
  requireSameShare,
  TOLD_SHARE_EVENTS,
  tooManyShares,
  type NewShare,
  type ShareRevocation,
  type Shares,
  type ShareUse,
} from '../shares.js';

type Stored = Omit<Share, 'isArtifactDeleted'> & { artifactRevision: number; tokenHash: string };

/** Links in memory, for tests that need no Postgres. Passes the same contract suite. */
export class MemoryShares implements Shares {
  readonly #shares = new Map<string, Stored>();
  readonly #events = new Map<string, ShareEvent[]>();
  readonly #records: Pick<ArtifactReads, 'get' | 'history'>;

  constructor(records: Pick<ArtifactReads, 'get' | 'history'>) {
    this.#records = records;
  }

  async createShare(wanted: NewShare): Promise<{ share: Share; created: boolean }> {
    const { id, artifactId, artifactRevision, tokenHash, actor, atMs, expiresAtMs, maxUses } = wanted;
    if ((await this.#records.get(artifactId)) === null)
      throw new ArtifactError('artifact_not_found', `There is no artifact ${artifactId}`);
    const deletedAt = await this.#lastDeletionOf(artifactId);
    // From here on nothing interleaves.
    const existing = this.#shares.get(id);
    if (existing !== undefined) {
      requireSameShare(shown(existing, deletedAt), wanted);
      const end = endOfShare(shown(existing, deletedAt), atMs);
      if (end !== null) throw shareEnded(end);
      existing.tokenHash = tokenHash;
    } else {
      const living = this.#of(artifactId).filter((share) => endOfShare(shown(share, deletedAt), atMs) === null);
      if (living.length >= MAX_LIVING_SHARES) throw tooManyShares(artifactId);
    }
    const share: Stored = existing ?? {
      ...{ id, artifactId, artifactRevision, tokenHash, expiresAtMs, maxUses, createdBy: actor, createdAtMs: atMs },
      ...{ uses: 0, lastUsedAtMs: null, revokedAtMs: null, revokedBy: null },
    };
    this.#shares.set(id, share);
    const kind = existing === undefined ? 'share_created' : 'share_renewed';
    this.#tell(share, { kind, actor, atMs, detail: factsOfShare(share) });
    return { share: shown(share, deletedAt), created: existing === undefined };
  }

  async findShare(tokenHash: string): Promise<Share | null> {
    const share = this.#byToken(tokenHash);
    return share === undefined ? null : shown(share, await this.#lastDeletionOf(share.artifactId));
  }

  async listShares(artifactId: string, nowMs: number): Promise<Share[]> {
    const deletedAt = await this.#lastDeletionOf(artifactId);
    const isUsable = (share: Share): number => Number(endOfShare(share, nowMs) === null);
    return this.#of(artifactId)
      .map((share) => shown(share, deletedAt))
      .sort((a, b) => isUsable(b) - isUsable(a) || b.createdAtMs - a.createdAtMs || b.id.localeCompare(a.id))
      .slice(0, LISTED_SHARES);
  }

  async useShare({ tokenHash, atMs, detail }: ShareUse): Promise<Share | null> {
    const artifactId = this.#byToken(tokenHash)?.artifactId;
    const deletedAt = artifactId === undefined ? -1 : await this.#lastDeletionOf(artifactId);
    const share = this.#byToken(tokenHash);
    if (share === undefined || endOfShare(shown(share, deletedAt), atMs) !== null) return null;
    share.uses += 1;
    share.lastUsedAtMs = Math.max(share.lastUsedAtMs ?? atMs, atMs);
    this.#tell(share, { kind: 'share_used', actor: LINK_ACTOR, atMs, detail: { use: share.uses, ...detail } });
    return shown(share, deletedAt);
  }

  async revokeShare({ artifactId, id, actor, atMs }: ShareRevocation): Promise<Share | null> {
    const deletedAt = await this.#lastDeletionOf(artifactId);
    const share = this.#shares.get(id);
    if (share?.artifactId !== artifactId) return null;
    if (endOfShare(shown(share, deletedAt), atMs) === null) {
      share.revokedAtMs = atMs;
      share.revokedBy = actor;
      this.#tell(share, { kind: 'share_revoked', actor, atMs, detail: {} });
    }
    return shown(share, deletedAt);
  }

  removeExpired(beforeMs: number): Promise<void> {
    for (const { id, expiresAtMs } of [...this.#shares.values()]) if (expiresAtMs < beforeMs) this.#shares.delete(id);
    return Promise.resolve();
  }

  async shareHistory(artifactId: string): Promise<ShareEvent[]> {
    return Promise.resolve(structuredClone((this.#events.get(artifactId) ?? []).slice(-TOLD_SHARE_EVENTS)));
  }

  /** Revision of the artifact at which it was deleted last; -1: never. */
  async #lastDeletionOf(artifactId: string): Promise<number> {
    const events = await this.#records.history(artifactId);
    return events.findLast(({ kind }) => kind === 'deleted')?.changeNumber ?? -1;
  }

  #of(artifactId: string): Stored[] {
    return [...this.#shares.values()].filter((share) => share.artifactId === artifactId);
  }

  #byToken(tokenHash: string): Stored | undefined {
    return [...this.#shares.values()].find((share) => share.tokenHash === tokenHash);
  }

  #tell({ id, artifactId }: Stored, { detail, ...event }: ShareEvent): void {
    const events = this.#events.get(artifactId) ?? [];
    this.#events.set(artifactId, [...events, structuredClone({ ...event, detail: { shareId: id, ...detail } })]);
  }
}

const shown = ({ artifactRevision, tokenHash: _tokenHash, ...share }: Stored, deletedAtRevision: number): Share => ({
  ...share,
  isArtifactDeleted: deletedAtRevision > artifactRevision,
});
