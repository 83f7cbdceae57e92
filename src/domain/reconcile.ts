import type { Inspected, Outcome } from './drift.js';
import { HOUR_MS } from './units.js';

/** Dry-run: what differs is written down. Repair: it is healed as well. */
export const RECONCILIATION_MODES = ['dry-run', 'repair'] as const;
export type ReconciliationMode = (typeof RECONCILIATION_MODES)[number];

/** In this order; the last one settles what the others have found. */
export const RECONCILIATION_STAGES = ['bucket', 'lives', 'uploads', 'manifests', 'findings'] as const;
export type ReconciliationStage = (typeof RECONCILIATION_STAGES)[number];

/** One reconciliation at a time: its workflow id. */
export const RECONCILIATION_WORKFLOW_ID = 'reconciliation';

/** Where a reconciliation is, as plain JSON. */
export interface ReconciliationProgress {
  runId: string;
  mode: ReconciliationMode;
  startedAtMs: number;
  /** Null: it has not begun, or is over. */
  stage: ReconciliationStage | null;
  stageStartedAtMs: number;
  inspected: Inspected;
  /** How many findings were settled, by what became of them. */
  settled: Partial<Record<Outcome, number>>;
}

/** Of a run whose workflow was ended before it could write its report: one runs at a time, so it has ended when the next one begins. */
export const ENDED_FROM_OUTSIDE = 'it was ended from outside, before the next one began';

/** By whom the audit says that something was repaired. */
export const RECONCILIATION_ACTOR = 'reconciliation';

/** Nothing in the bucket that is younger is ever removed by a reconciliation: it may be of somebody who is still at work. */
export const LEAST_AGE_MS = HOUR_MS;

/** So few are never withheld: lives go on with them. */
const FEW = 10;
/** More than so many, and so large a share, are. */
const MANY = 100;
const MANY_SHARE = 0.1;
/** Nor is more than half of anything, if it is more than a few. */
const MOST_SHARE = 0.5;

/** What a repair would lose for good, or would begin a second time. */
export interface Losses {
  inspected: Pick<Inspected, 'rows' | 'objects'>;
  /** Artifacts that would become DELETED, as their bytes are not there. */
  missing: number;
  /** Unknown objects whose time in quarantine is over. */
  unknown: number;
  /** Rows whose workflow would be started: one that runs in another namespace would be a second one. */
  lifeless: number;
}

/**
 * The brake: so much loss at once looks like another bucket, another database or another Temporal namespace than the one that belongs here, and
 * not like drift.
 * @returns why none of it is repaired, for people; null when it is.
 */
export function brakeOf({ inspected: { rows, objects }, missing, unknown, lifeless }: Losses): string | null {
  if (unknown > 0 && rows === 0) return `withheld: there are ${objects} objects and no rows at all. ${LOOKS_LIKE}`;
  if (missing > 0 && objects === 0) return `withheld: there are ${rows} rows and no objects at all. ${LOOKS_LIKE}`;
  if (isTooMuch(lifeless, rows, rows)) return `withheld: ${lifeless} of ${rows} rows have no workflow. ${LOOKS_LIKE}`;
  const losses = missing + unknown;
  const isMost = isMostOf(missing, rows) || isMostOf(unknown, objects);
  if (!isMost && !isTooMuch(losses, rows, Infinity)) return null;
  return `withheld: ${missing} artifacts and ${unknown} unknown objects would be lost for good, with ${rows} rows. ${LOOKS_LIKE}`;
}

const isMostOf = (count: number, all: number): boolean => count > FEW && count > all * MOST_SHARE;
const isTooMuch = (count: number, rows: number, all: number): boolean =>
  (count > MANY && count > rows * MANY_SHARE) || isMostOf(count, all);

const LOOKS_LIKE =
  'This looks like a wrong bucket, a wrong namespace of Temporal or a lost database: see "artifacts rebuild"';

const CONSISTENT: readonly Outcome[] = ['repaired', 'lost', 'gone', 'quarantined'];

/** Is there anything left that bucket, rows and workflows do not agree about? */
export const isDriftLeft = (totals: readonly { outcome: Outcome; findings: number }[]): boolean =>
  totals.some(({ outcome, findings }) => findings > 0 && !CONSISTENT.includes(outcome));

/** Both added up. */
export const addInspected = (one: Inspected, other: Inspected): Inspected => ({
  rows: one.rows + other.rows,
  objects: one.objects + other.objects,
  bytes: one.bytes + other.bytes,
  uploads: one.uploads + other.uploads,
  lives: one.lives + other.lives,
  manifests: one.manifests + other.manifests,
});
