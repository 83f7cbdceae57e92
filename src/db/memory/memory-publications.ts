import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { LISTED_STATUSES } from '../../domain/manifest.js';
import type { PublicationReport } from '../../domain/publish.js';
import {
  incompletePublication,
  publicationOver,
  type AwaitingQuery,
  type NewPublication,
  type Publication,
  type PublicationCommit,
  type PublicationKey,
  type PublicationState,
} from '../publications.js';

/** Publications in memory, over the artifacts that somebody else keeps and that it changes in place. */
export class MemoryPublications {
  readonly #publications: Publication[] = [];
  readonly #artifacts: ReadonlyMap<string, ArtifactRecord>;
  /** Opens the execution for a tenant. */
  readonly #join: (execution: { executionId: string; tenantId: string; atMs: number }) => void;

  constructor(
    artifacts: ReadonlyMap<string, ArtifactRecord>,
    join: (execution: { executionId: string; tenantId: string; atMs: number }) => void,
  ) {
    this.#artifacts = artifacts;
    this.#join = join;
  }

  begin(publication: NewPublication): Publication {
    const { executionId, id, atMs } = publication;
    this.#join(publication);
    const known = this.get(publication);
    if (known !== null) return known;
    const begun: Publication = { executionId, id, state: 'open', begunAtMs: atMs, endedAtMs: null, report: null };
    this.#publications.push(begun);
    return begun;
  }

  get({ executionId, id }: PublicationKey): Publication | null {
    return this.#publications.find((one) => one.executionId === executionId && one.id === id) ?? null;
  }

  /** @throws `publication_over`. */
  requireOpen(key: PublicationKey): void {
    if (this.get(key)?.state !== 'open') throw publicationOver(key);
  }

  commit({ artifacts, ...key }: PublicationCommit): void {
    const publication = this.get(key);
    if (publication?.state === 'committed') return;
    if (publication?.state !== 'open') throw publicationOver(key);
    const complete = this.#awaiting(key).filter(
      ({ status, deletionReason, checksumState }) =>
        LISTED_STATUSES.includes(status) && deletionReason === null && checksumState !== 'mismatch',
    );
    if (complete.length !== artifacts) throw incompletePublication(complete.length, artifacts);
    for (const record of complete) {
      record.awaitsPublication = null;
      record.untoldPublication = key.id;
    }
    publication.state = 'committed';
  }

  abandon(key: PublicationKey): PublicationState {
    const publication = this.get(key);
    if (publication?.state === 'open') publication.state = 'abandoned';
    return publication?.state ?? 'abandoned';
  }

  listAwaiting({ afterId, limit, ...key }: AwaitingQuery): string[] {
    return this.#awaiting(key)
      .map(({ id }) => id)
      .filter((id) => afterId === null || id > afterId)
      .sort()
      .slice(0, limit);
  }

  listUntold({ executionId, id, limit }: PublicationKey & { limit: number }): ArtifactRecord[] {
    return [...this.#artifacts.values()]
      .filter((record) => record.executionId === executionId && record.untoldPublication === id)
      .slice(0, limit);
  }

  markTold(artifactIds: string[]): void {
    for (const id of artifactIds) {
      const record = this.#artifacts.get(id);
      if (record !== undefined) record.untoldPublication = null;
    }
  }

  finish({ report, atMs, ...key }: PublicationKey & { report: PublicationReport; atMs: number }): void {
    const publication = this.get(key);
    if (publication === null || publication.endedAtMs !== null) return;
    publication.report = structuredClone(report);
    publication.endedAtMs = atMs;
  }

  #awaiting({ executionId, id }: PublicationKey): ArtifactRecord[] {
    return [...this.#artifacts.values()].filter(
      (record) => record.executionId === executionId && record.awaitsPublication === id && record.status !== 'DELETED',
    );
  }
}
