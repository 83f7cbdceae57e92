import { randomUUID } from 'node:crypto';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { loadConfig, type Config } from '../../../src/config.js';
import { openBucketSettings } from '../../../src/deps.js';
import { wantedBucket } from '../../../src/domain/bucket/wanted.js';
import { applyBucket, bucketWishes } from '../../../src/operator/bucket/index.js';
import { databaseChecks } from '../../../src/operator/doctor/areas/database.js';
import { storeChecks } from '../../../src/operator/doctor/areas/store.js';
import { temporalChecks } from '../../../src/operator/doctor/areas/temporal.js';
import type { CheckResult } from '../../../src/operator/doctor/verdicts.js';
import { createLocalBucket } from '../../../src/storage/bucket/create-local-bucket.js';
import { ARTIFACT_PROBLEM } from '../../../src/workflows/search-attributes.js';
import { examineArea, find, storeEnv } from '../../support/doctor.js';
import { createEmptyDatabase, createTestDatabase, type TestDatabase } from '../../support/postgres.js';
import { createNamespace, s3ClientOf, type TestStackStore } from '../../support/stack.js';

const notFine = (checks: CheckResult[]): string[] =>
  checks.filter(({ status }) => status !== 'ok').map(({ check, status }) => `${check}: ${status}`);

describe('of a database the doctor', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase(inject('databaseUrl'));
  });
  afterAll(() => database.drop());

  const examineUrl = (databaseUrl: string): Promise<CheckResult[]> =>
    examineArea(databaseChecks(loadConfig({ DATABASE_URL: databaseUrl })));

  async function sql(...statements: string[]): Promise<void> {
    const client = new pg.Client({ connectionString: database.databaseUrl });
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  }

  test('says that all is well with one that is new', async () => {
    expect(notFine(await examineUrl(database.databaseUrl))).toEqual([]);
  });

  test('says that it was never migrated', async () => {
    const empty = await createEmptyDatabase(inject('databaseUrl'));
    const checks = await examineUrl(empty.databaseUrl);
    expect(find(checks, 'schema')).toMatchObject({ status: 'failed', fact: 'no migration ever ran here' });
    expect(find(checks, 'privileges').status).toBe('skipped');
    expect(find(checks, 'clock').status).toBe('ok');
    await empty.drop();
  });

  test('says which migrations are missing, and which it does not know', async () => {
    const note = 'INSERT INTO artifact_migrations (name, run_on)';
    await sql("DELETE FROM artifact_migrations WHERE name LIKE '0012%'");
    expect(find(await examineUrl(database.databaseUrl), 'schema')).toMatchObject({ status: 'failed' });
    expect(find(await examineUrl(database.databaseUrl), 'schema').fact).toContain('0012_usage');
    await sql(`${note} VALUES ('0012_usage', now())`, `${note} VALUES ('9999_to_come', now())`);
    expect(find(await examineUrl(database.databaseUrl), 'schema')).toMatchObject({
      ...{ status: 'degraded', fact: 'newer than this build: 9999_to_come' },
    });
    await sql("DELETE FROM artifact_migrations WHERE name = '9999_to_come'");
  });

  test('says what a user lacks, and tables that somebody has dropped', async () => {
    await sql(
      ...['REVOKE UPDATE, DELETE ON artifacts FROM CURRENT_USER', 'REVOKE UPDATE ON artifact_events FROM CURRENT_USER'],
    );
    const lacking = find(await examineUrl(database.databaseUrl), 'privileges');
    expect(lacking.status).toBe('failed');
    expect(lacking.fact).toBe('the user lacks DELETE on artifacts and UPDATE on artifacts');
    await sql('DROP TABLE artifact_share_events');
    expect(find(await examineUrl(database.databaseUrl), 'privileges').fact).toBe(
      'without artifact_share_events, though the migrations ran',
    );
  });

  test('names an index that is not valid', async () => {
    for (const id of [randomUUID(), randomUUID()])
      await sql(`INSERT INTO executions (id, tenant_id) VALUES ('${id}', 'acme')`);
    const half = 'CREATE UNIQUE INDEX CONCURRENTLY idx_half_made ON executions (tenant_id)';
    await expect(sql(half)).rejects.toThrow('could not create unique index');
    expect(find(await examineUrl(database.databaseUrl), 'indexes')).toMatchObject({
      ...{ status: 'degraded', fact: 'not valid: idx_half_made' },
      remedy: 'REINDEX INDEX CONCURRENTLY idx_half_made; for each of them.',
    });
  });

  test('says that it may only be read', async () => {
    const url = new URL(database.databaseUrl);
    url.searchParams.set('options', '-c default_transaction_read_only=on');
    expect(find(await examineUrl(url.href), 'writable')).toMatchObject({ status: 'failed' });
  });
});

describe('of Temporal the doctor', () => {
  let connection: Connection;

  beforeAll(async () => {
    connection = await Connection.connect({ address: inject('temporalAddress') });
  });
  afterAll(() => connection.close());

  const configFor = (namespace: string, more: Record<string, string> = {}): Config =>
    loadConfig({ TEMPORAL_ADDRESS: inject('temporalAddress'), TEMPORAL_NAMESPACE: namespace, ...more });

  test('says that nobody works, which lives have a problem, and that the schedule is paused', async () => {
    const namespace = await createNamespace(connection);
    const client = new Client({ connection, namespace });
    const workflowId = `artifact/${randomUUID()}`;
    await client.workflow.start('artifactLifecycle', {
      ...{ taskQueue: 'artifact-lifecycle', workflowId },
      typedSearchAttributes: [{ key: ARTIFACT_PROBLEM, value: 'content_mismatch' }],
    });
    await client.schedule.create({
      scheduleId: 'artifact-reconcile',
      spec: { intervals: [{ every: '1 day' }] },
      action: { type: 'startWorkflow', workflowType: 'reconcile', taskQueue: 'artifact-lifecycle' },
      state: { paused: true, note: 'moving house' },
    });
    await expect.poll(() => client.workflow.count('ArtifactProblem IS NOT NULL').then(({ count }) => count)).toBe(1);
    const checks = await examineArea(temporalChecks(configFor(namespace), ['gpu-7']));
    expect(find(checks, 'lives')).toMatchObject({
      ...{ status: 'degraded', fact: `1 run; 1 workflow has a problem: ${workflowId}` },
    });
    expect(find(checks, 'reconcile schedule')).toMatchObject({
      ...{ status: 'degraded', fact: 'it is paused: moving house' },
    });
    expect(find(checks, 'queue artifact-lifecycle')).toMatchObject({
      ...{ status: 'failed', fact: 'no worker asks for work' },
    });
    expect(find(checks, 'queue artifact-upload.gpu-7').status).toBe('degraded');
    expect(find(checks, 'search attributes').status).toBe('ok');
    expect(find(checks, 'clock').status).toBe('ok');
  });

  test('says that rows have no lives, as when Temporal was lost', async () => {
    const database = await createTestDatabase(inject('databaseUrl'));
    const client = new pg.Client({ connectionString: database.databaseUrl });
    await client.connect();
    const config = configFor(await createNamespace(connection), { DATABASE_URL: database.databaseUrl });
    const lives = async () => find(await examineArea(temporalChecks(config, [])), 'lives');
    const insert = async (age: string, status: string): Promise<void> => {
      const id = randomUUID();
      await client.query(`INSERT INTO executions (id, tenant_id) VALUES ($1, 'acme')`, [id]);
      await client.query(
        `INSERT INTO artifacts (execution_id, file_name, file_path, file_size, status, created_at, quota_tenant)
         VALUES ($1, 'a', 'a', 1, $2, now() - $3::interval, 'acme')`,
        [id, status, age],
      );
    };
    await insert('1 second', 'ACTIVE');
    await insert('1 hour', 'DELETED');
    expect(await lives()).toMatchObject({ status: 'ok' });
    await insert('1 hour', 'ACTIVE');
    expect(await lives()).toMatchObject({
      ...{ status: 'failed', remedy: expect.stringContaining('artifacts rebuild') as string },
    });
    await client.end();
    await database.drop();
  });

  test('says which search attributes are missing, and that what has ended is kept for too short a time', async () => {
    const namespace = `doctor-${randomUUID()}`;
    await connection.workflowService.registerNamespace({
      ...{ namespace, workflowExecutionRetentionPeriod: msToTs('1 hour') },
    });
    const config = configFor(namespace);
    const examined = () => examineArea(temporalChecks(config, []));
    // The server needs a moment until it knows a new namespace everywhere.
    await expect
      .poll(async () => find(await examined(), 'search attributes').fact)
      .toContain('not registered: ArtifactState, ArtifactTier');
    const checks = await examined();
    expect(find(checks, 'namespace').status).toBe('degraded');
    expect(find(checks, 'lives')).toMatchObject({
      ...{ status: 'skipped', fact: 'not asked, because of "search attributes"' },
    });
  });

  test('says that no version of a worker deployment gets the work', async () => {
    const config = configFor('default', { WORKER_DEPLOYMENT_NAME: 'artifacts', WORKER_BUILD_ID: 'b1' });
    const versions = find(await examineArea(temporalChecks(config, [])), 'worker versions');
    expect(versions).toMatchObject({ status: 'failed', fact: 'artifacts: current is none, running none' });
  });
});

describe('of a store the doctor', () => {
  const bucket = (): TestStackStore => ({
    ...{ endpoint: inject('moto').endpoint, region: 'us-east-1', bucket: `doctor-${randomUUID()}` },
    ...{ accessKeyId: 'any', secretAccessKey: 'any' },
  });
  const examineStore = (store: TestStackStore, more: Record<string, string> = {}): Promise<CheckResult[]> =>
    examineArea(storeChecks(loadConfig({ ...storeEnv(store), ...more }), new AbortController().signal));

  test('says what moto does not do, and that it has classes and restores', async () => {
    const store = bucket();
    await createLocalBucket(store);
    const checks = await examineStore(store, { S3_PUBLIC_ENDPOINT: store.endpoint.replace('127.0.0.1', 'localhost') });
    expect(notFine(checks)).toEqual([
      // Which one this is, only a database can say.
      'databases: skipped',
      ...['checksums: degraded', 'expiry of URLs: degraded', 'forged URLs: degraded'],
      ...['lifecycle rules: degraded', 'CORS: skipped', 'bucket settings: degraded'],
    ]);
    expect(find(checks, 'restore').fact).toBe('what is in GLACIER can be asked back');
    expect(find(checks, 'public endpoint').status).toBe('ok');
  });

  test('is content with a bucket that was applied, until somebody adds a rule that may delete what is kept', async () => {
    const store = bucket();
    await createLocalBucket(store);
    const config = loadConfig(storeEnv(store));
    const settings = openBucketSettings(config);
    await applyBucket(settings, wantedBucket(bucketWishes(config, { corsOrigins: ['https://app.example'] })));
    const applied = await examineStore(store);
    expect(find(applied, 'lifecycle rules')).toMatchObject({ status: 'ok', fact: '6 of ours, as wanted' });
    expect(find(applied, 'CORS')).toMatchObject({ status: 'ok', fact: 'for https://app.example' });
    const byAge = find(await examineStore(store, { TIER_BY: 'last_access' }), 'lifecycle rules');
    expect(byAge).toMatchObject({ status: 'degraded' });
    expect(byAge.fact).toContain('TransitionToIA and TransitionToGlacier');

    const { Rules, ...rest } = (await settings.read('lifecycle')) as { Rules: object[] };
    const sweep = { ID: 'sweep', Status: 'Enabled', Filter: { Prefix: '' }, Expiration: { Days: 30 } };
    await settings.write('lifecycle', { ...rest, Rules: [...Rules, sweep] });
    settings.close();
    expect(find(await examineStore(store), 'lifecycle rules')).toMatchObject({
      ...{ status: 'failed', fact: 'the rule sweep may delete artifacts that are permanent, held or live longer' },
    });
  });

  test('says that a bucket keeps no versions, and that nothing can be undone there', async () => {
    const store = bucket();
    const client = s3ClientOf(store);
    await client.send(new CreateBucketCommand({ Bucket: store.bucket }));
    client.destroy();
    const checks = await examineStore(store, { S3_PUBLIC_ENDPOINT: 'http://127.0.0.1:9' });
    expect(find(checks, 'versions')).toMatchObject({ status: 'degraded', fact: 'the bucket keeps no versions' });
    expect(find(checks, 'undelete').fact).toContain('but the bucket keeps no versions');
    expect(find(checks, 'public endpoint')).toMatchObject({
      ...{ status: 'degraded', fact: 'http://127.0.0.1:9 does not answer from here' },
    });
  });
});
