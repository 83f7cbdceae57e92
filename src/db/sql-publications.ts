import type { Pool, PoolClient } from 'pg';
import { ArtifactError } from '../domain/errors.js';
import { artifactKey } from '../domain/keys.js';
import type { PublicationReport } from '../domain/publish.js';
import { toJson, toText } from './columns.js';
import { withDatabaseErrors } from './errors.js';
import { inTransaction } from './pool.js';
import {
  incompletePublication,
  PUBLICATION_STATES,
  publicationOver,
  type AwaitingQuery,
  type NewPublication,
  type Publication,
  type PublicationCommit,
  type PublicationKey,
  type Publications,
  type PublicationState,
} from './publications.js';
import { oneOf, SELECT_ARTIFACT, toArtifactRecord, type ArtifactRow } from './rows.js';

/** See `Publications`. */
export const createPublications = (pool: Pool): Publications => ({
  beginPublication: (publication) =>
    withDatabaseErrors('begin the publication', () => inTransaction(pool, (client) => begin(client, publication))),
  getPublication: (key) => withDatabaseErrors('read the publication', () => find(pool, key)),
  listByPaths: (executionId, paths) =>
    withDatabaseErrors('find artifacts', async () => {
      const { rows } = await pool.query<ArtifactRow>(
        `${SELECT_ARTIFACT} WHERE a.execution_id = $1 AND a.file_path = ANY($2::text[]) AND a.status <> 'DELETED'`,
        [executionId, paths.map((path) => artifactKey(executionId, path))],
      );
      return rows.map(toArtifactRecord);
    }),
  commitPublication: (commit) =>
    withDatabaseErrors('commit the publication', () => inTransaction(pool, (client) => commitAll(client, commit))),
  abandonPublication: (key) =>
    withDatabaseErrors('abandon the publication', () => inTransaction(pool, (client) => abandon(client, key))),
  listAwaiting: (query) => withDatabaseErrors('list artifacts', () => listAwaiting(pool, query)),
  listUntold: ({ executionId, id, limit }) =>
    withDatabaseErrors('list artifacts', async () => {
      const { rows } = await pool.query<ArtifactRow>(
        `${SELECT_ARTIFACT} WHERE a.execution_id = $1 AND a.untold_publication = $2 LIMIT $3`,
        [executionId, id, limit],
      );
      return rows.map(toArtifactRecord);
    }),
  markTold: (artifactIds) =>
    withDatabaseErrors('note what was announced', async () => {
      await pool.query('UPDATE artifacts SET untold_publication = NULL WHERE id = ANY($1::uuid[])', [artifactIds]);
    }),
  finishPublication: ({ executionId, id, report, atMs }) =>
    withDatabaseErrors('finish the publication', async () => {
      await pool.query(
        `UPDATE publications SET ended_at = $3, report = $4::jsonb
         WHERE execution_id = $1 AND id = $2 AND ended_at IS NULL`,
        [executionId, id, new Date(atMs), toJson(report)],
      );
    }),
});

interface PublicationRow {
  execution_id: string;
  id: string;
  state: string;
  begun_at: Date;
  ended_at: Date | null;
  report: PublicationReport | null;
}

const toPublication = (row: PublicationRow): Publication => ({
  executionId: row.execution_id,
  id: row.id,
  state: oneOf(PUBLICATION_STATES, row.state),
  begunAtMs: row.begun_at.getTime(),
  endedAtMs: row.ended_at?.getTime() ?? null,
  report: row.report,
});

async function find(database: Pool | PoolClient, { executionId, id }: PublicationKey): Promise<Publication | null> {
  const { rows } = await database.query<PublicationRow>(
    'SELECT * FROM publications WHERE execution_id = $1 AND id = $2',
    [executionId, id],
  );
  return rows[0] === undefined ? null : toPublication(rows[0]);
}

async function begin(client: PoolClient, publication: NewPublication): Promise<Publication> {
  const { executionId, id, tenantId, actor, atMs } = publication;
  const missing = new ArtifactError('execution_not_found', `There is no execution ${executionId}`);
  await client.query(
    'INSERT INTO executions (id, tenant_id, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING',
    [executionId, tenantId, new Date(atMs)],
  );
  const owned = await client.query('SELECT 1 FROM executions WHERE id = $1 AND tenant_id = $2', [
    executionId,
    tenantId,
  ]);
  if (owned.rowCount === 0) throw missing;
  await client.query(
    `INSERT INTO publications (execution_id, id, actor, begun_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
    [executionId, id, toText(actor), new Date(atMs)],
  );
  const begun = await find(client, publication);
  if (begun === null) throw missing;
  return begun;
}

/** The lock waits for registrations that run, and those that come wait for it. */
async function lock(client: PoolClient, { executionId, id }: PublicationKey): Promise<PublicationState> {
  const { rows } = await client.query<{ state: string }>(
    'SELECT state FROM publications WHERE execution_id = $1 AND id = $2 FOR UPDATE',
    [executionId, id],
  );
  // It went with its execution.
  return rows[0] === undefined ? 'abandoned' : oneOf(PUBLICATION_STATES, rows[0].state);
}

async function commitAll(client: PoolClient, { artifacts, ...key }: PublicationCommit): Promise<void> {
  const state = await lock(client, key);
  if (state === 'committed') return;
  if (state === 'abandoned') throw publicationOver(key);
  const { rowCount } = await client.query(
    `UPDATE artifacts SET awaits_publication = NULL, untold_publication = $2
     WHERE execution_id = $1 AND awaits_publication = $2 AND status IN ('ACTIVE', 'ARCHIVED') AND deletion_reason IS NULL
       AND checksum_state <> 'mismatch'`,
    [key.executionId, key.id],
  );
  if (rowCount !== artifacts) throw incompletePublication(rowCount ?? 0, artifacts);
  await setState(client, key, 'committed');
}

async function abandon(client: PoolClient, key: PublicationKey): Promise<PublicationState> {
  const state = await lock(client, key);
  if (state === 'open') await setState(client, key, 'abandoned');
  return state === 'committed' ? 'committed' : 'abandoned';
}

async function setState(client: PoolClient, { executionId, id }: PublicationKey, state: PublicationState) {
  await client.query('UPDATE publications SET state = $3 WHERE execution_id = $1 AND id = $2', [
    executionId,
    id,
    state,
  ]);
}

/** For a registration, in its transaction: the publication stays open until that has ended. @throws `publication_over`. */
export async function requireOpenPublication(client: PoolClient, { executionId, id }: PublicationKey): Promise<void> {
  const { rows } = await client.query<{ state: string }>(
    'SELECT state FROM publications WHERE execution_id = $1 AND id = $2 FOR SHARE',
    [executionId, id],
  );
  if (rows[0]?.state !== 'open') throw publicationOver({ executionId, id });
}

async function listAwaiting(pool: Pool, { executionId, id, afterId, limit }: AwaitingQuery): Promise<string[]> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT id FROM artifacts
     WHERE execution_id = $1 AND awaits_publication = $2 AND status <> 'DELETED' AND ($3::uuid IS NULL OR id > $3::uuid)
     ORDER BY id LIMIT $4`,
    [executionId, id, afterId, limit],
  );
  return rows.map((row) => row.id);
}
