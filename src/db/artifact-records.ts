import type { ArtifactFilters } from '../domain/artifact-filters.js';
import type { ArtifactRecord, AuditEvent, RecordPatch } from '../domain/artifact-record.js';
import type { NewUpload } from '../domain/new-upload.js';
import type { Quotas, TierUsage } from '../domain/quotas.js';
import type { LifePolicy } from '../domain/policy.js';
import type { AccessCounts } from './access.js';
import type { ExecutionDeletionReads, ExecutionDeletions } from './execution-deletions.js';
import type { PublicationReads, Publications } from './publications.js';

/** What is known about artifacts, in Postgres. Database errors become `database_unavailable` or bugs; absence is `null`. */
export interface ArtifactRecords extends ArtifactReads, AccessCounts, ExecutionDeletions, Publications {
  /**
   * Inserts the row and its `upload_begun` event; creates the execution for this tenant when it does not exist yet.
   * Safe to repeat: the same id answers with the row as it is. Retention is chosen here, in the same transaction that reads
   * the execution's: own > execution's > default.
   * @throws `path_taken` (details `artifactId`) when another row that is not DELETED has the path,
   * `execution_not_found` when the execution belongs to another tenant, `publication_over` when it is to wait for a publication that
   * is not open.
   */
  register(artifact: NewArtifact): Promise<ArtifactRecord>;
  /**
   * Applies a patch and appends its event in one transaction, and answers with the row.
   * Safe to repeat: the same event since `changeNumber`, of the same time or with nothing after it about the same matter, means that the change
   * was written, and changes nothing. Another one means that a change was written whose answer was lost: this one follows it, unless it is the
   * older of the two, or the other one has to do with a deletion that this one does not know of: then it is refused.
   * A row that is behind what the change builds on, as one of an older backup, is first brought up to `known`, with a `repaired` event of its
   * own. No number of the audit is used twice: a change whose number is taken is given the next that is free.
   * @throws `artifact_deleted` for the latter, `artifact_not_found` when the row is gone (its execution was deleted), `path_taken`
   * when a DELETED row would come back to a path that another one has now.
   */
  change(change: RecordChange): Promise<ArtifactRecord>;
  /**
   * Sets the retention of an execution, which is created for this tenant when it does not exist yet. Waits for registrations that
   * run, so that those which read the old value are found by `listInheritors` afterwards.
   * @throws `execution_not_found` when it belongs to another tenant.
   */
  setExecutionRetention(retention: ExecutionRetention): Promise<void>;
  /**
   * Sets the multipart upload id unless one is set already; answers with the one that counts.
   * @throws `artifact_not_found`; `not_uploading`: then the upload just created must be aborted by its creator.
   */
  attachUpload(artifactId: string, uploadId: string): Promise<string>;
  /**
   * Makes a row again that is lost, from what is known of it elsewhere, with a `row_restored` event after all that the audit still has of it:
   * the number of that event is its new revision, and everything else is as given. Creates the execution for the record's tenant when that is
   * not there. Safe to repeat: a row that is there is answered as it is. No quota refuses it.
   * @throws `path_taken` (details `artifactId`) when another row that is not DELETED has the path, `execution_not_found` when the execution
   * belongs to another tenant.
   */
  restoreRow(record: ArtifactRecord, restoration: RowRestoration): Promise<ArtifactRecord>;
}

export interface RowRestoration {
  actor: string;
  /** From which evidence, for the audit. */
  detail: Record<string, unknown>;
  /** Of the execution, if it is made; absent or null: not known, or the default. */
  retentionDays?: number | null;
}

export interface ArtifactReads extends ExecutionDeletionReads, PublicationReads {
  /**
   * Living artifacts of an execution that inherit their retention and have another than these days, by id.
   * @param afterId the last id of the page before, or null.
   */
  listInheritors(query: InheritorsQuery): Promise<string[]>;
  /** One that waits for its publication too: whoever shows it to others must look at `awaitsPublication`. */
  get(artifactId: string): Promise<ArtifactRecord | null>;
  /** The row that is not DELETED under this path; none that waits for its publication, nor do lists have those. */
  findByPath(executionId: string, path: string): Promise<ArtifactRecord | null>;
  getExecution(executionId: string): Promise<ExecutionRecord | null>;
  /**
   * Of an execution; newest first unless asked otherwise, keyset pages. A page looks at 50 rows for each that it may have: when few of
   * them match, it is short, or empty, and not the last one. In the orders by size and expiry, what changes meanwhile may be seen twice, or not at
   * all. @throws `invalid_cursor`.
   */
  list(query: ListQuery): Promise<Page<ArtifactRecord>>;
  /** As {@link list}, over the executions of a tenant. @throws `invalid_cursor`. */
  search(query: SearchQuery): Promise<Page<ArtifactRecord>>;
  /**
   * Artifacts of a tenant to which something may happen by itself until then: none of those is missing, a few others may be there
   * (`previewOf` decides). By execution, in each the soonest first; keyset pages. @throws `invalid_cursor`.
   */
  listUpcoming(query: UpcomingQuery): Promise<Page<ArtifactRecord>>;
  /** What counts for the quotas, by tier: exact as soon as a change is committed. Waits for no change. */
  usage(query: UsageQuery): Promise<TierUsage>;
  /** The audit of one artifact, oldest first. */
  history(artifactId: string): Promise<RecordedEvent[]>;
  /**
   * Whether this database was made after that moment, and what had been lost before it has not been made again since (`artifacts rebuild`):
   * then it says nothing that it does not know something of before.
   */
  isYoungerThan(atMs: number): Promise<boolean>;
  /** @throws `database_unavailable`; `database_not_migrated` when a migration of this version is missing. */
  ping(): Promise<void>;
}

/** An upload as it is registered: with what was chosen for it. */
export interface NewArtifact extends Omit<NewUpload, 'artifactId'> {
  id: string;
  key: string;
  /** Used when neither the upload nor the execution says anything. */
  defaultRetentionDays: number;
  policy: LifePolicy;
  /** Default: none. */
  quotas?: Quotas;
  partSizeBytes: number | null;
  createdAtMs: number;
  uploadDeadlineMs: number;
}

export interface RecordChange {
  artifactId: string;
  /** The revision of the row that this builds on, plus one; 0 is the registration. */
  changeNumber: number;
  atMs: number;
  patch: RecordPatch;
  event: AuditEvent;
  /** The row as whoever changes it knows it; absent: not known. */
  known?: ArtifactRecord;
  /** Of a change that brings bytes nobody counted before: an upload whose size was not known is complete. */
  quotas?: Quotas;
}

export interface ExecutionRecord {
  id: string;
  tenantId: string;
  /** Null: the default counts. */
  retentionDays: number | null;
  createdAtMs: number;
}

export interface ExecutionRetention {
  executionId: string;
  tenantId: string;
  days: number;
}

export interface InheritorsQuery {
  executionId: string;
  days: number;
  afterId: string | null;
  limit: number;
}

interface PageQuery extends ArtifactFilters {
  /** 1 to 200. */
  limit: number;
  /** From the page before, of the same list: same scope, filters and order. */
  cursor?: string;
}

export interface ListQuery extends PageQuery {
  executionId: string;
}

export interface SearchQuery extends PageQuery {
  tenantId: string;
  /** Null: every execution of the tenant. Those of others are as if they had none. */
  executionIds: readonly string[] | null;
}

/** Of an execution; or of a tenant: all of it (null), or what is counted for some of its executions. */
export type UsageQuery = { executionId: string } | Pick<SearchQuery, 'tenantId' | 'executionIds'>;

export interface UpcomingQuery {
  tenantId: string;
  /** Null: every execution of the tenant. */
  executionIds: readonly string[] | null;
  untilMs: number;
  /** 1 to 1,000. */
  limit: number;
  /** From the page before. */
  cursor?: string;
}

export interface Page<T> {
  items: T[];
  /** Null on the last page. */
  nextCursor: string | null;
}

export interface RecordedEvent extends AuditEvent {
  changeNumber: number;
  atMs: number;
}
