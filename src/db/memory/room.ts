import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { exceededQuota, quotaExceeded, type Quotas, type Usage } from '../../domain/quotas.js';

/** @throws `quota_exceeded` unless what is added fits beside what is there. */
export function requireRoom(
  artifacts: Iterable<ArtifactRecord>,
  { executionId, tenantId }: ArtifactRecord,
  quotas: Quotas,
  added: Usage,
): void {
  const living = [...artifacts].filter(({ status }) => status !== 'DELETED');
  const total = (records: ArtifactRecord[]): Usage => ({
    artifacts: records.length + added.artifacts,
    bytes: records.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), added.bytes),
  });
  const execution = total(living.filter((record) => record.executionId === executionId));
  const tenant = total(living.filter((record) => record.tenantId === tenantId));
  const exceeded = exceededQuota(quotas, { execution, tenant }, added);
  if (exceeded !== null) throw quotaExceeded(exceeded);
}
