import { randomUUID } from 'node:crypto';
import type { NewArtifact, RecordChange } from '../../src/db/artifact-records.js';
import type { RecordPatch } from '../../src/domain/artifact-record.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import { artifactKey } from '../../src/domain/keys.js';

/** A registration that is valid as it is; fields that are given replace its own, and the key follows the path. */
export function newArtifact(given: Partial<NewArtifact> = {}): NewArtifact {
  const executionId = given.executionId ?? randomUUID();
  const path = given.path ?? `output/${randomUUID()}.txt`;
  const createdAtMs = given.createdAtMs ?? Date.UTC(2026, 0, 1);
  return {
    id: randomUUID(),
    executionId,
    tenantId: 'tenant-a',
    path,
    key: artifactKey(executionId, path),
    sizeBytes: 4_096,
    sha256: 'a'.repeat(64),
    mimeType: 'text/plain',
    type: 'document',
    tags: {},
    retentionDays: null,
    defaultRetentionDays: 30,
    policy: DEFAULT_POLICY,
    partSizeBytes: null,
    createdAtMs,
    uploadDeadlineMs: createdAtMs + 86_400_000,
    actor: 'agent-1',
    ...given,
  };
}

/** A change with an event of little interest. */
export const changeOf = (artifactId: string, changeNumber: number, patch: RecordPatch): RecordChange => ({
  artifactId,
  changeNumber,
  atMs: Date.UTC(2026, 0, 2),
  patch,
  event: { kind: 'upload_completed', actor: 'worker', detail: { changeNumber } },
});
