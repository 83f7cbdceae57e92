import type { ArtifactRecord, AuditKind } from '../../domain/artifact-record.js';
import type { DeletionCounts } from '../../domain/execution-deletion.js';
import { ArtifactError } from '../../domain/errors.js';
import type { RecordedEvent } from '../artifact-records.js';
import type {
  DeletionScope,
  ExecutionDeletion,
  FinishedRun,
  NewExecutionDeletion,
  UndeletedQuery,
} from '../execution-deletions.js';

/** An artifact with its place in the order of registrations. */
export interface Registered {
  ordinal: number;
  record: ArtifactRecord;
  events: RecordedEvent[];
}

type Stored = Omit<ExecutionDeletion, 'counts'> & { counts: DeletionCounts | null };

/** The deletions of executions in memory; what they count is asked of whoever keeps the artifacts. */
export class MemoryExecutionDeletions {
  readonly #deletions: Stored[] = [];
  /** All artifacts of an execution in the order of their registration; null when there is no such execution. */
  readonly #artifactsOf: (executionId: string) => Registered[] | null;

  constructor(artifactsOf: (executionId: string) => Registered[] | null) {
    this.#artifactsOf = artifactsOf;
  }

  begin({ executionId, id, runId, atMs }: NewExecutionDeletion): DeletionScope {
    const artifacts = this.#artifactsOf(executionId);
    if (artifacts === null) throw new ArtifactError('execution_not_found', `There is no execution ${executionId}`);
    const existing = this.#find(executionId, id);
    if (existing !== undefined) return scopeOf(existing);
    const scope = { executionId, runId, lastOrdinal: artifacts.at(-1)?.ordinal ?? 0 };
    this.#deletions.push({ ...scope, id, begunAtMs: atMs, finishedAtMs: null, counts: null });
    return scope;
  }

  get(executionId: string, id: string): ExecutionDeletion | null {
    const deletion = this.#artifactsOf(executionId) === null ? undefined : this.#find(executionId, id);
    return deletion === undefined ? null : { ...deletion, counts: deletion.counts ?? this.count(deletion) };
  }

  listUndeleted({ afterOrdinal, limit, ...scope }: UndeletedQuery): { id: string; ordinal: number }[] {
    return this.#inScope(scope)
      .filter((artifact) => artifact.ordinal > afterOrdinal && isLeft(artifact, scope.runId))
      .slice(0, limit)
      .map(({ ordinal, record }) => ({ id: record.id, ordinal }));
  }

  count(scope: DeletionScope): DeletionCounts {
    const all = this.#artifactsOf(scope.executionId) ?? [];
    const living = this.#inScope(scope);
    const held = living.filter(({ record }) => isHeld(record)).length;
    const deleted = all.filter(({ events }) => says(events, 'deleted', scope.runId)).length;
    return { deleted, held, underWay: living.filter((one) => isLeft(one, scope.runId)).length, orphaned: 0 };
  }

  finish({ executionId, lastOrdinal, orphaned, atMs }: FinishedRun): void {
    for (const deletion of this.#deletions) {
      const isCovered = deletion.executionId === executionId && deletion.lastOrdinal <= lastOrdinal;
      if (!isCovered || deletion.finishedAtMs !== null) continue;
      const counts = this.count(deletion);
      const lost = Math.min(orphaned, counts.underWay);
      deletion.counts = { ...counts, underWay: counts.underWay - lost, orphaned: lost };
      deletion.finishedAtMs = atMs;
    }
  }

  #find(executionId: string, id: string): Stored | undefined {
    return this.#deletions.find((deletion) => deletion.executionId === executionId && deletion.id === id);
  }

  #inScope({ executionId, lastOrdinal }: DeletionScope): Registered[] {
    return (this.#artifactsOf(executionId) ?? []).filter(
      ({ ordinal, record }) => ordinal <= lastOrdinal && record.status !== 'DELETED',
    );
  }
}

const scopeOf = ({ executionId, runId, lastOrdinal }: Stored): DeletionScope => ({ executionId, runId, lastOrdinal });

const says = (events: RecordedEvent[], kind: AuditKind, runId: string): boolean =>
  events.some((event) => event.kind === kind && event.detail['executionDeletionId'] === runId);

const isHeld = ({ holds }: ArtifactRecord): boolean => holds.length > 0;

const isLeft = ({ record, events }: Registered, runId: string): boolean =>
  !isHeld(record) && !says(events, 'deleted', runId) && !says(events, 'deletion_revoked', runId);
