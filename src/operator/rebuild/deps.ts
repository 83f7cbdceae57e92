import type { DatabasesOfBucket } from '../../bucket-databases.js';
import type { ArtifactRecords } from '../../db/artifact-records.js';
import type { RowInventory } from '../../db/row-inventory.js';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import type { LifePolicy } from '../../domain/policy.js';
import type { Interrupted, RebuildReport } from '../../domain/rebuild.js';
import type { ObjectStore } from '../../storage/object-store.js';
import type { RunningLives } from '../../temporal/running-lives.js';

/** What a rebuild works with. */
export interface RebuildDeps {
  store: ObjectStore;
  records: ArtifactRecords;
  rows: RowInventory;
  running: RunningLives;
  databases: DatabasesOfBucket;
  /** By the clock of the store. */
  storeNowMs: () => Promise<number>;
  lives: {
    revive(record: ArtifactRecord): Promise<boolean>;
    isAlive(artifactId: string): Promise<boolean>;
    executionChanged(executionId: string): Promise<void>;
    takeUp(interrupted: Interrupted): Promise<void>;
  };
  /** Makes what lives need of a namespace and it does not have. @returns what is so now, for people. */
  prepareNamespace(): Promise<string[]>;
  rebuilds: {
    listUnended(): AsyncIterable<Interrupted>;
    finish(report: RebuildReport): Promise<void>;
  };
}

export interface RebuildOptions {
  /** False: nothing is written anywhere. */
  apply: boolean;
  /** Whose artifacts are of which nothing says so; null: they are left out. */
  tenantId: string | null;
  /** Ids of databases that are lost, though they were at work minutes ago. */
  lost: readonly string[];
  /** Requests to store, database and Temporal in a second, roughly. */
  perSecond: number;
  defaultRetentionDays: number;
  policy: LifePolicy;
  signal: AbortSignal;
  /** Told after every step. */
  tell: (progress: RebuildProgress) => void;
}

export interface RebuildProgress {
  phase: 'rows' | 'lives' | 'manifests';
  /** Of the phase: objects seen, rows seen, executions told. */
  seen: number;
  /** Rows and lives made, or to be made, so far. */
  made: number;
}
