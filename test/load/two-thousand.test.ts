import { randomUUID } from 'node:crypto';
import { ListObjectVersionsCommand, S3Client, type ListObjectVersionsCommandOutput } from '@aws-sdk/client-s3';
import { Client as PgClient } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ArtifactClient } from '../../src/sdk/index.js';
import { aFile, bucketOf, clientOf } from '../support/e2e.js';
import { startTestStack, type TestStack } from '../support/stack.js';

const COUNT = 2_000;
const UPLOADS_AT_ONCE = 24;
const DAYS = 100;
const DAY_MS = 86_400_000;
/** Where uploading them takes longer than that, as long as that takes: then the machine is slow. */
const RETENTION_LIMIT_MS = 60_000;

let stack: TestStack;
let client: ArtifactClient;
let database: PgClient;
beforeAll(async () => {
  // Without an undelete window a deletion removes every version at once.
  stack = await startTestStack({ env: { UNDELETE_DAYS: '0' } });
  client = clientOf(stack, await stack.token({ expiresInSeconds: 3_600 }));
  database = new PgClient({ connectionString: stack.databaseUrl });
  await database.connect();
});
afterAll(async () => {
  client.close();
  await database.end();
  await stack.stop();
});

it('two thousand artifacts follow their execution within a minute, and are deleted to the last byte', async () => {
  const executionId = randomUUID();
  const uploadMs = await timed('uploaded', () => uploadAll(executionId));
  const timeout = Math.max(RETENTION_LIMIT_MS, uploadMs);

  await timed(`on a retention of ${DAYS} days`, async () => {
    await client.setExecutionRetention(executionId, DAYS);
    await expect.poll(() => wrongRows(executionId), { timeout, interval: 500 }).toBe(0);
  });
  const rows = await client.listArtifacts(executionId);
  expect(rows).toHaveLength(COUNT);
  for (const { createdAt, expiresAt } of rows)
    expect((expiresAt?.getTime() ?? 0) - createdAt.getTime()).toBe(DAYS * DAY_MS);

  expect(await objectsOf(executionId)).toHaveLength(COUNT);
  await timed('deleted', async () => {
    expect(await client.deleteExecutionArtifacts(executionId)).toBe(COUNT);
  });
  expect(await client.listArtifacts(executionId)).toEqual([]);
  expect(await client.listArtifacts(executionId, { status: 'DELETED' })).toHaveLength(COUNT);
  expect(await objectsOf(executionId)).toEqual([]);
  const bucket = bucketOf(stack);
  expect(await bucket.listUploads(`artifacts/${executionId}/`)).toEqual([]);
  bucket.close();
}, 3_000_000);

/** @returns how long it took, in ms. */
async function timed(what: string, work: () => Promise<void>): Promise<number> {
  const startedAtMs = Date.now();
  await work();
  const tookMs = Date.now() - startedAtMs;
  const seconds = tookMs / 1_000;
  console.log(`${COUNT} artifacts ${what}: ${seconds.toFixed(1)} s, ${(COUNT / seconds).toFixed(0)} per second`);
  return tookMs;
}

async function uploadAll(executionId: string): Promise<void> {
  const names = Array.from({ length: COUNT }, (_, index) => `file-${index}.txt`).values();
  const work = async (): Promise<void> => {
    for (const fileName of names) await client.uploadArtifact(executionId, aFile(100).bytes, { fileName });
  };
  await Promise.all(Array.from({ length: UPLOADS_AT_ONCE }, work));
}

async function wrongRows(executionId: string): Promise<number> {
  const { rows } = await database.query<{ wrong: string }>(
    `SELECT count(*) AS wrong FROM artifacts WHERE execution_id = $1
       AND expires_at IS DISTINCT FROM created_at + $2 * interval '24 hours'`,
    [executionId, DAYS],
  );
  return Number(rows[0]?.wrong);
}

/** Every version and delete marker of the artifacts' own objects. `metadata.json` belongs to the execution, not to one of them. */
async function objectsOf(executionId: string): Promise<string[]> {
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = stack.store;
  const s3 = new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
  const prefix = `artifacts/${executionId}/`;
  const found = new Set<string>();
  let page: ListObjectVersionsCommandOutput | undefined;
  do {
    const after = { KeyMarker: page?.NextKeyMarker, VersionIdMarker: page?.NextVersionIdMarker };
    page = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...after }));
    for (const { Key = '', VersionId = '' } of [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])])
      // A page may begin with the last one of the page before.
      if (Key !== `${prefix}metadata.json`) found.add(`${Key} ${VersionId}`);
  } while (page.IsTruncated === true);
  s3.destroy();
  return [...found];
}
