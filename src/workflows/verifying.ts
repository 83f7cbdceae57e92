import { CancellationScope } from '@temporalio/workflow';
import { readBack } from '../domain/changes.js';
import { withoutVerifying } from '../domain/lifecycle.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { hashStored } from './activity-proxies.js';
import type { Life } from './life.js';

/**
 * The bytes being read back, which takes minutes for a large file: beside the main loop, so that nobody waits for it, and what it found is
 * written by the main loop when it has a turn.
 */
export interface Verification {
  /** The row whose version is read. */
  of: ArtifactRecord;
  stop: () => void;
  /** Null while it runs. */
  found: { sha256: string } | { error: unknown } | null;
}

export function beginVerification(life: Life): void {
  const scope = new CancellationScope();
  const { record } = life.state;
  const verification: Verification = { of: record, stop: () => scope.cancel(), found: null };
  life.state = { ...life.state, verifyingSinceMs: Date.now() };
  life.verification = verification;
  scope
    .run(() => hashStored(record))
    .then(
      (sha256) => (verification.found = { sha256 }),
      (error: unknown) => (verification.found = { error }),
    );
}

/** It is deleted, or this run ends: what is found from here on is not heard. */
export function stopVerification(life: Life): void {
  life.verification?.stop();
  forget(life);
}

/**
 * Writes what was found. Nothing when it was of other bytes than the row names now, as after a move to another tier: those are read next.
 * @throws why they could not be read.
 */
export async function concludeVerification(life: Life): Promise<void> {
  const { found = null, of } = life.verification ?? {};
  if (found === null || of === undefined) return;
  forget(life);
  const { record } = life.state;
  const isOfRow = record.versionId === of.versionId && record.etag === of.etag;
  if (!isOfRow || record.checksumState !== 'claimed') return;
  if ('error' in found) throw found.error;
  await life.write(readBack(record, found.sha256));
}

function forget(life: Life): void {
  life.verification = null;
  life.state = withoutVerifying(life.state);
}
