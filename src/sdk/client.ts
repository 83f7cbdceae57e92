import { randomUUID } from 'node:crypto';
import type { ReadableStream } from 'node:stream/web';
import type { DeletionCounts } from '../domain/execution-deletion.js';
import { requireHold } from '../domain/holds.js';
import { requireUuid } from '../domain/ids.js';
import { ownRetention, requireRetentionDays } from '../domain/retention.js';
import { tagsAfter, type TagChanges } from '../domain/tags.js';
import { MINUTE_MS, SECOND_MS } from '../domain/units.js';
import type { RestoreTier } from '../domain/tiers.js';
import { PartMemory, sharedPartMemory } from '../transfer/part-memory.js';
import { ProgressMeter } from '../transfer/progress.js';
import { StoreConnections } from '../transfer/put.js';
import { openDownload } from './download.js';
import { downloadExecution } from './download-execution.js';
import type { ExecutionDownload, ExecutionDownloadOptions, ExecutionSource } from './download-execution.js';
import { Api } from './http.js';
import type { ApiOptions, ApiRequest } from './http.js';
import {
  cancelPublication,
  getPublication,
  publish,
  startPublication,
  type Publication,
  type PublishCallOptions,
  type PublishOptions,
} from './publish.js';
import { latestReconciliation, type LatestReconciliation } from './reconciliation.js';
import { iterate, readUsage, type ListFilters, type SearchFilters, type StorageUsage } from './lists.js';
import { previewPlan, type PlanPreview, type PlanQuery } from './plan-ahead.js';
import {
  listShares,
  shareArtifact,
  unshareArtifact,
  type ArtifactShare,
  type ShareLink,
  type ShareOptions,
} from './shares.js';
import { PART_RETRY, PATIENT_RETRY } from '../transfer/retry.js';
import type {
  ArtifactService,
  DownloadOptions,
  ExecutionDeletionOptions,
  HoldOptions,
  UploadArtifactOptions,
  UploadSource,
} from './service.js';
import { UploadApi } from './upload/upload-api.js';
import { uploadSource } from './upload/upload.js';
import { toArtifact, toHold, toPlan } from './wire.js';
import type {
  Artifact,
  ArtifactAnswerJson,
  ArtifactHold,
  DownloadUrl,
  DownloadUrlJson,
  ExecutionDeletionJson,
  HistoryEntry,
  HistoryJson,
  HoldAnswerJson,
  HoldsJson,
  Plan,
  PlanJson,
  UploadEvent,
  UploadStatus,
  UploadStatusJson,
} from './wire.js';
import { watchUpload } from './watch-upload.js';

/** How long the API waits for the end of a deletion before it says how far it is, in seconds. */
const UNWATCHED_WAIT_SECONDS = 20;
const WATCHED_WAIT_SECONDS = 1;

/** How an {@link ArtifactClient} reaches the API and the store. */
export interface ArtifactClientOptions extends ApiOptions {
  /** A connection to the store on which nothing moves for this long is given up, and its part sent again. Default 60,000. */
  idleTimeoutMs?: number;
  /**
   * Most memory for the parts of large files and streams under way, at least that of one part (8 MiB). Default: 48 MiB, which all clients of
   * the process share.
   */
  memoryBytes?: number;
}

const ofArtifact = (artifactId: string, rest = ''): string =>
  `/v1/artifacts/${requireUuid(artifactId, 'artifact id')}${rest}`;
const ofExecution = (executionId: string): string =>
  `/v1/executions/${requireUuid(executionId, 'execution id')}/artifacts`;

/**
 * FEAT-004's `ArtifactService` over HTTP. Bytes go straight to the object store with signed requests. One client serves any
 * number of calls at once; a process may end without closing it.
 */
export class ArtifactClient implements ArtifactService {
  readonly #api: Api;
  readonly #connections: StoreConnections;
  readonly #memory: PartMemory;
  readonly #options: ArtifactClientOptions;

  /** @throws `invalid_request` when `baseUrl` is not an http(s) address. */
  constructor(options: ArtifactClientOptions) {
    this.#options = options;
    this.#api = new Api(options);
    this.#connections = new StoreConnections(options);
    this.#memory = options.memoryBytes === undefined ? sharedPartMemory : new PartMemory(options.memoryBytes);
  }

  /** Frees idle connections to the store at once. */
  close(): void {
    this.#connections.close();
  }

  uploadArtifact(executionId: string, file: UploadSource, options: UploadArtifactOptions): Promise<Artifact> {
    const { signal = new AbortController().signal, concurrency, onProgress } = options;
    const retry = this.#options.retry ?? PATIENT_RETRY;
    const transfer = {
      connections: this.#connections,
      retry: this.#options.retry ?? PART_RETRY,
      progress: new ProgressMeter(onProgress),
      memory: this.#memory,
      concurrency,
      signal,
    };
    const context = { api: new UploadApi(new Api({ ...this.#options, retry })), transfer };
    return uploadSource({ executionId, options, context, signal }, file);
  }

  publish(executionId: string, options: PublishCallOptions): Promise<Publication> {
    return publish(this.#api, executionId, options);
  }

  startPublication(executionId: string, options: PublishOptions): Promise<string> {
    return startPublication(this.#api, executionId, options);
  }

  getPublication(executionId: string, publicationId: string): Promise<Publication> {
    return getPublication(this.#api, executionId, publicationId);
  }

  cancelPublication(executionId: string, publicationId: string): Promise<Publication> {
    return cancelPublication(this.#api, executionId, publicationId);
  }

  async getPresignedUrl(artifactId: string, expiresIn?: number): Promise<string> {
    return (await this.createDownloadUrl(artifactId, expiresIn)).url;
  }

  async createDownloadUrl(
    artifactId: string,
    expiresIn?: number,
    { force }: Pick<DownloadOptions, 'force'> = {},
  ): Promise<DownloadUrl> {
    const path = ofArtifact(artifactId, '/download-url');
    const answer = await this.#api.call<DownloadUrlJson>({ method: 'POST', path, body: { expiresIn, force } });
    return { ...answer, expiresAt: new Date(answer.expiresAt) };
  }

  shareArtifact(artifactId: string, options: ShareOptions = {}): Promise<ShareLink> {
    return shareArtifact(this.#api, artifactId, options);
  }

  listShares(artifactId: string): Promise<ArtifactShare[]> {
    return listShares(this.#api, artifactId);
  }

  unshareArtifact(artifactId: string, shareId: string): Promise<ArtifactShare> {
    return unshareArtifact(this.#api, artifactId, shareId);
  }

  async downloadArtifact(artifactId: string, options: DownloadOptions = {}): Promise<ReadableStream<Uint8Array>> {
    return openDownload(this.#api, requireUuid(artifactId, 'artifact id'), options);
  }

  downloadExecution(
    executionId: string,
    directory: string,
    options: ExecutionDownloadOptions = {},
  ): Promise<ExecutionDownload> {
    // Files are many and the work is long: each outlives a restart of the API. The list still says quickly that there is none.
    const api = new Api({ ...this.#options, retry: this.#options.retry ?? PATIENT_RETRY });
    const source: ExecutionSource = {
      listArtifacts: (id, filters) => this.listArtifacts(id, filters),
      downloadArtifact: (id, settings) => openDownload(api, requireUuid(id, 'artifact id'), settings),
    };
    return downloadExecution(source, { executionId, directory }, options);
  }

  async getArtifact(artifactId: string): Promise<Artifact> {
    return this.#change({ method: 'GET', path: ofArtifact(artifactId) });
  }

  async listArtifacts(executionId: string, filters: ListFilters = {}): Promise<Artifact[]> {
    const artifacts: Artifact[] = [];
    for await (const artifact of this.iterateArtifacts(executionId, filters)) artifacts.push(artifact);
    return artifacts;
  }

  iterateArtifacts(executionId: string, filters: ListFilters = {}): AsyncGenerator<Artifact, void, undefined> {
    return iterate(this.#api, ofExecution(executionId), filters);
  }

  searchArtifacts(filters: SearchFilters = {}): AsyncGenerator<Artifact, void, undefined> {
    return iterate(this.#api, '/v1/artifacts', filters);
  }

  usage(executionId?: string): Promise<StorageUsage> {
    return readUsage(this.#api, executionId);
  }

  latestReconciliation(options: { signal?: AbortSignal } = {}): Promise<LatestReconciliation> {
    return latestReconciliation(this.#api, options.signal);
  }

  async getUploadStatus(artifactId: string): Promise<UploadStatus> {
    const path = ofArtifact(artifactId, '/upload');
    // What a client needs to send the rest is not for here.
    const { upload: _upload, ...status } = await this.#api.call<UploadStatusJson & { upload: unknown }>({
      method: 'GET',
      path,
    });
    return { ...status, artifact: toArtifact(status.artifact) };
  }

  watchUpload(
    artifactId: string,
    options: { signal?: AbortSignal } = {},
  ): AsyncGenerator<UploadEvent, void, undefined> {
    return watchUpload(this.#api, ofArtifact(artifactId, '/events'), options.signal);
  }

  async getPlan(artifactId: string): Promise<Plan> {
    return toPlan(await this.#api.call<PlanJson>({ method: 'GET', path: ofArtifact(artifactId, '/plan') }));
  }

  previewPlan(query: PlanQuery = {}): Promise<PlanPreview> {
    return previewPlan(this.#api, query);
  }

  async history(artifactId: string): Promise<HistoryEntry[]> {
    const path = ofArtifact(artifactId, '/history');
    const answer = await this.#api.call<HistoryJson>({ method: 'GET', path });
    return answer.items.map((entry) => ({ ...entry, at: new Date(entry.at) }));
  }

  async deleteArtifact(artifactId: string, { purge = false }: { purge?: boolean } = {}): Promise<void> {
    await this.#change({ method: 'DELETE', path: ofArtifact(artifactId, purge ? '?purge=true' : '') });
  }

  async undeleteArtifact(artifactId: string): Promise<Artifact> {
    return this.#change({ method: 'POST', path: ofArtifact(artifactId, '/undelete') });
  }

  async deleteExecutionArtifacts(executionId: string, options: ExecutionDeletionOptions = {}): Promise<number> {
    return (await this.deleteExecutionArtifactsWithReport(executionId, options)).deleted;
  }

  async deleteExecutionArtifactsWithReport(
    executionId: string,
    { onProgress, signal }: ExecutionDeletionOptions = {},
  ): Promise<DeletionCounts> {
    // Under one id, every repetition is the same deletion: an answer that is lost is answered again with the same number.
    const deletionId = randomUUID();
    const { requestTimeoutMs = MINUTE_MS } = this.#options;
    const mostSeconds = Math.max(1, Math.floor(requestTimeoutMs / (2 * SECOND_MS)));
    const waitSeconds = Math.min(onProgress === undefined ? UNWATCHED_WAIT_SECONDS : WATCHED_WAIT_SECONDS, mostSeconds);
    const path = `${ofExecution(executionId)}?deletionId=${deletionId}&waitSeconds=${waitSeconds}`;
    const retry = this.#options.retry ?? PATIENT_RETRY;
    for (;;) {
      const answer = await this.#api.call<ExecutionDeletionJson>({ method: 'DELETE', path, signal, retry });
      const { deleted, held, underWay, orphaned, finished } = answer;
      const counts = { deleted, held, underWay, orphaned };
      onProgress?.(counts);
      if (finished) return counts;
    }
  }

  async archiveArtifact(artifactId: string): Promise<void> {
    await this.#change({ method: 'POST', path: ofArtifact(artifactId, '/archive') });
  }

  async restoreArtifact(artifactId: string, options: { tier?: RestoreTier } = {}): Promise<void> {
    await this.#change({ method: 'POST', path: ofArtifact(artifactId, '/restore'), body: options });
  }

  async keepForever(artifactId: string, reason?: string): Promise<Artifact> {
    const path = ofArtifact(artifactId, '/retention');
    return this.#change({ method: 'PUT', path, body: { permanent: true, reason } });
  }

  async setRetention(
    artifactId: string,
    keep: number | { expiresAt: Date },
    { confirm }: { confirm?: boolean } = {},
  ): Promise<Artifact> {
    const path = ofArtifact(artifactId, '/retention');
    if (typeof keep === 'number')
      return this.#change({ method: 'PUT', path, body: { days: requireRetentionDays(keep), confirm } });
    ownRetention({ expiresAtMs: keep.expiresAt.getTime() });
    return this.#change({ method: 'PUT', path, body: { expiresAt: keep.expiresAt, confirm } });
  }

  async setTags(artifactId: string, tags: TagChanges, { merge = false }: { merge?: boolean } = {}): Promise<Artifact> {
    const path = ofArtifact(artifactId, '/tags');
    // Says what is wrong before it is sent; what the artifact has besides, its workflow knows.
    const known = tagsAfter({}, { tags, merge });
    return this.#change({ method: merge ? 'PATCH' : 'PUT', path, body: { tags: merge ? tags : known } });
  }

  async addHold(artifactId: string, { id = randomUUID(), reason, until }: HoldOptions): Promise<ArtifactHold> {
    const path = ofArtifact(artifactId, '/holds');
    requireHold({ reason, untilMs: until?.getTime() ?? null }, Date.now());
    const body = { id: requireUuid(id, 'hold id'), reason, until };
    return toHold((await this.#api.call<HoldAnswerJson>({ method: 'POST', path, body })).hold);
  }

  async listHolds(artifactId: string): Promise<ArtifactHold[]> {
    const path = ofArtifact(artifactId, '/holds');
    return (await this.#api.call<HoldsJson>({ method: 'GET', path })).items.map(toHold);
  }

  async endHold(artifactId: string, holdId: string): Promise<Artifact> {
    const path = ofArtifact(artifactId, `/holds/${requireUuid(holdId, 'hold id')}`);
    return this.#change({ method: 'DELETE', path });
  }

  async setExecutionRetention(
    executionId: string,
    days: number,
    { confirm }: { confirm?: boolean } = {},
  ): Promise<number> {
    const { retentionDays } = await this.#api.call<{ retentionDays: number }>({
      method: 'PUT',
      path: `/v1/executions/${requireUuid(executionId, 'execution id')}/retention`,
      body: { days: requireRetentionDays(days), confirm },
    });
    return retentionDays;
  }

  async #change(request: ApiRequest): Promise<Artifact> {
    // A lost answer must not be asked for by doing it again after somebody else has undone it.
    const headers = request.method === 'POST' ? { 'idempotency-key': randomUUID() } : {};
    return toArtifact((await this.#api.call<ArtifactAnswerJson>({ headers, ...request })).artifact);
  }
}
