import type { Pool } from 'pg';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { ArtifactError } from '../domain/errors.js';
import { artifactKey } from '../domain/keys.js';
import { addDownloads } from './access.js';
import type { ArtifactRecords } from './artifact-records.js';
import { changeArtifact } from './change.js';
import { withDatabaseErrors } from './errors.js';
import { listInheritors, setExecutionRetention } from './executions.js';
import { listArtifacts, searchArtifacts } from './lists.js';
import { createExecutionDeletions } from './sql-execution-deletions.js';
import { createPublications } from './sql-publications.js';
import { isYoungerThan } from './rebuilds.js';
import { registerArtifact } from './register.js';
import { restoreRow } from './restore-row.js';
import {
  GET_ARTIFACT,
  SELECT_ARTIFACT,
  toArtifactRecord,
  toExecutionRecord,
  toRecordedEvent,
  type ArtifactRow,
  type EventRow,
  type ExecutionRow,
} from './rows.js';
import { listUpcoming } from './upcoming.js';
import { requireSchema } from './schema.js';
import { readUsage } from './usage.js';

/** The rows of artifacts in Postgres. `close` ends the pool. */
export function createArtifactRecords(pool: Pool): ArtifactRecords & { close(): Promise<void> } {
  return {
    ...createExecutionDeletions(pool),
    ...createPublications(pool),
    register: (artifact) => withDatabaseErrors('register the artifact', () => registerArtifact(pool, artifact)),
    change: (change) => withDatabaseErrors('change the artifact', () => changeArtifact(pool, change)),
    attachUpload: (artifactId, uploadId) =>
      withDatabaseErrors('attach the upload', () => attachUpload(pool, artifactId, uploadId)),
    restoreRow: (record, restoration) =>
      withDatabaseErrors('restore the row', () => restoreRow(pool, record, restoration)),
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
    list: ({ executionId, ...query }) =>
      withDatabaseErrors('list artifacts', () => listArtifacts(pool, { executionId }, query)),
    search: (query) => withDatabaseErrors('search artifacts', () => searchArtifacts(pool, query)),
    usage: (query) => withDatabaseErrors('read the usage', () => readUsage(pool, query)),
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
    isYoungerThan: (atMs) => withDatabaseErrors('ask how old the database is', () => isYoungerThan(pool, atMs)),
    ping: () => withDatabaseErrors('reach the database', () => requireSchema(pool)),
    close: () => pool.end(),
  };
}

async function getArtifact(pool: Pool, artifactId: string): Promise<ArtifactRecord | null> {
  const { rows } = await pool.query<ArtifactRow>({ ...GET_ARTIFACT, values: [artifactId] });
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
