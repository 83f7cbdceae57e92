import type { ArtifactStatus, ArtifactType, Tags } from './artifact.js';
import type { ArtifactRecord } from './artifact-record.js';
import { ArtifactError } from './errors.js';
import { fileNameOf } from './keys.js';
import type { StorageTier } from './tiers.js';

/** The orders of a list. What never expires is soonest last of all. */
export const LIST_SORTS = ['newest', 'oldest', 'largest', 'smallest', 'expiring'] as const;
export type ListSort = (typeof LIST_SORTS)[number];

/** Which artifacts are wanted, and in which order. All filters that are given must match. */
export interface ArtifactFilters {
  type?: ArtifactType;
  /** One of several, when there are several. Without it DELETED ones are left out. */
  status?: ArtifactStatus | readonly ArtifactStatus[];
  tier?: StorageTier;
  /** All of these must match. */
  tags?: Tags;
  /** The file name, the last segment of the path; each `*` in it stands for any characters, or none. Case counts. */
  name?: string;
  /** What the path begins with, such as `output/charts/`. Case counts. */
  path?: string;
  /** Both inclusive. An upload whose size is not known yet counts as 0. */
  minBytes?: number;
  maxBytes?: number;
  /** From this moment on. */
  createdAfterMs?: number;
  /** Before this moment. */
  createdBeforeMs?: number;
  /** Before this moment; what never expires does not. */
  expiresBeforeMs?: number;
  /** Default `newest`. */
  sort?: ListSort;
}

/** Those that are wanted when nobody says which. */
const LIVING: readonly ArtifactStatus[] = ['UPLOADING', 'ACTIVE', 'ARCHIVED'];

/** Each once; what is asked for, or all but DELETED. */
export function statusesOf({ status }: ArtifactFilters): ArtifactStatus[] {
  const asked = [status ?? []].flat();
  return [...new Set(asked.length === 0 ? LIVING : asked)];
}

/** @throws `invalid_request` for a range that nothing can lie in. */
export function requireRanges({ minBytes, maxBytes, createdAfterMs, createdBeforeMs }: ArtifactFilters): void {
  const refuse = (field: string, message: string): never => {
    throw new ArtifactError('invalid_request', `${field}: ${message}`, { details: { field, message } });
  };
  if (minBytes !== undefined && maxBytes !== undefined && minBytes > maxBytes)
    refuse('minBytes', 'must not be more than maxBytes');
  if (createdAfterMs !== undefined && createdBeforeMs !== undefined && createdAfterMs >= createdBeforeMs)
    refuse('createdAfter', 'must be before createdBefore');
}

/** The pieces of a name between its `*`; of one without, the name itself. */
export const piecesOf = (name: string): string[] => name.split('*');

type Filtered = Omit<ArtifactRecord, 'tenantId' | 'executionId'>;

/** Whether an artifact is wanted. */
export function matchesFilters(record: Filtered, filters: ArtifactFilters): boolean {
  const { type, tier, tags = {}, name, path = '', minBytes = 0, maxBytes = Infinity } = filters;
  const { createdAfterMs = -Infinity, createdBeforeMs = Infinity, expiresBeforeMs } = filters;
  const bytes = record.sizeBytes ?? 0;
  return (
    statusesOf(filters).includes(record.status) &&
    (type === undefined || record.type === type) &&
    (tier === undefined || record.tier === tier) &&
    Object.entries(tags).every(([key, value]) => record.tags[key] === value) &&
    (name === undefined || matchesName(fileNameOf(record.path), name)) &&
    record.path.startsWith(path) &&
    bytes >= minBytes &&
    bytes <= maxBytes &&
    record.createdAtMs >= createdAfterMs &&
    record.createdAtMs < createdBeforeMs &&
    (expiresBeforeMs === undefined || (record.expiresAtMs ?? Infinity) < expiresBeforeMs)
  );
}

/** Takes each piece where it comes first, so in a time that many `*` do not multiply. */
function matchesName(fileName: string, name: string): boolean {
  const [first = '', ...others] = piecesOf(name);
  const last = others.pop();
  if (last === undefined) return fileName === name;
  if (!fileName.startsWith(first)) return false;
  let at = first.length;
  for (const piece of others) {
    const found = fileName.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return fileName.length - last.length >= at && fileName.endsWith(last);
}

/** The place of an artifact in a list: what it is sorted by (ties go by id). */
export function sortKeyOf(record: Filtered, sort: ListSort): number {
  if (sort === 'newest' || sort === 'oldest') return record.createdAtMs;
  return sort === 'expiring' ? (record.expiresAtMs ?? Infinity) : (record.sizeBytes ?? 0);
}

export const isDescending = (sort: ListSort): boolean => sort === 'newest' || sort === 'largest';
