import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { MINUTE_MS, SECOND_MS } from '../domain/units.js';
import type { ApiDeps } from './api-deps.js';
import type { DownloadCounter, DownloadPart } from './download-counter.js';

/** A Fastify instance whose handlers get their types from the TypeBox schemas of their route. */
export type Api = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What handlers work with. */
export interface ApiContext extends Pick<
  ApiDeps,
  'records' | 'shares' | 'reconciliations' | 'store' | 'lifecycle' | 'publications' | 'config'
> {
  nowMs: () => number;
  isDraining: () => boolean;
  cutUploads: AbortSignal;
  uploadStallMs: number;
  eventPollMs: number;
  mostListeners: number;
  /** `store.checkBucket()`, asked again only 10 s after it was fine. @throws as that. */
  requireBucket: () => Promise<void>;
  /**
   * Notes that an artifact is given out: when its bytes begin to flow, or a URL to them is handed out (whether that is used, nobody tells
   * us). Costs nothing: it is written later, many at once.
   */
  countDownload: (record: Pick<ArtifactRecord, 'id'>, part?: DownloadPart) => void;
}

/** How long a bucket that was fine is not asked again. */
const BUCKET_FINE_MS = 10 * SECOND_MS;
const MOST_LISTENERS = 1_000;
const UPLOAD_STALL_MS = MINUTE_MS;

export function createContext(deps: ApiDeps, downloads: DownloadCounter): ApiContext {
  const { records, shares, reconciliations, store, lifecycle, publications, config } = deps;
  const nowMs = deps.nowMs ?? Date.now;
  let fineUntilMs = Number.NEGATIVE_INFINITY;
  return {
    records,
    shares,
    reconciliations,
    store,
    lifecycle,
    publications,
    config,
    nowMs,
    isDraining: deps.isDraining ?? (() => false),
    cutUploads: deps.cutUploads ?? new AbortController().signal,
    eventPollMs: deps.eventPollMs ?? SECOND_MS,
    mostListeners: deps.mostListeners ?? MOST_LISTENERS,
    uploadStallMs: deps.uploadStallMs ?? UPLOAD_STALL_MS,
    countDownload: ({ id }, part) => downloads.count(id, part),
    requireBucket: async () => {
      if (nowMs() < fineUntilMs) return;
      await store.checkBucket();
      fineUntilMs = nowMs() + BUCKET_FINE_MS;
    },
  };
}
