import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { migrate } from '../../src/db/migrate.js';
import { ARTIFACT_STATUSES, ARTIFACT_TYPES, CHECKSUM_STATES } from '../../src/domain/artifact.js';
import { STORAGE_TIERS } from '../../src/domain/tiers.js';
import { freePort } from '../../src/dev/servers/ports.js';
import { createEmptyDatabase, type TestDatabase } from '../support/postgres.js';

const run = promisify(execFile);

/** All there are, in their order. */
const migrations = readdirSync(new URL('../../migrations/', import.meta.url))
  .map((name) => name.replace('.sql', ''))
  .sort();

let database: TestDatabase;
let client: pg.Client;

beforeEach(async () => {
  database = await createEmptyDatabase(inject('databaseUrl'));
  client = new pg.Client({ connectionString: database.databaseUrl });
  await client.connect();
});

afterEach(async () => {
  await client.end();
  await database.drop();
});

/** Everything the schema consists of, as text. */
async function schema(): Promise<unknown> {
  const { rows: columns } = await client.query(
    `SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
     FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2`,
  );
  const { rows: indexes } = await client.query(
    `SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1`,
  );
  const { rows: applied } = await client.query('SELECT * FROM artifact_migrations ORDER BY id');
  return { columns, indexes, applied };
}

test('applies every migration once and changes nothing the second time', async () => {
  const lines: string[] = [];
  expect(await migrate(database.databaseUrl, (line) => lines.push(line))).toEqual(migrations);
  expect(lines.join('\n')).toContain('0001_artifacts');
  const before = await schema();
  expect(await migrate(database.databaseUrl)).toEqual([]);
  expect(await schema()).toEqual(before);
});

test('runs of several processes at once apply it once', async () => {
  const applied = await Promise.all(Array.from({ length: 5 }, () => migrate(database.databaseUrl)));
  expect(applied.flat()).toEqual(migrations);
});

test('has the columns, defaults and indexes of FEAT-004', async () => {
  await migrate(database.databaseUrl);
  const { rows } = await client.query<{ name: string; type: string; default: string | null }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type, pg_get_expr(adbin, adrelid) AS default
     FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attrelid = 'artifacts'::regclass AND attnum > 0`,
  );
  const columns = Object.fromEntries(rows.map((row) => [row.name, [row.type, row.default]]));
  expect(columns).toMatchObject({
    id: ['uuid', 'gen_random_uuid()'],
    execution_id: ['uuid', null],
    file_name: ['character varying(255)', null],
    file_path: ['character varying(1024)', null],
    file_size: ['bigint', null],
    mime_type: ['character varying(100)', null],
    checksum: ['character varying(64)', null],
    type: ['character varying(20)', `'other'::character varying`],
    status: ['character varying(20)', `'ACTIVE'::character varying`],
    created_at: ['timestamp with time zone', 'now()'],
    expires_at: ['timestamp with time zone', null],
    archived_at: ['timestamp with time zone', null],
    tags: ['jsonb', null],
  });
  const { rows: indexes } = await client.query<{ indexdef: string }>(
    `SELECT indexdef FROM pg_indexes WHERE tablename = 'artifacts'`,
  );
  const definitions = indexes.map(({ indexdef }) => indexdef.replace('public.', ''));
  expect(definitions).toEqual(
    expect.arrayContaining([
      'CREATE INDEX idx_artifacts_execution_id ON artifacts USING btree (execution_id)',
      'CREATE INDEX idx_artifacts_status ON artifacts USING btree (status)',
      'CREATE INDEX idx_artifacts_expires_at ON artifacts USING btree (expires_at)',
    ]),
  );
});

test('accepts a row with the columns of FEAT-004 alone', async () => {
  await migrate(database.databaseUrl);
  await client.query(`INSERT INTO executions (id, tenant_id) VALUES (gen_random_uuid(), 't')`);
  const { rows } = await client.query(
    `INSERT INTO artifacts (execution_id, file_name, file_path, file_size)
     SELECT id, 'a', 'artifacts/x/output/a', 1 FROM executions RETURNING status, type, tier, size_known, permanent`,
  );
  expect(rows).toEqual([{ status: 'ACTIVE', type: 'other', tier: 'HOT', size_known: true, permanent: false }]);
});

test.each([
  ['type', ARTIFACT_TYPES],
  ['status', ARTIFACT_STATUSES],
  ['tier', STORAGE_TIERS],
  ['checksum_state', CHECKSUM_STATES],
])('allows as %s exactly what the domain knows', async (column, known) => {
  await migrate(database.databaseUrl);
  const { rows } = await client.query<{ definition: string }>(
    `SELECT pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conname = $1`,
    [`artifacts_${column}_known`],
  );
  const allowed = [...(rows[0]?.definition ?? '').matchAll(/'([^']+)'/g)].map((match) => match[1]);
  expect(allowed.toSorted()).toEqual([...known].sort());
});

test('leaves an executions table of another feature as it is and adds what is missing', async () => {
  await client.query('CREATE TABLE executions (id UUID PRIMARY KEY, prompt TEXT)');
  await client.query(`INSERT INTO executions VALUES (gen_random_uuid(), 'kept')`);
  await migrate(database.databaseUrl);
  const { rows } = await client.query<Record<string, unknown>>('SELECT * FROM executions');
  expect(rows[0]).toMatchObject({ prompt: 'kept', tenant_id: null, retention_days: null });
  expect(rows[0]?.['created_at']).toBeInstanceOf(Date);
});

test('deleting an execution deletes its artifacts and leaves their audit', async () => {
  await migrate(database.databaseUrl);
  await client.query(`
    INSERT INTO executions (id, tenant_id) VALUES (gen_random_uuid(), 't');
    INSERT INTO artifacts (execution_id, file_name, file_path, file_size) SELECT id, 'a', 'k', 1 FROM executions;
    INSERT INTO artifact_events SELECT a.id, 0, execution_id, 't', now(), 'x', 'upload_begun' FROM artifacts a;
    DELETE FROM executions;`);
  expect((await client.query('SELECT 1 FROM artifacts')).rowCount).toBe(0);
  expect((await client.query('SELECT 1 FROM artifact_events')).rowCount).toBe(1);
});

test.each([
  `UPDATE artifact_events SET actor = 'someone else'`,
  'DELETE FROM artifact_events',
  'TRUNCATE artifact_events',
  `UPDATE artifact_share_events SET actor = 'someone else'`,
  'DELETE FROM artifact_share_events',
  'TRUNCATE artifact_share_events',
])('the audit refuses %s, even of its owner', async (statement) => {
  await migrate(database.databaseUrl);
  await expect(client.query(statement)).rejects.toThrow('append-only');
});

test('is database_unavailable when there is no server, or no such database', async () => {
  const nowhere = `postgresql://artifacts:secret-word@127.0.0.1:${await freePort()}/artifacts`;
  await expect(migrate(nowhere)).rejects.toMatchObject({
    code: 'database_unavailable',
    message: expect.not.stringContaining('secret-word') as string,
  });
  const missing = database.databaseUrl.replace(/[^/]+$/, 'not_there');
  await expect(migrate(missing)).rejects.toMatchObject({ code: 'database_unavailable' });
});

test('npm run migrate says what it applied, then that all is up to date, and fails with one line without a server', async () => {
  const command = (databaseUrl: string): Promise<{ stdout: string; stderr: string }> =>
    run('node', ['--import', 'tsx', 'src/migrate.ts'], { env: { ...process.env, DATABASE_URL: databaseUrl } });
  expect((await command(database.databaseUrl)).stdout).toBe(migrations.map((name) => `Applied ${name}\n`).join(''));
  expect((await command(database.databaseUrl)).stdout).toBe('The database is up to date.\n');
  const nowhere = `postgresql://a:b@127.0.0.1:${await freePort()}/c`;
  await expect(command(nowhere)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^Could not migrate the database: .*ECONNREFUSED.*\n$/) as string,
  });
});
