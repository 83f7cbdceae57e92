import type { Pool } from 'pg';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { Page, UpcomingQuery } from './artifact-records.js';
import { decodeUpcomingCursor, encodeUpcomingCursor } from './cursor.js';
import { DOWNLOAD_COLUMNS, toArtifactRecord, WITH_DOWNLOADS, type ArtifactRow } from './rows.js';

/** Times of the domain are cut to milliseconds, those of the database are not. */
const ROUNDING_MS = 2;

const FIRST = { executionId: '00000000-0000-0000-0000-000000000000', dueAtMicros: '0', id: '' };

interface UpcomingRow extends ArtifactRow {
  due_at_micros: string;
}

/** See `ArtifactReads.listUpcoming`. */
export async function listUpcoming(pool: Pool, query: UpcomingQuery): Promise<Page<ArtifactRecord>> {
  const { text, values } = upcomingStatement(query);
  const { rows } = await pool.query<UpcomingRow>(text, values);
  const shown = rows.slice(0, query.limit);
  const last = shown.at(-1);
  const more = rows.length > query.limit && last !== undefined;
  return {
    items: shown.map(toArtifactRecord),
    nextCursor: more
      ? encodeUpcomingCursor({ executionId: last.execution_id, dueAtMicros: last.due_at_micros, id: last.id })
      : null,
  };
}

/**
 * The statement of a page: one execution of the tenant after the other, and in each only what is due, by an index, until the page is
 * full. One row more than asked for tells whether there is another page.
 */
export function upcomingStatement(query: UpcomingQuery): { text: string; values: unknown[] } {
  const { tenantId, executionIds, untilMs, limit, cursor } = query;
  const after = cursor === undefined ? FIRST : decodeUpcomingCursor(cursor);
  const page = `SELECT a.*, e.tenant_id FROM (
      SELECT id, tenant_id FROM executions
      WHERE tenant_id = $1 AND id >= $4 AND ($3::uuid[] IS NULL OR id = ANY($3::uuid[])) ORDER BY id
    ) e CROSS JOIN LATERAL (
      SELECT * FROM artifacts
      WHERE execution_id = e.id AND awaits_publication IS NULL AND due_at <= $2 AND (due_at, id) > (
        CASE WHEN e.id = $4 THEN timestamptz 'epoch' + $5::bigint * interval '1 microsecond' ELSE '-infinity' END,
        CASE WHEN e.id = $4 THEN $6::uuid ELSE $7::uuid END
      )
      ORDER BY due_at, id LIMIT $8
    ) a
    ORDER BY e.id, a.due_at, a.id LIMIT $8`;
  // Downloads are looked up for the rows of the page alone.
  const text = `SELECT a.*, ${DOWNLOAD_COLUMNS}, (EXTRACT(EPOCH FROM a.due_at) * 1000000)::bigint AS due_at_micros
    FROM (${page}) a ${WITH_DOWNLOADS}
    ORDER BY a.execution_id, a.due_at, a.id`;
  const until = new Date(untilMs + ROUNDING_MS);
  const values = [
    tenantId,
    until,
    executionIds,
    after.executionId,
    after.dueAtMicros,
    after.id || null,
    FIRST.executionId,
  ];
  return { text, values: [...values, limit + 1] };
}
