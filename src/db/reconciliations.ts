import type { DriftKind, Finding, Inspected, Outcome } from '../domain/drift.js';
import type { ReconciliationMode } from '../domain/reconcile.js';

/** What reconciliations have found, and what waits in quarantine. Safe to repeat, all of it. */
export interface Reconciliations {
  /** Notes that a run has begun, so that others have ended, and those of them that could not say so are told to have; the same id again changes nothing. Runs that began before `forgetBeforeMs` (default: none) go. */
  begin(run: NewReconciliation): Promise<void>;
  /** One that the run knows already (kind and subject) stays as it is. */
  addFindings(runId: string, findings: readonly Finding[]): Promise<void>;
  /** By number, from 1 in the order in which they were found; `tenantId` null: of everybody, and nobody. */
  listFindings(query: FindingsQuery): Promise<NumberedFinding[]>;
  /** The last word counts. */
  settle(runId: string, number: number, outcome: Outcome, note: string | null): Promise<void>;
  /** The first word counts. */
  finish(runId: string, facts: { finishedAtMs: number; inspected: Inspected; failure: string | null }): Promise<void>;
  /** The one that began last, with its totals; null when there was none. */
  latest(query: { tenantId: string | null }): Promise<ReconciliationReport | null>;
  get(runId: string, query: { tenantId: string | null }): Promise<ReconciliationReport | null>;
}

export interface NewReconciliation {
  id: string;
  mode: ReconciliationMode;
  startedAtMs: number;
  forgetBeforeMs?: number;
}

export interface FindingsQuery {
  runId: string;
  tenantId: string | null;
  afterNumber: number;
  /** 1 to 1,000. */
  limit: number;
}

export interface NumberedFinding extends Finding {
  number: number;
  outcome: Outcome;
  /** Why, for people. */
  note: string | null;
}

export interface ReconciliationReport {
  id: string;
  mode: ReconciliationMode;
  startedAtMs: number;
  /** Null while it runs. */
  finishedAtMs: number | null;
  inspected: Inspected;
  /** What it ended with, if not well. */
  failure: string | null;
  /** Findings by kind and outcome, in the order of their names; unknown sizes count as nothing. */
  totals: { kind: DriftKind; outcome: Outcome; findings: number; bytes: number }[];
}
