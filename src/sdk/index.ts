/** The client library of the artifact store: what an agent job imports. */
export { ArtifactClient } from './client.js';
export type { ArtifactClientOptions } from './client.js';
export { fromFile } from './service.js';
export type {
  ArtifactService,
  DownloadOptions,
  ExecutionDeletionOptions,
  FileSource,
  HoldOptions,
  UploadArtifactOptions,
  UploadSource,
} from './service.js';
export type {
  Artifact,
  ArtifactHold,
  ArtifactRetention,
  ArtifactTiering,
  DownloadUrl,
  HistoryEntry,
  Plan,
  ReceivedPartJson,
  UploadEvent,
  UploadStatus,
} from './wire.js';
export type { ArtifactShare, ShareLink, ShareOptions } from './shares.js';
export type { ShareEnd } from '../domain/shares.js';
export type {
  DownloadedFile,
  ExecutionDownload,
  ExecutionDownloadOptions,
  FileDownloadProgress,
} from './download-execution.js';
export type { ListFilters, SearchFilters, StorageUsage } from './lists.js';
export type { DriftFinding, DriftTotal, LatestReconciliation } from './reconciliation.js';
export { LIST_SORTS } from '../domain/artifact-filters.js';
export type { ListSort } from '../domain/artifact-filters.js';
export { STORAGE_TIERS } from '../domain/tiers.js';
export type { Publication, PublishCallOptions, PublishOptions } from './publish.js';
export type { ArrivalProgress } from '../domain/upload-progress.js';
export type { PlannedAction, PlanPreview, PlanQuery, PlanTotals } from './plan-ahead.js';
export type { UploadProgress } from '../transfer/progress.js';
export type { ByteStream } from '../transfer/stream-cutter.js';
export type { TokenSource } from './http.js';
export type { RetryPolicy } from '../transfer/retry.js';
export { ARTIFACT_STATUSES, ARTIFACT_TYPES, ArtifactType, MAX_ARTIFACT_BYTES } from '../domain/artifact.js';
export type {
  ArtifactMetadata,
  ArtifactStatus,
  ChecksumState,
  DeletionReason,
  RestoreState,
  Tags,
  UploadOptions,
} from '../domain/artifact.js';
export type { DeletionCounts } from '../domain/execution-deletion.js';
export type { ListedFile, PublicationCounts, PublicationOutcome, PublicationPhase } from '../domain/publish.js';
export type { TagChanges } from '../domain/tags.js';
export type { Tiering } from '../domain/policy.js';
export { ArtifactError } from '../domain/errors.js';
export type { ErrorCode, ErrorDetails } from '../domain/errors.js';
export { RESTORE_TIERS } from '../domain/tiers.js';
export type { RestoreTier, StorageTier } from '../domain/tiers.js';
export { PREVIEWED_ACTIONS } from '../domain/preview.js';
export type { PreviewedAction } from '../domain/preview.js';
