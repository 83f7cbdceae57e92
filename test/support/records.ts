import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import type { LifecycleState } from '../../src/domain/lifecycle.js';
import { unregisteredRecord } from '../../src/domain/new-upload.js';
import { DAY_MS } from '../../src/domain/units.js';

export const EXECUTION_ID = '11111111-1111-4111-8111-111111111111';
export const ARTIFACT_ID = '22222222-2222-4222-8222-222222222222';
export const BORN_MS = Date.UTC(2026, 0, 1);
export const SHA256 = 'a'.repeat(64);

/** An ACTIVE artifact of ten bytes with the default retention, unless told otherwise. */
export function aRecord(overrides: Partial<ArtifactRecord> = {}): ArtifactRecord {
  const record = unregisteredRecord(
    {
      artifactId: ARTIFACT_ID,
      executionId: EXECUTION_ID,
      tenantId: 'acme',
      path: 'output/report.txt',
      sizeBytes: 10,
      sha256: SHA256,
      mimeType: 'text/plain',
      type: 'document',
      tags: {},
      retentionDays: null,
      actor: 'agent',
    },
    BORN_MS,
  );
  return {
    ...record,
    status: 'ACTIVE',
    checksumState: 'verified',
    expiresAtMs: BORN_MS + 30 * DAY_MS,
    uploadDeadlineMs: BORN_MS + DAY_MS,
    ...overrides,
  };
}

export function aState(record: Partial<ArtifactRecord> = {}, rest: Partial<LifecycleState> = {}): LifecycleState {
  return {
    v: 2,
    record: aRecord(record),
    unfinished: [],
    nextRestorePollMs: null,
    deletion: null,
    uploadEndedMs: BORN_MS,
    sweepAtMs: null,
    retriesMs: {},
    problem: null,
    ...rest,
  };
}
