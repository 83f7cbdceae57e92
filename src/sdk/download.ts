import { createHash } from 'node:crypto';
import { ReadableStream } from 'node:stream/web';
import type { ReadableStreamDefaultReader } from 'node:stream/web';
import { ArtifactError } from '../domain/errors.js';
import { abortedError } from '../transfer/aborted.js';
import { networkError } from './http.js';
import type { Api } from './http.js';
import type { DownloadOptions } from './service.js';

/** A connection that breaks is taken up again this often without a new byte in between. */
const MAX_RESUMES = 5;

type ByteReader = ReadableStreamDefaultReader<Uint8Array>;

/** See `ArtifactService.downloadArtifact`. Resolves once the first answer has come. */
export async function openDownload(
  api: Api,
  artifactId: string,
  options: DownloadOptions,
): Promise<ReadableStream<Uint8Array>> {
  const download = new Download(api, artifactId, options);
  await download.open();
  return new ReadableStream<Uint8Array>(
    { pull: (controller) => download.pull(controller), cancel: () => download.cancel() },
    { highWaterMark: 0 },
  );
}

class Download {
  readonly #api: Api;
  readonly #path: string;
  readonly #isWhole: boolean;
  readonly #start: number;
  readonly #end: number | undefined;
  readonly #callers: AbortSignal | undefined;
  readonly #own = new AbortController();
  readonly #signal: AbortSignal;
  readonly #hash = createHash('sha256');
  #reader: ByteReader | undefined;
  /** Of the whole file, lower-case hex: the ETag of the first answer. */
  #sha256: string | undefined;
  /** Bytes of this download; known from the first answer. */
  #sizeBytes = 0;
  #receivedBytes = 0;
  #resumes = 0;

  constructor(api: Api, artifactId: string, options: DownloadOptions) {
    this.#api = api;
    this.#path = `/v1/artifacts/${artifactId}/content${options.force === true ? '?force=true' : ''}`;
    this.#isWhole = options.range === undefined;
    this.#start = options.range?.start ?? 0;
    this.#end = options.range?.end;
    this.#callers = options.signal;
    this.#signal = AbortSignal.any([this.#own.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  }

  async open(): Promise<void> {
    const from = this.#start + this.#receivedBytes;
    const isPlain = this.#isWhole && from === 0;
    const response = await this.#api.open(
      this.#path,
      // Not compressed: the hash and the ranges are those of the file.
      { 'accept-encoding': 'identity', ...(isPlain ? {} : { range: `bytes=${from}-${this.#end ?? ''}` }) },
      this.#signal,
    );
    if (!isPlain && response.status !== 206) {
      await response.body?.cancel();
      throw new ArtifactError('internal', `The API answered ${response.status} to a request for a range`);
    }
    if (this.#receivedBytes === 0) {
      this.#sizeBytes = Number(response.headers.get('content-length') ?? 0);
      this.#sha256 = /^"([0-9a-f]{64})"$/.exec(response.headers.get('etag') ?? '')?.[1];
    }
    this.#reader = response.body?.getReader();
  }

  async pull(controller: { enqueue: (chunk: Uint8Array) => void; close: () => void }): Promise<void> {
    const chunk = await this.#next();
    if (chunk !== null) {
      if (this.#isWhole) this.#hash.update(chunk);
      controller.enqueue(chunk);
      return;
    }
    this.#compare();
    controller.close();
  }

  async cancel(): Promise<void> {
    this.#own.abort();
    await this.#reader?.cancel().catch(() => undefined);
  }

  /** The next bytes, over a new connection if the old one broke; null at the end. */
  async #next(): Promise<Uint8Array | null> {
    for (;;) {
      try {
        const chunk = (await this.#reader?.read())?.value;
        if (chunk !== undefined) {
          this.#receivedBytes += chunk.length;
          this.#resumes = 0;
          return chunk;
        }
        if (this.#receivedBytes >= this.#sizeBytes) return null;
        throw new Error('the connection ended early');
      } catch (error) {
        if (this.#callers?.aborted === true) throw abortedError(this.#callers);
        this.#resumes += 1;
        if (this.#resumes > MAX_RESUMES) throw networkError('download', error, this.#callers);
        await this.open();
      }
    }
  }

  #compare(): void {
    if (!this.#isWhole || this.#sha256 === undefined) return;
    const actual = this.#hash.digest('hex');
    if (actual !== this.#sha256 || this.#receivedBytes !== this.#sizeBytes)
      throw new ArtifactError('download_corrupted', 'The downloaded bytes are not the bytes of the artifact', {
        details: { expected: this.#sha256, actual },
      });
  }
}
