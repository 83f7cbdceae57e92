import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import type { DatabaseIdentity } from './database-identity.js';
import { withDatabaseErrors } from './errors.js';

/** See `DatabaseIdentity`. */
export const createDatabaseIdentity = (pool: Pool): DatabaseIdentity => ({
  databaseId: () =>
    withDatabaseErrors('ask which database it is', async () => {
      const { rows } = await pool.query<{ id: string }>('SELECT id FROM artifact_database');
      if (rows[0] === undefined) throw new Error('the row of artifact_database was removed');
      return rows[0].id;
    }),
  issueProof: () =>
    withDatabaseErrors('note a proof', async () => {
      const proof = randomUUID();
      await pool.query('INSERT INTO artifact_database_proofs (proof) VALUES ($1)', [proof]);
      // The newest stay, however old: one of them is in the bucket, also of a deployment that was away for months.
      await pool.query(
        `DELETE FROM artifact_database_proofs WHERE issued_at < now() - INTERVAL '30 days'
           AND proof NOT IN (SELECT proof FROM artifact_database_proofs ORDER BY issued_at DESC LIMIT 100)`,
      );
      return proof;
    }),
  hasIssued: (proof) =>
    withDatabaseErrors('look for a proof', async () => {
      const { rowCount } = await pool.query('SELECT FROM artifact_database_proofs WHERE proof = $1', [proof]);
      return rowCount === 1;
    }),
  becomeAnother: (databaseId) =>
    withDatabaseErrors('become another database', async () => {
      await pool.query('UPDATE artifact_database SET id = gen_random_uuid() WHERE id = $1', [databaseId]);
    }),
});
