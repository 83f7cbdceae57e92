import type { ArtifactRecord } from '../domain/artifact-record.js';

/*
 * Rows as a reconciliation goes through them: of every tenant, hidden ones too. A row is unended while its artifact has bytes or a life: until it is
 * DELETED and cannot be brought back any more.
 */
export interface RowInventory {
  /** Unended rows in the order of their keys, byte by byte, and then of their ids. */
  listUnended(query: UnendedQuery): Promise<ArtifactRecord[]>;
  /** Unended rows of these keys, in any order. */
  findByKeys(keys: readonly string[]): Promise<ArtifactRecord[]>;
  /** The rows with these ids, in whatever state, in any order. */
  findByIds(ids: readonly string[]): Promise<ArtifactRecord[]>;
  /** Executions that have rows, by id. */
  listExecutions(query: ExecutionsQuery): Promise<ExecutionRows[]>;
  /** Of these executions, those that have rows. */
  findExecutions(executionIds: readonly string[]): Promise<ExecutionRows[]>;
}

/** Where a walk through the rows is: the last one it has seen. */
export interface RowPlace {
  key: string;
  id: string;
}

export interface UnendedQuery {
  /** Null: from the start. */
  after: RowPlace | null;
  /** The last key that is wanted; null: all. */
  throughKey: string | null;
  /** 1 to 1,000. */
  limit: number;
}

export interface ExecutionsQuery {
  afterId: string | null;
  /** 1 to 1,000. */
  limit: number;
}

export interface ExecutionRows {
  executionId: string;
  /** Its manifest has something to list. */
  isListed: boolean;
  /** When any of its rows was written last. */
  changedAtMs: number;
}
