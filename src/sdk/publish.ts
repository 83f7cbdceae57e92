import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArtifactError, isErrorCode, type ErrorCode } from '../domain/errors.js';
import { requireUuid } from '../domain/ids.js';
import type {
  ListedFile,
  PublicationCounts,
  PublicationOutcome,
  PublicationPhase,
  PublishRequest,
} from '../domain/publish.js';
import { MINUTE_MS, SECOND_MS } from '../domain/units.js';
import { abortedError } from '../transfer/aborted.js';
import type { Api } from './http.js';

/** Between two questions how far it is; a short publication is asked about sooner. */
const FIRST_LOOK_MS = SECOND_MS / 5;
const LAST_LOOK_MS = 2 * SECOND_MS;
/** How long one question may stay without an answer. */
const PATIENCE_MS = 10 * MINUTE_MS;

/** What is to be published, and how. */
export interface PublishOptions extends Omit<PublishRequest, 'publicationId' | 'executionId' | 'tenantId' | 'actor'> {
  /** UUID; under the same one it is the same publication, also from another process. Made here when absent. */
  publicationId?: string;
}

/** How a call of `publish` behaves. */
export interface PublishCallOptions extends PublishOptions {
  /** Told how far it is, again and again. Must return quickly. */
  onProgress?: (publication: Publication) => void;
  /** Cancels the publication; the call throws `aborted`. */
  signal?: AbortSignal;
}

/** The JSON of a publication. */
export interface PublicationJson {
  publicationId: string;
  executionId: string;
  hostId: string;
  folder: string;
  allOrNothing: boolean;
  phase: PublicationPhase;
  outcome: PublicationOutcome | null;
  counts: PublicationCounts & { sendingBytes: number };
  files: ListedFile[];
  failures: { file: string; code: string; message: string }[];
  problem: { code: string; message: string } | null;
  beganAt: string;
  endedAt: string | null;
}

/** Where a publication is, and how it ended. */
export interface Publication extends Omit<PublicationJson, 'outcome' | 'problem' | 'beganAt' | 'endedAt'> {
  /**
   * Absent while it runs. `published`: all of it; `partial`: `failures` says what failed; `cancelled`: what was complete stays, unless it
   * was all or nothing; `failed`: nothing was published, or it was given up, see `problem`.
   */
  outcome?: PublicationOutcome;
  problem?: { code: string; message: string };
  beganAt: Date;
  endedAt?: Date;
}

const placeOf = (executionId: string): string => `/v1/executions/${requireUuid(executionId, 'execution id')}/publish`;
const placeOfOne = (executionId: string, publicationId: string): string =>
  `${placeOf(executionId)}/${requireUuid(publicationId, 'publication id')}`;

/** Starts it, or joins it. @returns its id. */
export async function startPublication(api: Api, executionId: string, options: PublishOptions): Promise<string> {
  const { hostId, folder, publicationId = randomUUID(), include, exclude } = options;
  const { tags, retentionDays, allOrNothing, replace } = options;
  const wish = { hostId, folder, publicationId, include, exclude, tags, retentionDays, allOrNothing, replace };
  await api.call<unknown>({ method: 'POST', path: placeOf(executionId), body: wish });
  return publicationId;
}

export async function getPublication(api: Api, executionId: string, publicationId: string): Promise<Publication> {
  return one(api, 'GET', placeOfOne(executionId, publicationId));
}

export async function cancelPublication(api: Api, executionId: string, publicationId: string): Promise<Publication> {
  return one(api, 'DELETE', placeOfOne(executionId, publicationId));
}

/** Starts it and waits for its end. @throws what it failed with as a whole, `aborted`, and as the API. */
export async function publish(
  api: Api,
  executionId: string,
  { onProgress, signal, ...options }: PublishCallOptions,
): Promise<Publication> {
  const isAborted = (): boolean => signal?.aborted === true;
  if (isAborted()) throw abortedError(signal);
  const { publicationId = randomUUID() } = options;
  await untilAnswered(signal, () => startPublication(api, executionId, { ...options, publicationId }));
  const place = placeOfOne(executionId, publicationId);
  for (let pauseMs = FIRST_LOOK_MS; ; pauseMs = Math.min(pauseMs * 1.5, LAST_LOOK_MS)) {
    if (isAborted()) {
      const ended = await one(api, 'DELETE', place);
      // It may have been faster.
      if (ended.outcome === undefined || ended.outcome === 'cancelled') throw abortedError(signal);
    }
    const publication = await untilAnswered(signal, () => one(api, 'GET', place));
    onProgress?.(publication);
    if (publication.outcome === 'failed') throw failureOf(publication);
    if (publication.outcome !== undefined) return publication;
    // Cut short by the signal, it looks at once what that means.
    await sleep(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

/**
 * Whoever is busy answers later; the publication goes on meanwhile, and under its id it is the same one.
 * @throws the last error, once nobody has answered for ten minutes.
 */
async function untilAnswered<T>(signal: AbortSignal | undefined, ask: () => Promise<T>): Promise<T> {
  const endsAtMs = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const isPassing = error instanceof ArtifactError && ['not_yet_answered', 'too_busy'].includes(error.code);
      if (!isPassing || Date.now() > endsAtMs || signal?.aborted === true) throw error;
    }
    await sleep(LAST_LOOK_MS, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
  }
}

async function one(api: Api, method: 'GET' | 'DELETE', path: string): Promise<Publication> {
  const { publication } = await api.call<{ publication: PublicationJson }>({ method, path });
  const { outcome, problem, beganAt, endedAt, ...same } = publication;
  return {
    ...same,
    ...(outcome === null ? {} : { outcome }),
    ...(problem === null ? {} : { problem }),
    beganAt: new Date(beganAt),
    ...(endedAt === null ? {} : { endedAt: new Date(endedAt) }),
  };
}

/** Why nothing, or not all of it, was published. */
function failureOf({ problem, publicationId, failures }: Publication): ArtifactError {
  const code: ErrorCode = problem !== undefined && isErrorCode(problem.code) ? problem.code : 'internal';
  const details = {
    publicationId,
    failures: failures.map(({ file, code, message }) => `${file}: ${code}: ${message}`),
  };
  return new ArtifactError(code, problem?.message ?? 'the publication failed', { details });
}
