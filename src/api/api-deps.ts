import type { Config } from '../config.js';
import type { AccessCounts } from '../db/access.js';
import type { ArtifactReads } from '../db/artifact-records.js';
import type { Reconciliations } from '../db/reconciliations.js';
import type { Shares } from '../db/shares.js';
import type { DownloadStore, ObjectKeeper, ObjectStore, UploadStore } from '../storage/object-store.js';
import type { LifecycleClient } from '../temporal/lifecycle-client.js';
import type { PublicationClient } from '../temporal/publication-client.js';

/** What the API asks of the object store: it signs, streams and looks; it writes what is put through it, and never deletes. */
export type ApiStore = Pick<UploadStore, 'presignPut' | 'presignPart' | 'listParts' | 'put' | 'sendParts'> &
  DownloadStore &
  Pick<ObjectKeeper, 'head'> &
  Pick<ObjectStore, 'checkBucket'>;

/** The variables the API reads. */
export type ApiConfig = Pick<
  Config,
  | 'AUTH_JWT_SECRET'
  | 'AUTH_JWKS_URL'
  | 'AUTH_ISSUER'
  | 'AUTH_AUDIENCE'
  | 'PRESIGN_UPLOAD_SECONDS'
  | 'PRESIGN_DOWNLOAD_MAX_SECONDS'
  | 'PROXIED_UPLOADS_AT_ONCE'
  | 'BUNDLES_AT_ONCE'
  | 'PUBLISH_HOST_TIMEOUT_SECONDS'
  | 'EXECUTION_MAX_ARTIFACTS'
  | 'EXECUTION_MAX_BYTES'
  | 'TENANT_MAX_ARTIFACTS'
  | 'TENANT_MAX_BYTES'
  | 'GIT_COMMIT'
  | 'API_HOST'
  | 'API_PORT'
  | 'API_CORS_ORIGINS'
  | 'API_PUBLIC_URL'
  | 'API_REQUESTS_PER_MINUTE'
  | 'API_LINK_REQUESTS_PER_MINUTE'
  | 'SHARE_DEFAULT_DAYS'
  | 'SHARE_MAX_DAYS'
>;

export interface LogOptions {
  /** Default `info`. */
  level?: Config['LOG_LEVEL'];
  /** Where lines go; default standard output. */
  stream?: { write(line: string): void };
}

/** Everything the API is built from. All of it is opened and closed by the caller. */
export interface ApiDeps {
  records: ArtifactReads & AccessCounts;
  shares: Shares;
  reconciliations: Pick<Reconciliations, 'latest' | 'get' | 'listFindings'>;
  store: ApiStore;
  lifecycle: LifecycleClient;
  publications: PublicationClient;
  config: ApiConfig;
  /** Default: info to standard output. */
  log?: LogOptions;
  /** Epoch milliseconds; default `Date.now`. */
  nowMs?: () => number;
  /** True once the process is about to stop: `/readyz` then answers 503 so that no new work is sent. Default: never. */
  isDraining?: () => boolean;
  /** Fires when uploads that still run must end, because the process does. Default: never. */
  cutUploads?: AbortSignal;
  /** A client that sends nothing for so long in the middle of an upload is given up. Default 60,000. */
  uploadStallMs?: number;
  /** How often an upload is looked at while somebody listens to its events. Default 1,000. */
  eventPollMs?: number;
  /** Listeners to events at once; each is a socket and a few KiB. Default 1,000. */
  mostListeners?: number;
}
