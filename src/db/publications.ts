import type { ArtifactRecord } from '../domain/artifact-record.js';
import { ArtifactError } from '../domain/errors.js';
import type { PublicationReport } from '../domain/publish.js';

/*
 * Publications, and the artifacts that wait for one that is all or nothing. Such a row is written with `awaitsPublication` and seen by
 * nobody until its publication is committed, which is one statement for all of them. Registrations and the end of a publication wait
 * for each other by the lock of its row: nothing is registered for one that has ended, so nothing is forgotten when all are removed.
 */

export const PUBLICATION_STATES = ['open', 'committed', 'abandoned'] as const;
export type PublicationState = (typeof PUBLICATION_STATES)[number];

export interface PublicationKey {
  executionId: string;
  id: string;
}

export interface NewPublication extends PublicationKey {
  tenantId: string;
  actor: string;
  atMs: number;
}

export interface Publication extends PublicationKey {
  state: PublicationState;
  begunAtMs: number;
  endedAtMs: number | null;
  /** Null while it runs. */
  report: PublicationReport | null;
}

export interface PublicationCommit extends PublicationKey {
  /** How many artifacts wait for it. */
  artifacts: number;
}

export interface AwaitingQuery extends PublicationKey {
  /** The last one of the page before; null for the first page. */
  afterId: string | null;
  limit: number;
}

export interface PublicationReads {
  getPublication(key: PublicationKey): Promise<Publication | null>;
}

export interface Publications extends PublicationReads {
  /**
   * Opens it; creates the execution for this tenant when it does not exist yet. Safe to repeat: one that is there is answered as it is.
   * @throws `execution_not_found` when the execution belongs to another tenant.
   */
  beginPublication(publication: NewPublication): Promise<Publication>;
  /** Living artifacts under these canonical paths, those that wait for a publication too. */
  listByPaths(executionId: string, paths: string[]): Promise<ArtifactRecord[]>;
  /**
   * Makes all artifacts that wait for it visible at once. Waits for registrations that run. Safe to repeat.
   * @throws `publication_over` when it was abandoned; `upload_incomplete` when not exactly so many are complete.
   */
  commitPublication(commit: PublicationCommit): Promise<void>;
  /** From here on nothing is registered for it, unless it was committed before. Safe to repeat. @returns its state. */
  abandonPublication(key: PublicationKey): Promise<PublicationState>;
  /** Ids of the living artifacts that wait for it, in their order. */
  listAwaiting(query: AwaitingQuery): Promise<string[]>;
  /** Artifacts that became visible with it and were not announced yet. */
  listUntold(query: PublicationKey & { limit: number }): Promise<ArtifactRecord[]>;
  /** They were announced. */
  markTold(artifactIds: string[]): Promise<void>;
  /** Writes down how it ended. Safe to repeat: the first word counts. */
  finishPublication(end: PublicationKey & { report: PublicationReport; atMs: number }): Promise<void>;
}

export const publicationOver = ({ id }: PublicationKey): ArtifactError =>
  new ArtifactError('publication_over', `Publication ${id} has ended, or never began`);

export const incompletePublication = (complete: number, artifacts: number): ArtifactError =>
  new ArtifactError('upload_incomplete', `${complete} of ${artifacts} artifacts of the publication are complete`);

/** Of a registration. A holder that waits for its publication is nobody's to know. */
export const pathTaken = (
  path: string,
  { id, awaitsPublication }: Pick<ArtifactRecord, 'id' | 'awaitsPublication'>,
): ArtifactError =>
  awaitsPublication === null
    ? new ArtifactError('path_taken', `"${path}" is artifact ${id} already`, { details: { artifactId: id } })
    : new ArtifactError('path_taken', `"${path}" is being published at the moment`);
