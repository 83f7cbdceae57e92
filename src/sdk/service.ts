import type { UploadOptions } from '../domain/artifact.js';
import type { DeletionCounts } from '../domain/execution-deletion.js';
import type { TagChanges } from '../domain/tags.js';
import type { RestoreTier } from '../domain/tiers.js';
import type { ReadableStream } from 'node:stream/web';
import type { ExecutionDownload, ExecutionDownloadOptions } from './download-execution.js';
import type { ListFilters, SearchFilters, StorageUsage } from './lists.js';
import type { LatestReconciliation } from './reconciliation.js';
import type { PlanPreview, PlanQuery } from './plan-ahead.js';
import type { ArtifactShare, ShareLink, ShareOptions } from './shares.js';
import type { Publication, PublishCallOptions, PublishOptions } from './publish.js';
import type { Artifact, ArtifactHold, DownloadUrl, HistoryEntry, Plan, UploadEvent, UploadStatus } from './wire.js';
import type { UploadProgress } from '../transfer/progress.js';
import type { ByteStream } from '../transfer/stream-cutter.js';

/** A file on this machine, which must not change while it is uploaded. A large one is read once. */
export interface FileSource {
  path: string;
}

/** Names a local file as the source of an upload. */
export const fromFile = (path: string): FileSource => ({ path });

/**
 * What can be uploaded: bytes in memory, a web or Node stream of unknown length, or a local file.
 * A stream is used up, and destroyed when the upload fails.
 */
export type UploadSource = Uint8Array | ByteStream | FileSource;

/** FEAT-004 `UploadOptions`, and how this call behaves. */
export interface UploadArtifactOptions extends UploadOptions {
  /** Called often; must return quickly. What it throws fails the upload. */
  onProgress?: (progress: UploadProgress) => void;
  /** Stops the upload and removes what has arrived; the call throws `aborted`. */
  signal?: AbortSignal;
  /**
   * Names this request, 1 to 255 visible ASCII characters: the same one again, also from another process, goes on where it stopped. Default:
   * derived from execution, path, size and content (and, of a file, when it was written to); a stream has none, so it is not gone on with.
   */
  idempotencyKey?: string;
  /** Begins anew when an unfinished upload is of an earlier state of the file, instead of throwing `source_changed`. Default false. */
  restart?: boolean;
  /**
   * Other content at the path is deleted first, so that this takes its place; the same content stays. Of a stream of more than 16 MiB nobody
   * knows it before, so it always takes the place. Default false: `path_taken`.
   */
  replace?: boolean;
  /**
   * Most parts sent at the same time, 1 to 16; default 8, of a stream 4. How many there are follows the throughput, and all uploads of a process share
   * the memory for them (see `ArtifactClientOptions.memoryBytes`).
   */
  concurrency?: number;
}

export interface DownloadOptions {
  /** First and last byte, both inclusive; without `end` up to the end. */
  range?: { start: number; end?: number };
  /** Also bytes that were found not to be those that were uploaded (`content_mismatch`), as they are. */
  force?: boolean;
  signal?: AbortSignal;
}

export interface ExecutionDeletionOptions {
  /** Called about every second with how far it is. */
  onProgress?: (counts: DeletionCounts) => void;
  /** Stops the waiting, not the deletion; the call throws `aborted`. */
  signal?: AbortSignal;
}

/** What is to be held, and why. */
export interface HoldOptions {
  /** For the history: 1 to 1000 bytes. */
  reason: string;
  /** When it ends by itself, to come; absent: when somebody ends it. */
  until?: Date;
  /** UUID; made here when absent. With the same one, the call may be repeated by another process too. */
  id?: string;
}

/** FEAT-004 "Service Interface", every method, and what the product can do beyond it. All throw `ArtifactError`. */
export interface ArtifactService {
  /**
   * Stores a file as output (or log) of an execution. Safe to repeat: the same content under the same path answers with the
   * artifact that is there, and an upload that was cut off goes on where it was.
   * @throws `path_taken`, `held`, `too_large`, `source_changed`, `source_unreadable`, `checksum_mismatch`, `aborted`, …
   */
  uploadArtifact(executionId: string, file: UploadSource, options: UploadArtifactOptions): Promise<Artifact>;

  /**
   * Publishes what lies below a folder of a host where an upload worker runs: everything becomes an artifact, `logs/…` as logs. Waits for
   * its end, which comes also when the caller dies: the same `publicationId` joins it.
   * @throws `host_unreachable`, `execution_not_found`, `aborted`, and what the publication failed with as a whole.
   */
  publish(executionId: string, options: PublishCallOptions): Promise<Publication>;
  /** As {@link publish}, without waiting. @returns its id. */
  startPublication(executionId: string, options: PublishOptions): Promise<string>;
  /** @throws `publication_not_found`. */
  getPublication(executionId: string, publicationId: string): Promise<Publication>;
  /** Asks it to stop; too late once it is being committed, or has ended. @throws `publication_not_found`. */
  cancelPublication(executionId: string, publicationId: string): Promise<Publication>;

  /** A link for anyone. @param expiresIn seconds; default 300, at most what the server allows (an hour). */
  getPresignedUrl(artifactId: string, expiresIn?: number): Promise<string>;
  /**
   * As {@link getPresignedUrl}, with name, size, checksum and when the link dies.
   * @throws `content_mismatch` unless forced, and as {@link downloadArtifact}.
   */
  createDownloadUrl(
    artifactId: string,
    expiresIn?: number,
    options?: Pick<DownloadOptions, 'force'>,
  ): Promise<DownloadUrl>;
  /**
   * Makes a link by which anyone gets the bytes, for days: it can be revoked, each use is in the history, and it dies with its artifact.
   * Needs the right to read and to write.
   * @throws `too_many_shares`, `share_conflict`, `share_ended` when the key given has made a link that has ended, `artifact_deleted`.
   */
  shareArtifact(artifactId: string, options?: ShareOptions): Promise<ShareLink>;
  /** Its links without their secrets: those that can be used, then the latest that have ended. */
  listShares(artifactId: string): Promise<ArtifactShare[]>;
  /** From now on nobody gets anything by the link. Fine when it has ended already. @throws `share_not_found`. */
  unshareArtifact(artifactId: string, shareId: string): Promise<ArtifactShare>;
  /**
   * The bytes, through the API. A whole file is compared with its SHA-256: the stream fails at its end with
   * `download_corrupted` when it differs. A connection that breaks is taken up again where it was.
   * @throws `still_uploading`, `not_downloadable` while it is archived, `content_mismatch` unless forced, `artifact_deleted`,
   * `artifact_not_found`, `range_not_satisfiable`.
   */
  downloadArtifact(artifactId: string, options?: DownloadOptions): Promise<ReadableStream<Uint8Array>>;

  /**
   * Downloads the artifacts of an execution below a folder, as `output/…` and `logs/…`, several at a time. A file appears under its name only
   * when it is complete and its SHA-256 is right, and one that is there with the right content is not downloaded: asked again, it goes on
   * file by file, and one that was under way begins anew. For each file an API that does not answer is asked again for about 20 s, unless
   * the client has a `retry` of its own. Never writes outside of the folder, and follows no link in it. What fails does not keep the others from
   * being saved.
   * @throws `execution_not_found`, `invalid_request`, `aborted`.
   */
  downloadExecution(
    executionId: string,
    directory: string,
    options?: ExecutionDownloadOptions,
  ): Promise<ExecutionDownload>;

  getArtifact(artifactId: string): Promise<Artifact>;
  /** All artifacts of an execution, newest page after page. @throws `execution_not_found`. */
  listArtifacts(executionId: string, filters?: ListFilters): Promise<Artifact[]>;
  /** As {@link listArtifacts}, without holding all of them. */
  iterateArtifacts(executionId: string, filters?: ListFilters): AsyncGenerator<Artifact, void, undefined>;
  /** Of all executions that the token may see, page after page. @throws `execution_not_found`, `invalid_request`. */
  searchArtifacts(filters?: SearchFilters): AsyncGenerator<Artifact, void, undefined>;
  /**
   * How much there is by tier, and what is left of the quotas: of an execution, else of the tenant, or of those executions that the token
   * is narrowed to. @throws `execution_not_found`.
   */
  usage(executionId?: string): Promise<StorageUsage>;
  /**
   * Where bucket, rows and workflows do not agree about the tenant's artifacts, as the last reconciliation found it; for tokens with
   * `artifacts:admin`. @throws `reconciliation_not_found` when there was none yet.
   */
  latestReconciliation(options?: { signal?: AbortSignal }): Promise<LatestReconciliation>;
  getUploadStatus(artifactId: string): Promise<UploadStatus>;
  /**
   * How far an upload is, whoever sends it, about once a second until it is ACTIVE or DELETED, which is the last. A connection that
   * breaks is taken up again, also by another process of the API.
   * @throws `unauthenticated` once a token that is not renewed is over; `aborted`.
   */
  watchUpload(artifactId: string, options?: { signal?: AbortSignal }): AsyncGenerator<UploadEvent, void, undefined>;
  history(artifactId: string): Promise<HistoryEntry[]>;
  /** What happens to it next by itself, when and why. */
  getPlan(artifactId: string): Promise<Plan>;
  /**
   * Everything that happens by itself to all artifacts that the token may see, or to those of one execution, within a while; with totals.
   * Whoever keeps one before, wins. @throws `execution_not_found`.
   */
  previewPlan(query?: PlanQuery): Promise<PlanPreview>;

  /**
   * Fine when it is deleted already. It can be undeleted until its `purgeAt`, if it has one then.
   * @param options `purge`: for good and at once, also for one that is deleted and could be undeleted. @throws `held`.
   */
  deleteArtifact(artifactId: string, options?: { purge?: boolean }): Promise<void>;
  /**
   * Brings a deleted artifact back until its `purgeAt`. Fine when it is not deleted.
   * @throws `artifact_deleted` when nothing can come back; `path_taken` while another artifact has its path; `wrong_state` while the
   * bytes of one that had the path later are kept: purge that one first.
   */
  undeleteArtifact(artifactId: string): Promise<Artifact>;
  /**
   * Deletes all artifacts that the execution has now; returns when that has ended, however long it takes, and it ends also when the
   * caller dies. Whoever asks while one runs joins it.
   * @returns how many it has deleted; see {@link deleteExecutionArtifactsWithReport} for what stays.
   */
  deleteExecutionArtifacts(executionId: string, options?: ExecutionDeletionOptions): Promise<number>;
  /** As {@link deleteExecutionArtifacts}, with those that stay because they are held, and those that could not be deleted yet. */
  deleteExecutionArtifactsWithReport(executionId: string, options?: ExecutionDeletionOptions): Promise<DeletionCounts>;

  archiveArtifact(artifactId: string): Promise<void>;
  /** Returns when the restore has begun; it is over when the status is ACTIVE, at the latest at its `restoreEta`. */
  restoreArtifact(artifactId: string, options?: { tier?: RestoreTier }): Promise<void>;

  /** Keeps it until someone sets a retention again. */
  keepForever(artifactId: string, reason?: string): Promise<Artifact>;
  /**
   * @param keep whole days from creation, 1 to 36500, or the moment at which it expires.
   * @throws `expiry_in_past` when that would delete it now and `confirm` is not set.
   */
  setRetention(
    artifactId: string,
    keep: number | { expiresAt: Date },
    options?: { confirm?: boolean },
  ): Promise<Artifact>;
  /**
   * Gives it other tags: with `merge` what is not named stays, and null removes a tag; otherwise these are all from now on. Two callers at
   * once who merge undo nothing of each other. The object in the bucket follows.
   * @throws `invalid_tags`, `wrong_state` while it uploads, `artifact_deleted`.
   */
  setTags(artifactId: string, tags: TagChanges, options?: { merge?: boolean }): Promise<Artifact>;
  /**
   * While an artifact has a hold it neither expires nor can be deleted. Its id is made before the first try, so it is added once.
   * @throws `invalid_hold`, `too_many_holds`, `wrong_state` while it uploads, `artifact_deleted`.
   */
  addHold(artifactId: string, hold: HoldOptions): Promise<ArtifactHold>;
  /** Oldest first. */
  listHolds(artifactId: string): Promise<ArtifactHold[]>;
  /**
   * Fine when it has ended already. With the last one the old deadline counts again: one that is over deletes the artifact now.
   * @throws `hold_not_found` for one that never was.
   */
  endHold(artifactId: string, holdId: string): Promise<Artifact>;
  /**
   * Sets what artifacts of an execution inherit, those to come and those that are there (they follow within seconds); may be said
   * before the first upload. `confirm` is needed when artifacts would be due at once. Answers with the days.
   */
  setExecutionRetention(executionId: string, days: number, options?: { confirm?: boolean }): Promise<number>;
}
