import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Pool } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createActivities } from '../../src/activities/index.js';
import { createPool } from '../../src/db/pool.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import { manifestKey } from '../../src/domain/keys.js';
import type { Manifest } from '../../src/domain/manifest.js';
import { createLocalBucket } from '../../src/storage/bucket/create-local-bucket.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { createS3ObjectStore } from '../../src/storage/s3/index.js';
import { newArtifact } from '../support/new-artifact.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { CAPABLE_OF_ALL, NO_OTHERS, SETTINGS } from '../support/virtual-time/virtual-artifact.js';

/** Several parts of a multipart upload, a hundred pages of rows. */
const ARTIFACTS = 20_000;

let database: TestDatabase;
let pool: Pool;
let store: ObjectStore;
beforeAll(async () => {
  database = await createTestDatabase(inject('databaseUrl'));
  pool = createPool(database.databaseUrl);
  const { endpoint, accessKey: accessKeyId, secretKey: secretAccessKey } = inject('versitygw');
  const bucket = `manifest-${randomUUID()}`;
  await createLocalBucket({ endpoint, bucket, accessKeyId, secretAccessKey });
  store = createS3ObjectStore({ endpoint, bucket, region: 'us-east-1', credentials: { accessKeyId, secretAccessKey } });
});
afterAll(async () => {
  store.close();
  await pool.end();
  await database.drop();
});

test(`a manifest of ${ARTIFACTS} artifacts is whole, in parts that are joined, and replaced by the next`, async () => {
  const records = createArtifactRecords(pool);
  const { executionId } = await records.register(newArtifact());
  await pool.query(
    `INSERT INTO artifacts (execution_id, file_name, file_path, file_size, created_at, status)
     SELECT $1::uuid, 'f', 'artifacts/' || $1::uuid || '/output/' || n, n, now() + n * interval '1 microsecond', 'ACTIVE'
     FROM generate_series(1, $2::integer) AS n`,
    [executionId, ARTIFACTS],
  );
  // As the database does by itself a minute later.
  await pool.query('ANALYZE artifacts');
  const activities = createActivities({
    ...{ records, store, lives: NO_OTHERS, capabilities: CAPABLE_OF_ALL, settings: SETTINGS },
  });
  const write = () => new MockActivityEnvironment().run((id: string) => activities.writeManifest(id), executionId);
  const key = manifestKey(executionId);
  for (let times = 1; times <= 2; times += 1) {
    expect(await write()).toBe(ARTIFACTS);
    expect(await store.listVersions(key)).toHaveLength(1);
    expect(await store.listUploads(key)).toEqual([]);
  }
  expect((await store.head({ key }))?.etag).toMatch(/-\d+"?$/);
  const body = await store.read({ key });
  const { artifacts, artifactCount, totalBytes } = JSON.parse(
    Buffer.concat((await body?.toArray()) ?? []).toString(),
  ) as Manifest;
  // Sizes tell the rows apart, and were given in the order of creation.
  expect(artifacts.map(({ fileSize }) => fileSize)).toEqual(Array.from({ length: ARTIFACTS }, (_, index) => index + 1));
  expect({ artifactCount, totalBytes }).toEqual({
    artifactCount: ARTIFACTS,
    totalBytes: (ARTIFACTS * (ARTIFACTS + 1)) / 2,
  });
});
