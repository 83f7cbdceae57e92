import { ArtifactError } from './errors.js';
import type { StorageTier } from './tiers.js';

/**
 * How much an execution and a tenant may have at a time; 0: any amount. What is DELETED does not count, also while it can be undeleted: a
 * tenant at its limit makes room by deleting, and a purge need not be waited for.
 */
export interface Quotas {
  executionArtifacts: number;
  executionBytes: number;
  tenantArtifacts: number;
  tenantBytes: number;
}

export const NO_QUOTAS: Quotas = { executionArtifacts: 0, executionBytes: 0, tenantArtifacts: 0, tenantBytes: 0 };

/** What there is, or what is added to it. */
export interface Usage {
  artifacts: number;
  bytes: number;
}

/** What there is, by tier. */
export type TierUsage = Record<StorageTier, Usage>;

export const totalOf = (usage: TierUsage): Usage => {
  const { HOT, WARM, COLD } = usage;
  return {
    artifacts: HOT.artifacts + WARM.artifacts + COLD.artifacts,
    bytes: HOT.bytes + WARM.bytes + COLD.bytes,
  };
};

/** A quota and how much of it is left, never less than 0; null: there is none. */
export const roomIn = (limit: number, used: number): { limit: number | null; left: number | null } =>
  limit === 0 ? { limit: null, left: null } : { limit, left: Math.max(0, limit - used) };

export interface ExceededQuota {
  quota: keyof Quotas;
  limit: number;
  /** Before what is asked for. */
  used: number;
  asked: number;
}

/** @param usage what there is with what is added. @returns null when it fits; whoever adds nothing is not refused for what others have. */
export function exceededQuota(
  quotas: Quotas,
  { execution, tenant }: { execution: Usage; tenant: Usage },
  added: Usage,
): ExceededQuota | null {
  const totals: Record<keyof Quotas, [total: number, asked: number]> = {
    executionArtifacts: [execution.artifacts, added.artifacts],
    executionBytes: [execution.bytes, added.bytes],
    tenantArtifacts: [tenant.artifacts, added.artifacts],
    tenantBytes: [tenant.bytes, added.bytes],
  };
  for (const quota of Object.keys(totals) as (keyof Quotas)[]) {
    const limit = quotas[quota];
    const [total, asked] = totals[quota];
    if (limit > 0 && total > limit && asked > 0) return { quota, limit, used: total - asked, asked };
  }
  return null;
}

export function quotaExceeded({ quota, limit, used, asked }: ExceededQuota): ArtifactError {
  const whose = quota.startsWith('tenant') ? 'tenant' : 'execution';
  const unit = quota.endsWith('Bytes') ? 'bytes' : 'artifacts';
  const message = `the ${whose} has ${used} of at most ${limit} ${unit}, and ${asked} more do not fit`;
  return new ArtifactError('quota_exceeded', message, { details: { quota, limit, used, asked } });
}
