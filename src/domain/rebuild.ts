import type { BucketDatabase } from './bucket-databases.js';

/*
 * What rows and lives are made again from when the database or Temporal is lost, and what is left out.
 */

/** In the order in which they are trusted: a life knows its whole row, a manifest what was true seconds before, an object its own facts. */
export const EVIDENCE = ['workflow', 'manifest', 'object'] as const;
export type Evidence = (typeof EVIDENCE)[number];

/** Why something is not made again. */
export const REASONS_LEFT_OUT = [
  /** A manifest lists it, and the store has no bytes of it: it was deleted since. */
  'bytes_gone',
  /** It lies behind a delete marker, or below another one's bytes, and no life knows until when it could be brought back. */
  'deleted',
  /** Another artifact that is not deleted has its path. */
  'path_taken',
  /** The execution belongs to another tenant by now. */
  'execution_not_found',
  /** Nothing says whose it is: name a tenant. */
  'tenant_unknown',
  /** No object of ours, or not where ours would be. */
  'foreign',
  /** A manifest, or an entry of it, that cannot be read. */
  'unreadable',
  /** Its life runs, and did not say what it knows: ask again. */
  'silent',
] as const;
export type ReasonLeftOut = (typeof REASONS_LEFT_OUT)[number];

export interface LeftOut {
  reason: ReasonLeftOut;
  /** Artifact id, or S3 key. */
  subject: string;
  sizeBytes: number;
}

export interface Tally {
  artifacts: number;
  bytes: number;
}

interface Promised {
  executionId: string;
  tenantId: string;
  /** Who asked for it. */
  actor: string;
}

/**
 * It goes on where it can be: who asks for the same one meanwhile, under the same id, has it go on. Otherwise it is given up as a whole.
 * Which folder of which host it was, only its workflow knew.
 */
export interface InterruptedPublication extends Promised {
  kind: 'publication';
  id: string;
}

/** It goes on: all that was accepted for an execution and has not ended. */
export interface InterruptedDeletion extends Promised {
  kind: 'execution_deletion';
  /** Under which its artifacts are deleted and counted. */
  id: string;
  /** Ids of the requests, in their order. */
  requests: string[];
  /** Artifacts that were registered later do not belong to any of them. */
  lastOrdinal: number;
}

/** It goes on: artifacts that inherit do not all have the days of their execution yet. */
export interface InterruptedRetention extends Promised {
  kind: 'execution_retention';
  days: number;
}

/** What was promised about an execution, has not ended by its rows, and has lost its workflow. */
export type Interrupted = InterruptedPublication | InterruptedDeletion | InterruptedRetention;

/** What was made, or would be. */
export interface RebuildReport {
  applied: boolean;
  /** Rows that were missing, by what they are made from. */
  rows: Record<Evidence, Tally>;
  /** Of the rows that are made again, those that nobody sees before their publication is committed. */
  hidden: number;
  /** Workflows that were missing. */
  lives: number;
  livesThere: number;
  /** What the namespace of the workflows has now besides them, in words; empty when nothing was changed anywhere. */
  prepared: string[];
  leftOut: (Tally & { reason: ReasonLeftOut })[];
  /** The first {@link MAX_NAMED}. */
  named: LeftOut[];
  /** How many are taken up again. */
  takenUp: number;
  /** The first {@link MAX_NAMED} of them. */
  interrupted: Interrupted[];
  /** Executions whose manifest is written again. */
  manifests: number;
  /** Which worked with the bucket when it began, besides this one. */
  otherDatabases: BucketDatabase[];
  /** Ids of those in whose place this one is now. */
  takenOver: string[];
}

/** So many of what is left out, and of what is taken up again, are named. */
export const MAX_NAMED = 200;

export const emptyReport = (applied: boolean): RebuildReport => ({
  applied,
  rows: {
    workflow: { artifacts: 0, bytes: 0 },
    manifest: { artifacts: 0, bytes: 0 },
    object: { artifacts: 0, bytes: 0 },
  },
  hidden: 0,
  lives: 0,
  livesThere: 0,
  prepared: [],
  leftOut: [],
  named: [],
  takenUp: 0,
  interrupted: [],
  manifests: 0,
  otherDatabases: [],
  takenOver: [],
});

/** Counts one that is left out. */
export function leaveOut(report: RebuildReport, { reason, subject, sizeBytes }: LeftOut): void {
  let tally = report.leftOut.find((one) => one.reason === reason);
  if (tally === undefined) report.leftOut.push((tally = { reason, artifacts: 0, bytes: 0 }));
  tally.artifacts += 1;
  tally.bytes += sizeBytes;
  if (report.named.length < MAX_NAMED) report.named.push({ reason, subject, sizeBytes });
}

export const rowsMade = ({ rows }: RebuildReport): number =>
  EVIDENCE.reduce((sum, evidence) => sum + rows[evidence].artifacts, 0);
