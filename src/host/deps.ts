import type { UploadStore } from '../storage/object-store.js';
import type { LifecycleClient } from '../temporal/lifecycle-client.js';
import type { PartMemory } from '../transfer/part-memory.js';
import type { StoreConnections } from '../transfer/put.js';
import type { RetryPolicy } from '../transfer/retry.js';
import type { Places } from './places.js';
import type { Roots } from './roots.js';

/** What the activities of an upload worker work with. Filled once per process, in `src/host-worker.ts` and in tests. */
export interface HostDeps {
  /** The one tenant whose executions may be given files of this host. */
  tenantId: string;
  roots: Roots;
  store: Pick<UploadStore, 'presignPut' | 'presignPart' | 'listParts'>;
  lifecycle: Pick<LifecycleClient, 'beginUpload' | 'completeUpload' | 'abortUpload'>;
  connections: StoreConnections;
  /** Of the parts of large files, and of whatever is not tiny. */
  memory: PartMemory;
  limits: HostLimits;
  /** Life of a signed request; those who sweep after an upload wait for it (PRESIGN_UPLOAD_SECONDS). */
  signedSeconds: number;
  /** Of one request to the store or to Temporal. What fails for longer fails the attempt, and Temporal tries again. */
  retry: RetryPolicy;
  log: HostLog;
}

/** Of the whole process, however many activities run. */
export interface HostLimits {
  smallFiles: Places;
  largeFiles: Places;
}

/** Structured lines; pino is one. */
export interface HostLog {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
}
