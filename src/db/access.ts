import type { Pool } from 'pg';

/** Downloads of one artifact that are not written yet. */
export interface Downloads {
  artifactId: string;
  /** How many begun; 0 when the artifact was only read on. */
  count: number;
  /** The last of them, in milliseconds since 1970. */
  lastAtMs: number;
}

/** How often and when artifacts were given out: beside their rows, so that no row is changed by being read. */
export interface AccessCounts {
  /**
   * Adds downloads to what is known, each artifact once at most. Ids that are not there are left out. Changes neither `revision` nor
   * `updatedAtMs`, and waits for nobody who changes an artifact. Not safe to repeat: what is added twice counts twice.
   * @returns those that are not added yet, as somebody else holds their execution, or is deleting it: to be added later.
   */
  addDownloads(batch: readonly Downloads[]): Promise<Downloads[]>;
}

/**
 * See {@link AccessCounts}. Executions first, and for none of them it waits: a deletion, which has locked its execution before it comes to
 * what is counted of its artifacts, and this cannot wait for each other in a circle. Then all in one order, so that two batches cannot either.
 */
export async function addDownloads(pool: Pool, batch: readonly Downloads[]): Promise<Downloads[]> {
  const { rows } = await pool.query<{ id: string }>(
    `WITH added AS MATERIALIZED (
       SELECT a.id, a.execution_id, added.downloads, added.last_at_ms
       FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS added (id, downloads, last_at_ms)
       JOIN artifacts a ON a.id = added.id
     ), kept AS MATERIALIZED (
       SELECT e.id FROM executions e WHERE e.id IN (SELECT execution_id FROM added) FOR KEY SHARE OF e SKIP LOCKED
     ), written AS (
       INSERT INTO artifact_access AS known (artifact_id, downloads, last_at)
       SELECT added.id, added.downloads, timestamptz 'epoch' + added.last_at_ms * interval '1 millisecond'
       FROM added JOIN kept ON kept.id = added.execution_id
       ORDER BY added.id
       ON CONFLICT (artifact_id) DO UPDATE
         SET downloads = known.downloads + excluded.downloads, last_at = GREATEST(known.last_at, excluded.last_at)
     )
     SELECT id FROM added WHERE execution_id NOT IN (SELECT id FROM kept)`,
    [
      batch.map(({ artifactId }) => artifactId),
      batch.map(({ count }) => count),
      batch.map(({ lastAtMs }) => Math.round(lastAtMs)),
    ],
  );
  const held = new Set(rows.map(({ id }) => id));
  return held.size === 0 ? [] : batch.filter(({ artifactId }) => held.has(artifactId));
}
