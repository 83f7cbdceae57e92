import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { previewOf } from '../../domain/preview.js';
import type { Page, UpcomingQuery } from '../artifact-records.js';
import { decodeUpcomingCursor, encodeUpcomingCursor, type UpcomingKey } from '../cursor.js';

/** See `ArtifactReads.listUpcoming`. */
export function upcomingPage(records: ArtifactRecord[], query: UpcomingQuery): Page<ArtifactRecord> {
  const { tenantId, executionIds, untilMs, limit, cursor } = query;
  const after = cursor === undefined ? null : decodeUpcomingCursor(cursor);
  const upcoming = records
    .filter((record) => record.tenantId === tenantId && (executionIds?.includes(record.executionId) ?? true))
    .flatMap((record) => {
      const dueMs = dueAtMs(record, untilMs);
      return dueMs === null ? [] : [{ record, key: keyOf(record, dueMs) }];
    })
    .sort((a, b) => compare(a.key, b.key))
    .filter(({ key }) => after === null || compare(after, key) < 0);
  const page = upcoming.slice(0, limit);
  const last = page.at(-1);
  const more = upcoming.length > limit && last !== undefined;
  return {
    items: page.map(({ record }) => record),
    nextCursor: more ? encodeUpcomingCursor(last.key) : null,
  };
}

/** When the first thing happens, whatever time it is now; null: nothing does until then. */
const dueAtMs = (record: ArtifactRecord, untilMs: number): number | null =>
  previewOf(record, record.createdAtMs, untilMs)[0]?.atMs ?? null;

const keyOf = ({ executionId, id }: ArtifactRecord, dueMs: number): UpcomingKey => ({
  executionId,
  dueAtMicros: String(dueMs * 1_000),
  id,
});

function compare(a: UpcomingKey, b: UpcomingKey): number {
  if (a.executionId !== b.executionId) return a.executionId < b.executionId ? -1 : 1;
  return Number(a.dueAtMicros) - Number(b.dueAtMicros) || (a.id < b.id ? -1 : Number(a.id > b.id));
}
