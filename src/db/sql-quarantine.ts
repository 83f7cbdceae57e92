import type { Pool } from 'pg';
import { toText } from './columns.js';
import { withDatabaseErrors } from './errors.js';
import type { Quarantine, QuarantinedObject } from './quarantine.js';
import { safeInteger } from './rows.js';

interface QuarantineRow {
  key: string;
  version_id: string;
  size_bytes: string;
  etag: string;
  last_modified: Date;
  first_seen_at: Date;
  last_seen_at: Date;
}

const toQuarantinedObject = (row: QuarantineRow): QuarantinedObject => ({
  key: row.key,
  versionId: row.version_id === '' ? null : row.version_id,
  sizeBytes: safeInteger(row.size_bytes),
  etag: row.etag,
  lastModifiedMs: row.last_modified.getTime(),
  firstSeenMs: row.first_seen_at.getTime(),
  lastSeenMs: row.last_seen_at.getTime(),
});

/** See `Quarantine`. */
export const createQuarantine = (pool: Pool): Quarantine => ({
  quarantineObject: ({ key, versionId, sizeBytes, etag, lastModifiedMs }, seenAtMs) =>
    withDatabaseErrors('note the object', async () => {
      const { rows } = await pool.query<QuarantineRow>(
        `INSERT INTO quarantined_objects AS q (key, version_id, size_bytes, etag, last_modified, first_seen_at, last_seen_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)
         ON CONFLICT (key, version_id) DO UPDATE SET
           first_seen_at = CASE
             WHEN (q.size_bytes, q.etag, q.last_modified) = (EXCLUDED.size_bytes, EXCLUDED.etag, EXCLUDED.last_modified)
             THEN q.first_seen_at ELSE EXCLUDED.first_seen_at END,
           size_bytes = EXCLUDED.size_bytes, etag = EXCLUDED.etag, last_modified = EXCLUDED.last_modified,
           last_seen_at = EXCLUDED.last_seen_at
         RETURNING *`,
        [toText(key), versionId ?? '', sizeBytes, etag, new Date(lastModifiedMs), new Date(seenAtMs)],
      );
      if (rows[0] === undefined) throw new Error(`${key} is not there after it was written`);
      return toQuarantinedObject(rows[0]);
    }),
  findQuarantined: ({ key, versionId }) =>
    withDatabaseErrors('find the object', async () => {
      const { rows } = await pool.query<QuarantineRow>(
        'SELECT * FROM quarantined_objects WHERE key = $1 AND version_id = $2',
        [toText(key), versionId ?? ''],
      );
      return rows[0] === undefined ? null : toQuarantinedObject(rows[0]);
    }),
  releaseObject: ({ key, versionId }) =>
    withDatabaseErrors('release the object', async () => {
      await pool.query('DELETE FROM quarantined_objects WHERE key = $1 AND version_id = $2', [
        toText(key),
        versionId ?? '',
      ]);
    }),
  releaseUnseen: (sinceMs) =>
    withDatabaseErrors('release objects', async () => {
      await pool.query('DELETE FROM quarantined_objects WHERE last_seen_at < $1', [new Date(sinceMs)]);
    }),
  countQuarantined: (firstSeenBeforeMs) =>
    withDatabaseErrors('count objects', async () => {
      const { rows } = await pool.query<{ count: string }>(
        'SELECT count(*) FROM quarantined_objects WHERE first_seen_at < $1',
        [new Date(firstSeenBeforeMs)],
      );
      return safeInteger(rows[0]?.count ?? '0');
    }),
});
