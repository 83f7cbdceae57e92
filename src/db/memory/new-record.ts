import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { unregisteredRecord, wishOf } from '../../domain/new-upload.js';
import { chooseRetention } from '../../domain/retention.js';
import type { ExecutionRecord, NewArtifact } from '../artifact-records.js';

/** The row as it is registered. */
export function newRecord(artifact: NewArtifact, execution: ExecutionRecord): ArtifactRecord {
  const { id, createdAtMs, defaultRetentionDays, policy, partSizeBytes, uploadDeadlineMs } = artifact;
  return structuredClone({
    ...unregisteredRecord({ ...artifact, artifactId: id }, createdAtMs),
    partSizeBytes,
    uploadDeadlineMs,
    policy,
    retention: chooseRetention(wishOf(artifact), execution.retentionDays, defaultRetentionDays),
  });
}
