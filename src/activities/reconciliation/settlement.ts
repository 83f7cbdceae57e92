import type { Outcome } from '../../domain/drift.js';
import type { ReconciliationMode } from '../../domain/reconcile.js';
import type { ReconciliationDeps } from './deps.js';

export interface FindingsToSettle {
  runId: string;
  mode: ReconciliationMode;
  startedAtMs: number;
  /** Settled up to here. */
  afterNumber: number;
  /** Why nothing may be lost for good; null: it may. */
  brake: string | null;
}

export interface SettledFindings {
  /** Null: there are no more. */
  afterNumber: number | null;
  settled: Partial<Record<Outcome, number>>;
}

/** What becomes of a finding, and why, for people. */
export interface Settlement {
  outcome: Outcome;
  note: string | null;
}

export interface SettlingContext extends ReconciliationDeps, FindingsToSettle {
  /** Why nothing may be removed, or started, that may be another database's of the same bucket; null: there is only this one. Asked once. */
  conflict: string | null;
  signal: AbortSignal;
  /** See `storeClock`. */
  storeNowMs: () => Promise<number>;
  /** Whether rows of lives that run are missing still. Asked once, as they come before what may be theirs. */
  hasMissingRows: () => Promise<boolean>;
}

export const gone = (note: string): Settlement => ({ outcome: 'gone', note });
export const tooYoung: Settlement = { outcome: 'open', note: 'younger than an hour: left to the next reconciliation' };
/** The database was made after it and says nothing about what was before: see `artifacts rebuild`. */
export const beforeOurTime: Settlement = {
  outcome: 'withheld',
  note: 'older than the database, which may have lost whose it is: run "artifacts rebuild --apply" first',
};
