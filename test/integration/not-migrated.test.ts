import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import type { Pool } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import { knownMigrations } from '../../src/db/migrations.js';
import { createPool } from '../../src/db/pool.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import { databaseChecks } from '../../src/operator/doctor/areas/database.js';
import { readyVerdict } from '../../src/operator/doctor/areas/api.js';
import { codeOf, startTestApi } from '../support/api.js';
import { runArtifacts, type CliResult } from '../support/cli.js';
import { examineArea, find } from '../support/doctor.js';
import { createEmptyDatabase, migrateUpTo, type TestDatabase } from '../support/postgres.js';

const run = promisify(execFile);
const LAST = knownMigrations().at(-1) ?? '';
const TOLD = 'artifacts migrate';

let database: TestDatabase;
let pool: Pool;
let records: ArtifactRecords & { close(): Promise<void> };

beforeEach(async () => {
  database = await createEmptyDatabase(inject('databaseUrl'));
  pool = createPool(database.databaseUrl);
  records = createArtifactRecords(pool);
});
afterEach(async () => {
  await records.close();
  await database.drop();
});

const artifacts = (...args: string[]): Promise<CliResult> =>
  runArtifacts(args, { cwd: tmpdir(), env: { DATABASE_URL: database.databaseUrl } });

const worker = (): Promise<unknown> =>
  run('node', ['--import', 'tsx', 'src/worker.ts'], { env: { ...process.env, DATABASE_URL: database.databaseUrl } });

describe.each([
  ['in which no migration ever ran', (): Promise<void> => Promise.resolve()],
  ['that lacks the last migration', (): Promise<void> => migrateUpTo(database.databaseUrl, LAST)],
])('a database %s', (_what, prepare) => {
  beforeEach(prepare);

  test('is told to be so by the readiness of the API, and keeps it from serving', async () => {
    const api = await startTestApi({ records });
    const response = await api.app.inject('/readyz');
    expect(response.statusCode).toBe(503);
    expect(response.json()).toMatchObject({
      status: 'unavailable',
      checks: { database: { ok: false, detail: 'The schema of the database is not that of this version.' } },
    });
    const body: unknown = response.json();
    expect(readyVerdict({ status: 503, body }).remedy).toContain(TOLD);
  });

  test('ends a command with what to do, and so does the worker before it takes any work', async () => {
    const [rebuild, started] = await Promise.allSettled([artifacts('rebuild'), worker()]);
    expect(rebuild).toMatchObject({
      value: {
        code: 5,
        err: expect.stringMatching(/^Error \(database_not_migrated\).*\n.*artifacts migrate/) as string,
      },
    });
    expect(started).toMatchObject({
      reason: { code: 1, stderr: expect.stringMatching(/^worker: .*migration.*artifacts migrate/m) as string },
    });
  });

  test('is a failure for the doctor, until artifacts migrate ran', async () => {
    const config = loadConfig({ DATABASE_URL: database.databaseUrl });
    const schema = find(await examineArea(databaseChecks(config)), 'schema');
    expect(schema.status).toBe('failed');
    expect(schema.remedy).toContain(TOLD);
    const { code, out } = await artifacts('migrate', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({ applied: expect.arrayContaining([LAST]) as string[] });
    expect(find(await examineArea(databaseChecks(config)), 'schema').status).toBe('ok');
    await records.ping();
  });
});

test('without tables every call is database_not_migrated, in the API a 503 that says what to do', async () => {
  const api = await startTestApi({ records });
  const lists = [`/v1/executions/${randomUUID()}/artifacts`, '/v1/artifacts', `/v1/artifacts/${randomUUID()}`];
  for (const url of lists) {
    const response = await api.send({ method: 'GET', url });
    expect([response.statusCode, codeOf(response)]).toEqual([503, 'database_not_migrated']);
    expect(response.json<{ remedy: string }>().remedy).toContain(TOLD);
    expect(response.headers['retry-after']).toBeDefined();
  }
  const last = await artifacts('reconcile', '--last');
  expect(last).toMatchObject({ code: 5, err: expect.stringContaining('database_not_migrated') as string });
});

test('a newer database serves as long as what is asked for is there', async () => {
  await migrateUpTo(database.databaseUrl, '9999');
  await pool.query(`INSERT INTO artifact_migrations (name, run_on) VALUES ('9999_newer', now())`);
  await records.ping();
  expect(await records.get(randomUUID())).toBeNull();
  expect((await artifacts('migrate')).out).toBe('The database is up to date.\n');
  await pool.query('ALTER TABLE artifacts RENAME COLUMN mime_type TO media_type');
  await expect(records.get(randomUUID())).rejects.toMatchObject({ code: 'database_not_migrated', retryable: true });
});

test('a migration that was left out is named, as nothing here can put that right', async () => {
  await migrateUpTo(database.databaseUrl, '9999');
  await pool.query('DELETE FROM artifact_migrations WHERE name = $1', [knownMigrations()[1]]);
  const { code, err } = await artifacts('migrate');
  expect(code).toBe(5);
  expect(err).toContain(`${knownMigrations()[1] ?? ''} is missing, though later migrations were applied`);
});
