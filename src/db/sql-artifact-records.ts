import type { Pool } from 'pg';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { ArtifactError } from '../domain/errors.js';
import { artifactKey } from '../domain/keys.js';
import { addDownloads } from './access.js';
import type { ArtifactRecords, ListQuery, Page } from './artifact-records.js';
import { changeArtifact } from './change.js';
import { toJson, type SqlValue } from './columns.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import { withDatabaseErrors } from './errors.js';
import { listInheritors, setExecutionRetention } from './executions.js';
import { createExecutionDeletions } from './sql-execution-deletions.js';
import { createPublications } from './sql-publications.js';
import { registerArtifact } from './register.js';
import {
  ARTIFACT_COLUMNS,
  SELECT_ARTIFACT,
  toArtifactRecord,
  toExecutionRecord,
  toRecordedEvent,
  type ArtifactRow,
  type EventRow,
  type ExecutionRow,
  WITH_DOWNLOADS,
} from './rows.js';
import { listUpcoming } from './upcoming.js';

/** The rows of artifacts in Postgres. `close` ends the pool. */
export function createArtifactRecords(pool: Pool): ArtifactRecords & { close(): Promise<void> } {
  return {
    ...createExecutionDeletions(pool),
    ...createPublications(pool),
    register: (artifact) => withDatabaseErrors('register the artifact', () => registerArtifact(pool, artifact)),
    change: (change) => withDatabaseErrors('change the artifact', () => changeArtifact(pool, change)),
    attachUpload: (artifactId, uploadId) =>
      withDatabaseErrors('attach the upload', () => attachUpload(pool, artifactId, uploadId)),
    setExecutionRetention: (retention) =>
      withDatabaseErrors('set the retention', () => setExecutionRetention(pool, retention)),
    listInheritors: (query) => withDatabaseErrors('list artifacts', () => listInheritors(pool, query)),
    get: (artifactId) => withDatabaseErrors('read the artifact', () => getArtifact(pool, artifactId)),
    findByPath: (executionId, path) =>
      withDatabaseErrors('find the artifact', () => findByPath(pool, executionId, path)),
    getExecution: (executionId) =>
      withDatabaseErrors('read the execution', async () => {
        const { rows } = await pool.query<ExecutionRow>('SELECT * FROM executions WHERE id = $1', [executionId]);
        return rows[0] === undefined ? null : toExecutionRecord(rows[0]);
      }),
    list: (query) => withDatabaseErrors('list artifacts', () => listArtifacts(pool, query)),
    listUpcoming: (query) => withDatabaseErrors('list what is upcoming', () => listUpcoming(pool, query)),
    history: (artifactId) =>
      withDatabaseErrors('read the history', async () => {
        const { rows } = await pool.query<EventRow>(
          'SELECT * FROM artifact_events WHERE artifact_id = $1 ORDER BY change_number',
          [artifactId],
        );
        return rows.map(toRecordedEvent);
      }),
    addDownloads: (batch) => withDatabaseErrors('count downloads', () => addDownloads(pool, batch)),
    ping: () =>
      withDatabaseErrors('reach the database', async () => {
        await pool.query('SELECT 1');
      }),
    close: () => pool.end(),
  };
}

async function getArtifact(pool: Pool, artifactId: string): Promise<ArtifactRecord | null> {
  const { rows } = await pool.query<ArtifactRow>(`${SELECT_ARTIFACT} WHERE a.id = $1`, [artifactId]);
  return rows[0] === undefined ? null : toArtifactRecord(rows[0]);
}

async function findByPath(pool: Pool, executionId: string, path: string): Promise<ArtifactRecord | null> {
  const { rows } = await pool.query<ArtifactRow>(
    `${SELECT_ARTIFACT} WHERE a.execution_id = $1 AND a.file_path = $2 AND a.status <> 'DELETED' AND a.awaits_publication IS NULL`,
    [executionId, artifactKey(executionId, path)],
  );
  return rows[0] === undefined ? null : toArtifactRecord(rows[0]);
}

async function attachUpload(pool: Pool, artifactId: string, uploadId: string): Promise<string> {
  const { rows } = await pool.query<{ upload_id: string }>(
    `UPDATE artifacts SET upload_id = COALESCE(upload_id, $2) WHERE id = $1 AND status = 'UPLOADING' RETURNING upload_id`,
    [artifactId, uploadId],
  );
  if (rows[0] !== undefined) return rows[0].upload_id;
  const record = await getArtifact(pool, artifactId);
  if (record === null) throw new ArtifactError('artifact_not_found', `There is no artifact ${artifactId}`);
  throw new ArtifactError('not_uploading', `Artifact ${artifactId} is ${record.status}`);
}

interface ListedRow extends ArtifactRow {
  created_at_micros: string;
}

async function listArtifacts(pool: Pool, query: ListQuery): Promise<Page<ArtifactRecord>> {
  const { text, values } = listStatement(query);
  const { rows } = await pool.query<ListedRow>(text, values);
  const shown = rows.slice(0, query.limit);
  const last = shown.at(-1);
  const more = rows.length > query.limit && last !== undefined;
  return {
    items: shown.map(toArtifactRecord),
    nextCursor: more ? encodeCursor({ createdAtMicros: last.created_at_micros, id: last.id }) : null,
  };
}

/** The statement of a page; one row more than asked for tells whether there is another page. */
export function listStatement(query: ListQuery): { text: string; values: SqlValue[] } {
  const values: SqlValue[] = [];
  const bind = (value: SqlValue): string => `$${values.push(value)}`;
  const [direction, after] = query.oldestFirst === true ? ['ASC', '>'] : ['DESC', '<'];
  const conditions = [`a.execution_id = ${bind(query.executionId)}`, 'a.awaits_publication IS NULL'];
  if (query.cursor !== undefined) {
    const { createdAtMicros, id } = decodeCursor(query.cursor);
    const createdAt = `timestamptz 'epoch' + ${bind(createdAtMicros)}::bigint * interval '1 microsecond'`;
    conditions.push(`(a.created_at, a.id) ${after} (${createdAt}, ${bind(id)}::uuid)`);
  }
  if (query.type !== undefined) conditions.push(`a.type = ${bind(query.type)}`);
  const statuses = [query.status ?? []].flat();
  conditions.push(statuses.length === 0 ? `a.status <> 'DELETED'` : `a.status IN (${statuses.map(bind).join(', ')})`);
  if (query.tags !== undefined && Object.keys(query.tags).length > 0)
    conditions.push(`a.tags @> ${bind(toJson(query.tags))}::jsonb`);
  const text = `SELECT ${ARTIFACT_COLUMNS}, (EXTRACT(EPOCH FROM a.created_at) * 1000000)::bigint AS created_at_micros
     FROM artifacts a JOIN executions e ON e.id = a.execution_id ${WITH_DOWNLOADS}
     WHERE ${conditions.join(' AND ')}
     ORDER BY a.created_at ${direction}, a.id ${direction}
     LIMIT ${bind(query.limit + 1)}`;
  return { text, values };
}
