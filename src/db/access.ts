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
   */
  addDownloads(batch: readonly Downloads[]): Promise<void>;
}

/** See {@link AccessCounts}. All in one order, so that two batches at once cannot wait for each other in a circle. */
export async function addDownloads(pool: Pool, batch: readonly Downloads[]): Promise<void> {
  await pool.query(
    `INSERT INTO artifact_access AS known (artifact_id, downloads, last_at)
     SELECT added.id, added.downloads, timestamptz 'epoch' + added.last_at_ms * interval '1 millisecond'
     FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS added (id, downloads, last_at_ms)
     JOIN artifacts a ON a.id = added.id
     ORDER BY added.id
     ON CONFLICT (artifact_id) DO UPDATE
       SET downloads = known.downloads + excluded.downloads, last_at = GREATEST(known.last_at, excluded.last_at)`,
    [
      batch.map(({ artifactId }) => artifactId),
      batch.map(({ count }) => count),
      batch.map(({ lastAtMs }) => Math.round(lastAtMs)),
    ],
  );
}
