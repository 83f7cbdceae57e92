import type { Pool, PoolClient } from 'pg';
import { AUDIT_KINDS, type ArtifactRecord } from '../domain/artifact-record.js';
import { decidedBefore } from '../domain/decided-before.js';
import { ArtifactError } from '../domain/errors.js';
import { caughtUp } from '../domain/repair-changes.js';
import type { RecordChange } from './artifact-records.js';
import { columnsOf, toJson, toText, type SqlValue } from './columns.js';
import { quotaCheck } from './quotas.js';
import { inTransaction } from './pool.js';
import {
  DOWNLOAD_COLUMNS,
  oneOf,
  safeInteger,
  SELECT_ARTIFACT,
  toArtifactRecord,
  WITH_DOWNLOADS,
  type ArtifactRow,
} from './rows.js';

/** See `ArtifactRecords.change`. Nearly always one statement, so one round trip: only a change that was tried before needs more. */
export async function changeArtifact(pool: Pool, change: RecordChange): Promise<ArtifactRecord> {
  const { quotas } = change;
  if (quotas !== undefined)
    return inTransaction(pool, (client, atCommit) =>
      addBytes(client, change, (bytes) => atCommit(quotaCheck(quotas, bytes))),
    );
  const written = await write(pool, change, asNumbered(change));
  return written ?? inTransaction(pool, (client) => changeAgain(client, change));
}

/** The same, and whoever brings bytes is refused when there is no room for them; not when they were written before. */
async function addBytes(
  client: PoolClient,
  change: RecordChange,
  check: (added: Parameters<typeof quotaCheck>[1]) => void,
): Promise<ArtifactRecord> {
  const sql = 'SELECT file_size FROM artifacts WHERE id = $1 FOR UPDATE';
  const { rows } = await client.query<Pick<ArtifactRow, 'file_size'>>(sql, [change.artifactId]);
  const before = safeInteger(rows[0]?.file_size ?? '0');
  const written = await write(client, change, asNumbered(change));
  const record = written ?? (await changeAgain(client, change));
  const { executionId, tenantId, sizeBytes } = record;
  const bytes = (sizeBytes ?? 0) - before;
  if (bytes > 0) check({ executionId, tenantId, artifacts: 0, bytes });
  return record;
}

/** The row is not at the revision that the change builds on. Whatever else writes to it waits for this transaction. */
async function changeAgain(client: PoolClient, change: RecordChange): Promise<ArtifactRecord> {
  const { artifactId, changeNumber, event, known } = change;
  const { rows } = await client.query<ArtifactRow>(`${SELECT_ARTIFACT} WHERE a.id = $1 FOR UPDATE OF a`, [artifactId]);
  const [row] = rows;
  if (row === undefined) throw new ArtifactError('artifact_not_found', `There is no artifact ${artifactId}`);
  const { rows: events } = await client.query<{ change_number: number; at: Date; kind: string; same: boolean }>(
    `SELECT change_number, at, kind, kind = $2 AND actor = $3 AND detail = $4::jsonb AS same
     FROM artifact_events WHERE artifact_id = $1`,
    [artifactId, event.kind, toText(event.actor), toJson(event.detail)],
  );
  const before = events.map(({ change_number, at, kind, same }) => ({
    changeNumber: change_number,
    atMs: at.getTime(),
    kind: oneOf(AUDIT_KINDS, kind),
    isSame: same,
  }));
  const found = toArtifactRecord(row);
  const decided = decidedBefore(found, change, before);
  if (decided !== null) return decided;
  const last = Math.max(...before.map((one) => one.changeNumber));
  // A repair says itself how the row becomes what is known of it.
  const isBehind = found.revision < changeNumber - 1 && known !== undefined && event.kind !== 'repaired';
  const { revision: from } = isBehind ? await catchUp(client, { found, known, change, last }) : found;
  return writeLocked(client, change, { from, to: Math.max(from, last, changeNumber - 1) + 1 });
}

/** Brings a row up to what is known of it. */
function catchUp(
  client: PoolClient,
  { found, known, change, last }: { found: ArtifactRecord; known: ArtifactRecord; change: RecordChange; last: number },
): Promise<ArtifactRecord> {
  const { artifactId, changeNumber, atMs } = change;
  const catching = { artifactId, changeNumber, atMs, ...caughtUp(found, known) };
  return writeLocked(client, catching, { from: found.revision, to: Math.max(changeNumber - 1, last + 1) });
}

async function writeLocked(client: PoolClient, change: RecordChange, revisions: Revisions): Promise<ArtifactRecord> {
  const written = await write(client, change, revisions);
  if (written === null) throw new Error(`Artifact ${change.artifactId} changed while its row was locked`);
  return written;
}

interface Revisions {
  from: number;
  to: number;
}

const asNumbered = ({ changeNumber }: RecordChange): Revisions => ({ from: changeNumber - 1, to: changeNumber });

/** Changes the row if it is at this revision, and appends the event; null when it is not, or the audit has that number already. */
async function write(
  database: Pool | PoolClient,
  { artifactId, atMs, patch, event }: RecordChange,
  { from, to }: Revisions,
): Promise<ArtifactRecord | null> {
  const values: SqlValue[] = [
    artifactId,
    to,
    new Date(atMs),
    toText(event.actor),
    event.kind,
    toJson(event.detail),
    from,
  ];
  const assignments = columnsOf(patch).map(({ column, value, cast }) => {
    values.push(value);
    return `${column} = $${values.length}${cast === undefined ? '' : `::${cast}`}`;
  });
  const { rows } = await database.query<ArtifactRow>(
    `WITH changed AS (
       UPDATE artifacts a SET ${[...assignments, 'revision = $2', 'updated_at = $3::timestamptz'].join(', ')}
       FROM executions e
       WHERE a.id = $1 AND a.revision = $7::integer AND e.id = a.execution_id
         AND NOT EXISTS (SELECT FROM artifact_events later WHERE later.artifact_id = $1 AND later.change_number >= $2)
       RETURNING a.*, e.tenant_id
     ), event AS (
       INSERT INTO artifact_events (artifact_id, change_number, execution_id, tenant_id, at, actor, kind, detail)
       SELECT id, $2, execution_id, COALESCE(tenant_id, ''), $3::timestamptz, $4, $5, $6::jsonb FROM changed
     )
     SELECT a.*, ${DOWNLOAD_COLUMNS} FROM changed a ${WITH_DOWNLOADS}`,
    values,
  );
  return rows[0] === undefined ? null : toArtifactRecord(rows[0]);
}
