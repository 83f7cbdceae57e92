import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createPool } from '../../src/db/pool.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { manifestKey } from '../../src/domain/keys.js';
import { LISTED_STATUSES, manifestEntry, type Manifest } from '../../src/domain/manifest.js';
import { ArtifactError, type Artifact, type ArtifactClient } from '../../src/sdk/index.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { aFile, bucketOf, clientOf } from '../support/e2e.js';
import { startTestStack, type TestStack } from '../support/stack.js';

const UPLOADS = 500;
const AT_ONCE = 32;
/** Uploads that are done when the worker is killed. */
const KILL_AT = 150;

let stack: TestStack;
let client: ArtifactClient;
let bucket: ObjectStore;
let records: ReturnType<typeof createArtifactRecords>;
beforeAll(async () => {
  stack = await startTestStack();
  client = clientOf(stack, await stack.token());
  bucket = bucketOf(stack);
  records = createArtifactRecords(createPool(stack.databaseUrl));
});
afterAll(async () => {
  client.close();
  bucket.close();
  await records.close();
  await stack.stop();
});

/** As any caller would: what fails while the worker is away is asked for again. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ArtifactError) || !error.retryable) throw error;
      await sleep(250);
    }
  }
}

async function rowsOf(executionId: string): Promise<ArtifactRecord[]> {
  const rows: ArtifactRecord[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const query = { executionId, limit: 200, status: LISTED_STATUSES, sort: 'oldest' as const };
    const page = await records.list(cursor === undefined ? query : { ...query, cursor });
    rows.push(...page.items);
    cursor = page.nextCursor;
  }
  return rows;
}

async function manifestOf(executionId: string): Promise<Manifest | null> {
  const body = await bucket.read({ key: manifestKey(executionId) });
  return body === null ? null : (JSON.parse(Buffer.concat(await body.toArray()).toString()) as Manifest);
}

/** Waits until the manifest says what the rows say, and tells how long that took. */
async function settled(executionId: string): Promise<number> {
  const startMs = Date.now();
  const rows = await rowsOf(executionId);
  const expected: unknown = JSON.parse(JSON.stringify(rows.map(manifestEntry)));
  await expect.poll(async () => (await manifestOf(executionId))?.artifacts, { interval: 200 }).toEqual(expected);
  const { artifactCount, totalBytes } = (await manifestOf(executionId)) ?? {};
  const bytes = rows.reduce((sum, row) => sum + (row.sizeBytes ?? 0), 0);
  expect({ artifactCount, totalBytes }).toEqual({ artifactCount: rows.length, totalBytes: bytes });
  return Date.now() - startMs;
}

describe('metadata.json of an execution', () => {
  it(
    `equals the rows after ${UPLOADS} uploads at once, deletions, new retentions and a worker that was killed`,
    { timeout: 900_000 },
    async () => {
      const executionId = randomUUID();
      const startMs = Date.now();
      const done: Artifact[] = [];
      let next = 0;
      let isKilled = false;

      /** Every tenth is deleted, every tenth is kept for ever, every tenth gets other days. */
      async function changeMind({ id }: Artifact, index: number): Promise<void> {
        if (index % 10 === 3) await insist(() => client.deleteArtifact(id));
        if (index % 10 === 5) await insist(() => client.keepForever(id, 'case 17'));
        if (index % 10 === 7) await insist(() => client.setRetention(id, 90));
      }
      async function killWorker(): Promise<void> {
        isKilled = true;
        await stack.kill9Worker();
        await stack.startWorker();
      }
      async function work(): Promise<void> {
        for (let index = next++; index < UPLOADS; index = next++) {
          const { bytes } = aFile(100 + index);
          const artifact = await insist(() =>
            client.uploadArtifact(executionId, bytes, {
              fileName: `part-${index}.bin`,
              tags: { index: String(index) },
            }),
          );
          done.push(artifact);
          if (done.length >= KILL_AT && !isKilled) await killWorker();
          await changeMind(artifact, index);
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, work));
      const workMs = Date.now() - startMs;

      const settledMs = await settled(executionId);
      console.log(`${UPLOADS} uploads in ${workMs} ms; the manifest was true ${settledMs} ms later`);
      expect((await manifestOf(executionId))?.artifacts).toHaveLength(UPLOADS * 0.9);
      // The last write may have been read before it had removed the one before it.
      const versions = () => bucket.listVersions(manifestKey(executionId));
      await expect.poll(versions).toHaveLength(1);
      expect(await bucket.listUploads(manifestKey(executionId))).toEqual([]);
    },
  );

  it('is gone with the last artifact, and back with the next', async () => {
    const executionId = randomUUID();
    const upload = () => client.uploadArtifact(executionId, aFile(10).bytes, { fileName: randomUUID() });
    await Promise.all([upload(), upload()]);
    await settled(executionId);
    expect(await client.deleteExecutionArtifacts(executionId)).toBe(2);
    const versions = () => bucket.listVersions(manifestKey(executionId));
    await expect.poll(versions, { interval: 200 }).toEqual([]);
    await upload();
    await settled(executionId);
    expect(await versions()).toHaveLength(1);
  });

  it('is written once more when an operator asks for it', async () => {
    const executionId = randomUUID();
    const key = manifestKey(executionId);
    await client.uploadArtifact(executionId, aFile(10).bytes, { fileName: 'a.txt' });
    await settled(executionId);
    for (const { versionId } of await bucket.listVersions(key)) await bucket.deleteVersion(key, versionId);
    await promisify(execFile)(inject('temporalBinary'), [
      ...['workflow', 'signal-with-start', '--workflow-id', `execution/${executionId}`, '--type', 'executionManifest'],
      ...['--task-queue', 'artifact-lifecycle', '--input', JSON.stringify({ executionId })],
      ...['--signal-name', 'executionChanged', '--address', stack.temporalAddress, '--namespace', stack.namespace],
    ]);
    await settled(executionId);
  });

  it('follows the retention of the execution', async () => {
    const executionId = randomUUID();
    await client.uploadArtifact(executionId, aFile(10).bytes, { fileName: 'a.txt' });
    await client.setExecutionRetention(executionId, 7);
    await expect
      .poll(async () => (await manifestOf(executionId))?.artifacts[0]?.retention)
      .toEqual({ rule: 'execution', days: 7 });
    expect(await manifestOf(executionId)).toMatchObject({ tenantId: 'acme', retentionDays: 7 });
  });
});
