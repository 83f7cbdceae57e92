import { HOUR_MS, MINUTE_MS } from './units.js';

/** FEAT-004 REQ-7. */
export const STORAGE_TIERS = ['HOT', 'WARM', 'COLD'] as const;
export type StorageTier = (typeof STORAGE_TIERS)[number];

export type StorageClass = 'STANDARD' | 'STANDARD_IA' | 'GLACIER';

const CLASS_OF_TIER: Record<StorageTier, StorageClass> = { HOT: 'STANDARD', WARM: 'STANDARD_IA', COLD: 'GLACIER' };

export const storageClassOf = (tier: StorageTier): StorageClass => CLASS_OF_TIER[tier];

/** The tier of whatever class S3 answers with: every archive class is COLD, every infrequent-access class WARM. */
export function tierOfClass(storageClass: string): StorageTier {
  if (storageClass === 'GLACIER' || storageClass === 'DEEP_ARCHIVE') return 'COLD';
  if (storageClass === 'STANDARD_IA' || storageClass === 'ONEZONE_IA' || storageClass === 'GLACIER_IR') return 'WARM';
  return 'HOT';
}

/** How fast S3 brings an archived object back, with its documented upper bound (S3 user guide, "archive retrieval options"). */
export const RESTORE_TIERS = ['Expedited', 'Standard', 'Bulk'] as const;
export type RestoreTier = (typeof RESTORE_TIERS)[number];

const LONGEST_RESTORE_MS: Record<RestoreTier, number> = {
  Expedited: 5 * MINUTE_MS,
  Standard: 5 * HOUR_MS,
  Bulk: 12 * HOUR_MS,
};

/** How long a restore of this tier takes at most, in milliseconds. */
export const longestRestoreMs = (tier: RestoreTier): number => LONGEST_RESTORE_MS[tier];

/**
 * How long to wait before a running restore is looked at again: ever shorter towards the moment that S3 has promised, and longer again when
 * that has passed. An Expedited one takes minutes, and nobody should wait longer because it was looked at too late.
 * @param leftMs until that moment; negative: since. @param longestMs the longest wait.
 * @returns milliseconds, a minute at least where `longestMs` allows it and the moment is not nearer.
 */
export function restorePollMs(leftMs: number, longestMs: number): number {
  const waitMs = Math.min(longestMs, Math.max(MINUTE_MS, Math.abs(leftMs) / 4));
  return Math.ceil(leftMs > 0 ? Math.min(waitMs, leftMs) : waitMs);
}
