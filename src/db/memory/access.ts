import type { ArtifactRecord } from '../../domain/artifact-record.js';
import type { Downloads } from '../access.js';

/** See `AccessCounts.addDownloads`; rows are changed in place, without a revision. Nobody holds an execution here. */
export function addToRecords(artifacts: ReadonlyMap<string, ArtifactRecord>, batch: readonly Downloads[]): Downloads[] {
  for (const { artifactId, count, lastAtMs } of batch) {
    const record = artifacts.get(artifactId);
    if (record === undefined) continue;
    record.downloads += count;
    record.lastDownloadedAtMs = Math.max(record.lastDownloadedAtMs ?? 0, lastAtMs);
  }
  return [];
}
