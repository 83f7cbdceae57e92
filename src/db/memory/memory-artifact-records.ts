import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { decidedBefore } from '../../domain/decided-before.js';
import { ArtifactError } from '../../domain/errors.js';
import type { DeletionCounts } from '../../domain/execution-deletion.js';
import { pathOfKey } from '../../domain/keys.js';
import { NO_QUOTAS, type TierUsage } from '../../domain/quotas.js';
import { caughtUp } from '../../domain/repair-changes.js';
import { inherits } from '../../domain/retention.js';
import type { Downloads } from '../access.js';
import type {
  ArtifactRecords,
  ExecutionRecord,
  ExecutionRetention,
  InheritorsQuery,
  ListQuery,
  NewArtifact,
  Page,
  RecordChange,
  RecordedEvent,
  RowRestoration,
  SearchQuery,
  UpcomingQuery,
  UsageQuery,
} from '../artifact-records.js';
import type {
  DeletionScope,
  ExecutionDeletion,
  FinishedRun,
  NewExecutionDeletion,
  UndeletedQuery,
} from '../execution-deletions.js';
import {
  pathTaken,
  type AwaitingQuery,
  type NewPublication,
  type Publication,
  type PublicationCommit,
  type PublicationKey,
  type PublicationState,
} from '../publications.js';
import { addToRecords } from './access.js';
import { MemoryExecutionDeletions, type Registered } from './memory-execution-deletions.js';
import { listPage, usageOf } from './lists.js';
import { MemoryPublications } from './memory-publications.js';
import { newRecord } from './new-record.js';
import { requireRoom } from './room.js';
import { upcomingPage } from './upcoming.js';
import { writtenBefore } from './written-before.js';

/**
 * The rows of artifacts in memory, for tests that need no Postgres. Passes the same contract suite. Records are copies: what a
 * caller does to an answer changes nothing here.
 */
export class MemoryArtifactRecords implements ArtifactRecords {
  /** Later than what is asked about: as a database that was made anew, and not rebuilt. */
  bornAtMs = 0;
  readonly #artifacts = new Map<string, ArtifactRecord>();
  readonly #executions = new Map<string, ExecutionRecord>();
  readonly #events = new Map<string, RecordedEvent[]>();
  /** Ids in the order of their registration. */
  readonly #registered: string[] = [];
  readonly #deletions = new MemoryExecutionDeletions((executionId) => this.#inOrder(executionId));

  readonly #publications = new MemoryPublications(this.#artifacts, ({ executionId, tenantId, atMs }) => {
    this.#executions.set(executionId, this.#joined({ executionId, tenantId, createdAtMs: atMs }));
  });

  /** Creates or replaces an execution, as the feature that owns executions would. */
  putExecution(execution: ExecutionRecord): void {
    this.#executions.set(execution.id, { ...execution });
  }

  /** Deletes an execution with its artifacts, as ON DELETE CASCADE does; the audit stays. */
  deleteExecution(executionId: string): void {
    this.#executions.delete(executionId);
    for (const [id, record] of this.#artifacts) if (record.executionId === executionId) this.#artifacts.delete(id);
  }

  /** All of them, of everybody, in the order of their registration. */
  readonly everyRow = (): Promise<ArtifactRecord[]> => inOneStep(() => [...this.#artifacts.values()]);
  /** Changes a row behind everybody's back, as somebody with access to the database might. */
  readonly injure = (id: string, patch: Partial<ArtifactRecord>): unknown =>
    this.#artifacts.set(id, { ...this.#existing(id), ...patch });

  register(artifact: NewArtifact): Promise<ArtifactRecord> {
    return inOneStep(() => this.#register(artifact));
  }

  change(change: RecordChange): Promise<ArtifactRecord> {
    return inOneStep(() => this.#change(change));
  }

  attachUpload(artifactId: string, uploadId: string): Promise<string> {
    return inOneStep(() => this.#attachUpload(artifactId, uploadId));
  }

  restoreRow(record: ArtifactRecord, restoration: RowRestoration): Promise<ArtifactRecord> {
    return inOneStep(() => this.#restoreRow(record, restoration));
  }

  setExecutionRetention(retention: ExecutionRetention): Promise<void> {
    return inOneStep(() => this.#setExecutionRetention(retention));
  }

  listInheritors({ executionId, days, afterId, limit }: InheritorsQuery): Promise<string[]> {
    return inOneStep(() =>
      this.#living(executionId)
        .filter(({ retention, deletionReason }) => {
          const follows = retention.rule === 'execution' && retention.days === days;
          return deletionReason === null && inherits(retention) && !follows;
        })
        .map(({ id }) => id)
        .filter((id) => afterId === null || id > afterId)
        .sort()
        .slice(0, limit),
    );
  }

  beginExecutionDeletion(deletion: NewExecutionDeletion): Promise<DeletionScope> {
    return inOneStep(() => this.#deletions.begin(deletion));
  }

  getExecutionDeletion(executionId: string, id: string): Promise<ExecutionDeletion | null> {
    return inOneStep(() => this.#deletions.get(executionId, id));
  }

  listUndeleted(query: UndeletedQuery): Promise<{ id: string; ordinal: number }[]> {
    return inOneStep(() => this.#deletions.listUndeleted(query));
  }

  countDeletion(scope: DeletionScope): Promise<DeletionCounts> {
    return inOneStep(() => this.#deletions.count(scope));
  }

  finishExecutionDeletions(run: FinishedRun): Promise<void> {
    return inOneStep(() => this.#deletions.finish(run));
  }

  beginPublication(publication: NewPublication): Promise<Publication> {
    return inOneStep(() => this.#publications.begin(publication));
  }

  getPublication(key: PublicationKey): Promise<Publication | null> {
    return inOneStep(() => this.#publications.get(key));
  }

  listByPaths(executionId: string, paths: string[]): Promise<ArtifactRecord[]> {
    return inOneStep(() => this.#living(executionId).filter(({ path }) => paths.includes(path)));
  }

  commitPublication(commit: PublicationCommit): Promise<void> {
    return inOneStep(() => this.#publications.commit(commit));
  }

  abandonPublication(key: PublicationKey): Promise<PublicationState> {
    return inOneStep(() => this.#publications.abandon(key));
  }

  listAwaiting(query: AwaitingQuery): Promise<string[]> {
    return inOneStep(() => this.#publications.listAwaiting(query));
  }

  listUntold(query: PublicationKey & { limit: number }): Promise<ArtifactRecord[]> {
    return inOneStep(() => this.#publications.listUntold(query));
  }

  markTold(artifactIds: string[]): Promise<void> {
    return inOneStep(() => this.#publications.markTold(artifactIds));
  }

  finishPublication(end: Parameters<ArtifactRecords['finishPublication']>[0]): Promise<void> {
    return inOneStep(() => this.#publications.finish(end));
  }

  get(artifactId: string): Promise<ArtifactRecord | null> {
    return inOneStep(() => this.#artifacts.get(artifactId) ?? null);
  }

  findByPath(executionId: string, path: string): Promise<ArtifactRecord | null> {
    return inOneStep(() => this.#living(executionId).find((record) => record.path === path && isSeen(record)) ?? null);
  }

  getExecution(executionId: string): Promise<ExecutionRecord | null> {
    return inOneStep(() => this.#executions.get(executionId) ?? null);
  }

  list(query: ListQuery): Promise<Page<ArtifactRecord>> {
    return inOneStep(() => listPage([...this.#artifacts.values()].filter(isSeen), query));
  }

  search(query: SearchQuery): Promise<Page<ArtifactRecord>> {
    return inOneStep(() => listPage([...this.#artifacts.values()].filter(isSeen), query));
  }

  usage(query: UsageQuery): Promise<TierUsage> {
    return inOneStep(() => usageOf([...this.#artifacts.values()], query));
  }

  listUpcoming(query: UpcomingQuery): Promise<Page<ArtifactRecord>> {
    return inOneStep(() => upcomingPage([...this.#artifacts.values()].filter(isSeen), query));
  }

  history(artifactId: string): Promise<RecordedEvent[]> {
    return inOneStep(() => [...(this.#events.get(artifactId) ?? [])].sort((a, b) => a.changeNumber - b.changeNumber));
  }

  addDownloads(batch: readonly Downloads[]): Promise<Downloads[]> {
    return inOneStep(() => addToRecords(this.#artifacts, batch));
  }

  isYoungerThan(atMs: number): Promise<boolean> {
    return Promise.resolve(this.bornAtMs > atMs);
  }

  async ping(): Promise<void> {
    // Memory always answers.
  }

  #setExecutionRetention({ executionId, tenantId, days }: ExecutionRetention): void {
    const execution = this.#executions.get(executionId);
    if (execution !== undefined && execution.tenantId !== tenantId)
      throw new ArtifactError('execution_not_found', `There is no execution ${executionId}`);
    const createdAtMs = execution?.createdAtMs ?? Date.now();
    this.#executions.set(executionId, { id: executionId, tenantId, createdAtMs, retentionDays: days });
  }

  #register(artifact: NewArtifact): ArtifactRecord {
    const { id, executionId, tenantId, createdAtMs } = artifact;
    const execution = this.#joined({ executionId, tenantId, createdAtMs });
    const own = this.#artifacts.get(id);
    if (own?.executionId === executionId) return own;
    if (own !== undefined)
      throw new Error(`Artifact ${id} could not be registered: its id belongs to another execution`);
    if (typeof artifact.publicationId === 'string')
      this.#publications.requireOpen({ executionId, id: artifact.publicationId });
    const holder = this.#holder(executionId, artifact.key);
    if (holder !== undefined) throw pathTaken(artifact.path, holder);
    const record = newRecord(artifact, execution);
    requireRoom(this.#artifacts.values(), record, artifact.quotas ?? NO_QUOTAS, {
      artifacts: 1,
      bytes: record.sizeBytes ?? 0,
    });
    const { path, sizeBytes, sha256, mimeType, retention } = record;
    this.#executions.set(executionId, execution);
    this.#artifacts.set(id, record);
    this.#registered.push(id);
    this.#events.set(id, [
      {
        changeNumber: 0,
        atMs: createdAtMs,
        kind: 'upload_begun',
        actor: artifact.actor,
        detail: structuredClone({
          ...{ path, sizeBytes, sha256, mimeType, retention },
          ...(artifact.requestId === undefined ? {} : { requestId: artifact.requestId }),
        }),
      },
    ]);
    return record;
  }

  #restoreRow(record: ArtifactRecord, { retentionDays = null, ...event }: RowRestoration): ArtifactRecord {
    const { id, executionId, tenantId, createdAtMs } = record;
    const execution = this.#joined({ executionId, tenantId, createdAtMs, retentionDays });
    const own = this.#artifacts.get(id);
    if (own !== undefined) return own;
    const holder = record.status === 'DELETED' ? undefined : this.#holder(executionId, record.key);
    if (holder !== undefined) throw pathTaken(record.path, holder);
    const events = this.#events.get(id) ?? [];
    const revision = Math.max(record.revision, ...events.map(({ changeNumber }) => changeNumber)) + 1;
    const restored = { ...structuredClone(record), revision };
    this.#executions.set(executionId, execution);
    this.#artifacts.set(id, restored);
    if (!this.#registered.includes(id)) this.#registered.push(id);
    const restoredEvent = { changeNumber: revision, atMs: Date.now(), kind: 'row_restored' as const, ...event };
    this.#events.set(id, [...events, structuredClone(restoredEvent)]);
    return restored;
  }

  /** It as it is, or as it is created for this tenant. */
  #joined({ executionId, tenantId, createdAtMs, retentionDays = null }: Joining): ExecutionRecord {
    const created = { id: executionId, tenantId, retentionDays, createdAtMs };
    const execution: ExecutionRecord = this.#executions.get(executionId) ?? created;
    if (execution.tenantId !== tenantId)
      throw new ArtifactError('execution_not_found', `There is no execution ${executionId}`);
    return execution;
  }

  #change(change: RecordChange): ArtifactRecord {
    const { artifactId, changeNumber, atMs, event, known } = change;
    let record = this.#existing(artifactId);
    const events = this.#events.get(artifactId) ?? [];
    const decided = decidedBefore(record, change, writtenBefore(events, event));
    if (decided !== null) return decided;
    const last = events.at(-1)?.changeNumber ?? -1;
    if (record.revision < changeNumber - 1 && known !== undefined && event.kind !== 'repaired') {
      const revision = Math.max(changeNumber - 1, last + 1);
      record = this.#write(record, { atMs, ...caughtUp(record, known) }, revision);
    }
    const taken = Math.max(record.revision, events.at(-1)?.changeNumber ?? -1, changeNumber - 1);
    return this.#write(record, change, taken + 1);
  }

  #write(
    record: ArtifactRecord,
    { atMs, patch, event, quotas }: Pick<RecordChange, 'atMs' | 'patch' | 'event' | 'quotas'>,
    revision: number,
  ): ArtifactRecord {
    const { id: artifactId } = record;
    const events = this.#events.get(artifactId) ?? [];
    const path = patch.key === undefined ? record.path : pathOfKey(patch.key);
    const changed = { ...record, ...structuredClone(patch), path, revision, updatedAtMs: atMs };
    const holder = this.#holder(record.executionId, changed.key);
    if (changed.status !== 'DELETED' && holder !== undefined && holder.id !== artifactId)
      throw new ArtifactError('path_taken', `Could not change the artifact: another artifact has its path`);
    const bytes = (changed.sizeBytes ?? 0) - (record.sizeBytes ?? 0);
    if (quotas !== undefined && bytes > 0)
      requireRoom(this.#artifacts.values(), record, quotas, { artifacts: 0, bytes });
    this.#artifacts.set(artifactId, changed);
    events.push({ changeNumber: revision, atMs, ...structuredClone(event) });
    return changed;
  }

  #attachUpload(artifactId: string, uploadId: string): string {
    const record = this.#existing(artifactId);
    if (record.status !== 'UPLOADING')
      throw new ArtifactError('not_uploading', `Artifact ${artifactId} is ${record.status}`);
    record.uploadId ??= uploadId;
    return record.uploadId;
  }

  #existing(artifactId: string): ArtifactRecord {
    const record = this.#artifacts.get(artifactId);
    if (record === undefined) throw new ArtifactError('artifact_not_found', `There is no artifact ${artifactId}`);
    return record;
  }

  #living(executionId: string): ArtifactRecord[] {
    return [...this.#artifacts.values()].filter(
      (record) => record.executionId === executionId && record.status !== 'DELETED',
    );
  }

  #inOrder(executionId: string): Registered[] | null {
    if (!this.#executions.has(executionId)) return null;
    return this.#registered.flatMap((id, index) => {
      const record = this.#artifacts.get(id);
      if (record?.executionId !== executionId) return [];
      return [{ ordinal: index + 1, record, events: this.#events.get(id) ?? [] }];
    });
  }

  #holder(executionId: string, key: string): ArtifactRecord | undefined {
    return this.#living(executionId).find((record) => record.key === key);
  }
}

type Joining = Pick<NewArtifact, 'executionId' | 'tenantId' | 'createdAtMs'> & Pick<RowRestoration, 'retentionDays'>;

/** Runs a step that nothing interleaves with; failures reject, answers are copies. */
const inOneStep = <T>(step: () => T): Promise<T> => Promise.resolve().then(() => structuredClone(step()));

const isSeen = ({ awaitsPublication }: ArtifactRecord): boolean => awaitsPublication === null;
