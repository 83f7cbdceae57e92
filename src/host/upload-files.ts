import { setMaxListeners } from 'node:events';
import { activityInfo, cancellationDetails, cancellationSignal, heartbeat } from '@temporalio/activity';
import { byOf } from '../domain/commands.js';
import { mapConcurrently } from '../domain/concurrency.js';
import { ArtifactError } from '../domain/errors.js';
import type { FileToUpload, UploadedFile, UploadFilesQuery } from '../domain/publish.js';
import { SECOND_MS } from '../domain/units.js';
import { readCheckpoint, Tally, type DoneFile } from './checkpoint.js';
import type { HostDeps } from './deps.js';
import { isMissing, openSource } from './roots.js';
import { findPlace } from './scan.js';
import { changed, uploadFile, type Uploaded } from './upload-file.js';

/** How often the checkpoint is told. The SDK sends fewer on, and always the last one of an attempt. */
const TELL_INTERVAL_MS = SECOND_MS;
/** So many failures of this kind without a success in between are an outage, and no misfortune of a file. */
const OUTAGE_FAILURES = 8;
/** What fails for want of a reason that we know is tried so often, and then it is the file's fault. */
const UNKNOWN_FAILURES_TRIED = 3;
const MAX_MESSAGE_CHARACTERS = 300;
const ABORTED_AT_ONCE = 16;

/** A file that fails for a reason that may pass: the next attempt takes it up again. */
type Outage = ArtifactError;

/**
 * Uploads files, many at a time, and answers what became of each. What is done is in the heartbeats, so that an attempt after a crash
 * goes on where the one before stopped; parts of large files are found in the store.
 * @throws an outage of the store or of Temporal, when everything else is done; the cancellation, after what was begun has been aborted
 * if it is the workflow's wish, and with everything kept if this worker shuts down.
 */
export async function uploadFiles(deps: HostDeps, query: UploadFilesQuery): Promise<UploadedFile[]> {
  const call = new Call(deps, query);
  const tell = setInterval(() => call.tell(), TELL_INTERVAL_MS);
  const startedAtMs = Date.now();
  const facts = (): object => ({
    ...call.tally.summary(),
    executionId: query.executionId,
    tookMs: Date.now() - startedAtMs,
  });
  try {
    await call.run();
    deps.log.info(facts(), 'uploaded');
    return call.tally.results();
  } catch (error) {
    deps.log.warn({ ...facts(), reason: reasonOf(call.signal.aborted ? call.signal.reason : error) }, 'interrupted');
    if (!call.signal.aborted) throw error;
    if (cancellationDetails()?.cancelRequested === true) await call.abort();
    throw call.signal.reason;
  } finally {
    clearInterval(tell);
    // What is told last goes to the server with the end of the attempt.
    call.tell();
  }
}

class Call {
  readonly tally: Tally;
  readonly signal = cancellationSignal();
  readonly #deps: HostDeps;
  readonly #query: UploadFilesQuery;
  readonly #attempt = activityInfo().attempt;
  readonly #begun = new Set<string>();
  #outage: Outage | null = null;
  #failuresInARow = 0;

  constructor(deps: HostDeps, query: UploadFilesQuery) {
    this.#deps = deps;
    this.#query = query;
    this.tally = new Tally(query.files, readCheckpoint(activityInfo().heartbeatDetails, query.files));
    // Every request under way listens; their number is bounded elsewhere.
    setMaxListeners(0, this.signal);
    this.tell();
  }

  tell(): void {
    heartbeat(this.tally.checkpoint());
  }

  async run(): Promise<void> {
    const { limits, roots } = this.#deps;
    const { folder } = await findPlace(roots, this.#query.folder);
    const indexes = this.#query.files.keys();
    const missing = [...indexes].filter((index) => !this.tally.isDone(index));
    const isLarge = (index: number): boolean => this.#query.files[index]?.sha256 === null;
    const upload = (index: number): Promise<void> => this.#upload(folder, index);
    await Promise.all([
      mapConcurrently(missing.filter(isLarge), limits.largeFiles.count, (index) =>
        limits.largeFiles.with(() => upload(index)),
      ),
      mapConcurrently(
        missing.filter((index) => !isLarge(index)),
        limits.smallFiles.count,
        (index) => limits.smallFiles.with(() => upload(index)),
      ),
    ]);
    this.signal.throwIfAborted();
    if (this.#outage !== null) throw this.#outage;
  }

  /** What failed earlier in this attempt, or may have been begun by one whose heartbeats were lost, is over too. */
  async abort(): Promise<void> {
    const { files } = this.#query;
    const mayBeBegun = files.filter(
      ({ artifactId, isJoined = false }, index) =>
        !isJoined && !this.tally.isDone(index) && (this.#attempt > 1 || this.#begun.has(artifactId)),
    );
    await mapConcurrently(mayBeBegun, ABORTED_AT_ONCE, ({ artifactId }) => this.#abortUpload(artifactId));
  }

  /** One that never began, or is complete, cannot be aborted; one that nobody hears of now has its deadline. */
  async #abortUpload(artifactId: string): Promise<void> {
    await this.#deps.lifecycle.abortUpload(artifactId, byOf(this.#query)).catch(() => undefined);
  }

  async #upload(folder: string, index: number): Promise<void> {
    const file = this.#query.files[index];
    if (file === undefined || this.#isOutage() || this.signal.aborted) return;
    try {
      this.#succeeded(index, file, await this.#send(folder, index, file));
    } catch (error) {
      this.tally.stopped(index);
      if (!this.signal.aborted) await this.#failed(index, file, error);
    }
  }

  async #send(folder: string, index: number, file: FileToUpload): Promise<Uploaded> {
    const reader = await openSource(this.#deps.roots, folder, file.file).catch((error: unknown) => {
      throw isMissing(error) ? changed(file) : error;
    });
    try {
      return await uploadFile(this.#deps, {
        ...{ query: this.#query, file, reader, signal: this.signal },
        onBegun: () => this.#begun.add(file.artifactId),
        onProgress: ({ sentBytes, part, parts }) => {
          if (file.sha256 === null)
            this.tally.sending(index, {
              ...{ artifactId: file.artifactId, sentBytes, sizeBytes: file.sizeBytes },
              ...{ parts: part, partCount: parts ?? 0 },
            });
        },
      });
    } finally {
      await reader.close();
    }
  }

  #succeeded(index: number, file: FileToUpload, { outcome, sha256 }: Uploaded): void {
    this.#failuresInARow = 0;
    this.tally.done({ index, outcome, ...(sha256 === file.sha256 ? {} : { sha256 }) });
  }

  async #failed(index: number, { artifactId, isJoined = false }: FileToUpload, error: unknown): Promise<void> {
    const known =
      error instanceof ArtifactError
        ? error
        : new ArtifactError('internal', error instanceof Error ? error.message : String(error), { cause: error });
    const isItsFault = known.code === 'internal' && this.#attempt >= UNKNOWN_FAILURES_TRIED;
    if (!known.retryable || isItsFault) {
      // Its path is free again at once, and nothing of it stays in the store.
      if (!isJoined && this.#begun.has(artifactId)) await this.#abortUpload(artifactId);
      this.tally.done(failedFile(index, known));
      return;
    }
    this.#outage ??= known;
    this.#failuresInARow += 1;
  }

  #isOutage(): boolean {
    return this.#failuresInARow >= OUTAGE_FAILURES;
  }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const failedFile = (index: number, { code, message }: ArtifactError): DoneFile => ({
  ...{ index, outcome: 'failed', code },
  message: message.slice(0, MAX_MESSAGE_CHARACTERS),
});
