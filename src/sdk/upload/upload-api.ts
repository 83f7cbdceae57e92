import { MINUTE_MS, SECOND_MS } from '../../domain/units.js';
import type { Api } from '../http.js';
import type { UploadArtifactOptions } from '../service.js';
import { throwIfAborted } from '../../transfer/aborted.js';
import { withRetry } from '../../transfer/retry.js';
import type { RetryPolicy } from '../../transfer/retry.js';
import type { Content, PartDigest } from '../../transfer/part.js';
import { toArtifact } from '../wire.js';
import type {
  Artifact,
  ArtifactAnswerJson,
  ArtifactJson,
  BeginUploadJson,
  ReceivedPartJson,
  SignedPartsJson,
  SignedRequestJson,
  UploadStatusJson,
} from '../wire.js';

/** Completing may read the whole object back: it is asked again for as long as the API says that it is not finished. */
const COMPLETE_RETRY: RetryPolicy = {
  tries: 1_000,
  budgetMs: 30 * MINUTE_MS,
  firstDelayMs: 200,
  maxDelayMs: 5 * SECOND_MS,
};
/** How long the answer to a begin is waited for after the caller gave up. */
const BEGIN_GRACE_MS = 5 * SECOND_MS;
/** Cleaning up after a failure must not hold its report up for long. */
const ABORT_RETRY: RetryPolicy = { tries: 2, budgetMs: 5 * SECOND_MS, firstDelayMs: 200, maxDelayMs: SECOND_MS };

/** What is known of the bytes before they are sent; nothing of a stream. */
export interface UploadClaim {
  sizeBytes?: number;
  sha256?: string;
  sourceModifiedAt?: Date;
}

export interface BeginUpload {
  options: UploadArtifactOptions;
  claim: UploadClaim;
  idempotencyKey: string;
}

/** The verbs of an upload, one HTTP call each. */
export class UploadApi {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  /**
   * A caller who gives up meanwhile waits for the answer a little longer: without it nobody would know the upload that may have
   * begun, and could not remove it. So this may succeed although the signal has fired.
   */
  async beginUpload(
    executionId: string,
    { options, claim, idempotencyKey }: BeginUpload,
    signal: AbortSignal,
  ): Promise<BeginUploadJson> {
    const { fileName, mimeType, type, tags, retentionDays, expiresAt, tiering, replace } = options;
    throwIfAborted(signal);
    const later = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const startTimer = (): void => {
      timer = setTimeout(() => later.abort(signal.reason), BEGIN_GRACE_MS);
    };
    signal.addEventListener('abort', startTimer, { once: true });
    try {
      return await this.#api.call({
        method: 'POST',
        path: `/v1/executions/${executionId}/artifacts`,
        headers: { 'idempotency-key': idempotencyKey },
        body: { fileName, mimeType, type, tags, retentionDays, expiresAt, tiering, replace, ...claim },
        signal: later.signal,
      });
    } finally {
      signal.removeEventListener('abort', startTimer);
      clearTimeout(timer);
    }
  }

  async signParts(
    artifactId: string,
    parts: PartDigest[],
    signal: AbortSignal,
  ): Promise<Map<number, SignedRequestJson>> {
    const answer = await this.#api.call<SignedPartsJson>({
      method: 'POST',
      path: `/v1/artifacts/${artifactId}/upload/parts`,
      body: { parts },
      signal,
    });
    return new Map(answer.parts.map(({ partNumber, request }) => [partNumber, request]));
  }

  /** Parts the store has already. */
  async receivedParts(artifactId: string, signal: AbortSignal): Promise<ReceivedPartJson[]> {
    const path = `/v1/artifacts/${artifactId}/upload`;
    const status = await this.#api.call<UploadStatusJson>({ method: 'GET', path, signal });
    return status.receivedParts;
  }

  /** The artifact, when its upload is complete. */
  async completed(artifactId: string, signal: AbortSignal): Promise<ArtifactJson | null> {
    const path = `/v1/artifacts/${artifactId}`;
    const { artifact } = await this.#api.call<ArtifactAnswerJson>({ method: 'GET', path, signal });
    return artifact.status === 'UPLOADING' || artifact.status === 'DELETED' ? null : artifact;
  }

  async completeUpload(artifactId: string, content: Content, signal: AbortSignal): Promise<Artifact> {
    const path = `/v1/artifacts/${artifactId}/upload/complete`;
    const answer = await withRetry(
      () => this.#api.call<ArtifactAnswerJson>({ method: 'POST', path, body: content, signal }),
      { policy: COMPLETE_RETRY, signal, isRetryable: (error) => error.code === 'not_yet_answered' },
    );
    return toArtifact(answer.artifact);
  }

  /** Without a signal: it runs when everything else has been given up. */
  async abortUpload(artifactId: string): Promise<void> {
    const path = `/v1/artifacts/${artifactId}/upload/abort`;
    await this.#api.call<ArtifactAnswerJson>({ method: 'POST', path, retry: ABORT_RETRY });
  }
}
