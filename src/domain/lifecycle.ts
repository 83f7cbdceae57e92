import type { ArtifactRecord } from './artifact-record.js';

/**
 * What the workflow carries through its whole life, plain JSON. `v` is the version of this shape: continue-as-new hands it
 * to newer code, which must go on accepting old ones.
 */
export interface LifecycleState {
  v: 1;
  /** The row as last written. */
  record: ArtifactRecord;
  /** Number of changes written so far: makes each write safe to repeat. */
  changes: number;
  /** When a running restore is looked at next; null when none runs. */
  nextRestorePollMs: number | null;
}

/** The next thing that happens by itself, when, and which rule causes it. */
export type NextAction =
  | { kind: 'none'; atMs: null; rule: 'deleted' | 'permanent' }
  | { kind: 'abandonUpload'; atMs: number; rule: 'upload_deadline' }
  | { kind: 'pollRestore'; atMs: number; rule: 'restore_requested' }
  | { kind: 'expire'; atMs: number; rule: 'default_retention' | 'execution_retention' | 'artifact_retention' };

/**
 * The state diagram: one pure function that the workflow loop, the `describe` query and every preview use.
 * An action whose time has passed is due now. Expiry wins over anything else at the same instant.
 */
export function nextAction(state: LifecycleState): NextAction {
  const { record } = state;
  if (record.status === 'DELETED') return { kind: 'none', atMs: null, rule: 'deleted' };
  if (record.status === 'UPLOADING')
    return { kind: 'abandonUpload', atMs: record.uploadDeadlineMs, rule: 'upload_deadline' };
  const expiry = expiryOf(record);
  const pollMs = state.nextRestorePollMs;
  if (pollMs !== null && (expiry.atMs === null || pollMs < expiry.atMs))
    return { kind: 'pollRestore', atMs: pollMs, rule: 'restore_requested' };
  return expiry;
}

function expiryOf({ retention, expiresAtMs }: ArtifactRecord): NextAction {
  if (retention.rule === 'permanent' || expiresAtMs === null) return { kind: 'none', atMs: null, rule: 'permanent' };
  return { kind: 'expire', atMs: expiresAtMs, rule: `${retention.rule}_retention` };
}
