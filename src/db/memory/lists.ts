import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { isDescending, matchesFilters, sortKeyOf, statusesOf, type ListSort } from '../../domain/artifact-filters.js';
import type { TierUsage, Usage } from '../../domain/quotas.js';
import type { StorageTier } from '../../domain/tiers.js';
import type { ListQuery, Page, SearchQuery, UsageQuery } from '../artifact-records.js';
import { decodeCursor, encodeCursor, type PageKey } from '../cursor.js';

/** A page of `ArtifactReads.list` or `search`, out of all rows that may be seen. It looks at all of them, so no page is short. */
export function listPage(records: ArtifactRecord[], query: ListQuery | SearchQuery): Page<ArtifactRecord> {
  const { limit, cursor, ...wanted } = query;
  const { sort = 'newest' } = wanted;
  const list = { ...wanted, status: statusesOf(wanted).sort(), sort };
  const after = cursor === undefined ? null : placeOfKey(decodeCursor(cursor, list), sort);
  const direction = isDescending(sort) ? -1 : 1;
  const inOrder = (a: Place, b: Place): number => direction * compare(a, b);
  const matching = records
    .filter((record) => isOf(record, wanted) && matchesFilters(record, wanted))
    .map((record) => ({ record, key: sortKeyOf(record, sort), id: record.id }))
    .sort(inOrder)
    .filter((place) => after === null || inOrder(place, after) > 0);
  const items = matching.slice(0, limit);
  const last = items.at(-1);
  const more = matching.length > limit && last !== undefined;
  return {
    items: items.map(({ record }) => record),
    nextCursor: more ? encodeCursor(keyOfPlace(last, sort), list) : null,
  };
}

/** What `ArtifactReads.usage` answers, out of all rows. */
export function usageOf(records: ArtifactRecord[], query: UsageQuery): TierUsage {
  const living = records.filter((record) => record.status !== 'DELETED' && isOf(record, query));
  const ofTier = (tier: StorageTier): Usage => {
    const own = living.filter((record) => record.tier === tier);
    return { artifacts: own.length, bytes: own.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0) };
  };
  return { HOT: ofTier('HOT'), WARM: ofTier('WARM'), COLD: ofTier('COLD') };
}

type Owners = Pick<ListQuery, 'executionId'> | Pick<SearchQuery, 'tenantId' | 'executionIds'>;

const isOf = ({ executionId, tenantId }: ArtifactRecord, owners: Owners): boolean =>
  'executionId' in owners
    ? executionId === owners.executionId
    : tenantId === owners.tenantId && (owners.executionIds?.includes(executionId) ?? true);

interface Place {
  key: number;
  id: string;
}

function compare(a: Place, b: Place): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1;
}

/** Postgres counts microseconds. */
const scaleOf = (sort: ListSort): number => (sort === 'largest' || sort === 'smallest' ? 1 : 1_000);

const keyOfPlace = ({ key, id }: Place, sort: ListSort): PageKey => ({
  sortKey: key === Infinity ? 'infinity' : String(key * scaleOf(sort)),
  id,
});

const placeOfKey = ({ sortKey, id }: PageKey, sort: ListSort): Place => ({
  key: sortKey === 'infinity' ? Infinity : Number(sortKey) / scaleOf(sort),
  id,
});
