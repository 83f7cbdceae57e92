import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Manifest } from '../../src/domain/manifest.js';
import { manifestKey } from '../../src/domain/keys.js';
import { MIB_BYTES, SECOND_MS } from '../../src/domain/units.js';
import type { ArtifactClient } from '../../src/sdk/index.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { publicationOptions, type publishOutputs } from '../../src/temporal/for-clients.js';
import { LIFECYCLE_TASK_QUEUE, publicationGuardWorkflowId, publicationWorkflowId } from '../../src/temporal/ids.js';
import type { publicationGuard } from '../../src/workflows/publication-guard.js';
import { bucketOf, clientOf, sha256Of } from '../support/e2e.js';
import { writeFiles } from '../support/host.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import type { TestProcess } from '../support/test-process.js';

const HOST = 'agent-host';

let stack: TestStack;
let bucket: ObjectStore;
let root: string;
let host: TestProcess;
let client: ArtifactClient;
beforeAll(async () => {
  stack = await startTestStack();
  bucket = bucketOf(stack);
  root = await realpath(await mkdtemp(join(tmpdir(), 'durable-artifacts-publish-')));
  client = clientOf(stack, await stack.token());
  host = stack.hostWorker(HOST, [root]);
  await host.start();
});
afterAll(async () => {
  client.close();
  await stack.stop();
  bucket.close();
  await rm(root, { recursive: true, force: true });
});

const uploadedOf = async (executionId: string, publicationId: string): Promise<number> =>
  (await client.getPublication(executionId, publicationId)).counts.uploaded;
/** How often bytes of files were sent; the manifest is written when it is due. */
const puts = (executionId: string): number =>
  stack.gates.store.calls.filter(({ verb, key }) => verb === 'PUT' && key !== manifestKey(executionId)).length;
const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`many/${i}.txt`, `file ${i}`]));

/** Has looked how many artifacts anybody can see, and looks on and on until it is told to stop, and once more; answers with every number it saw. */
async function watch(executionId: string): Promise<{ stop(): Promise<Set<number>> }> {
  const seen = new Set<number>();
  let isDone = false;
  const look = async (): Promise<void> => {
    const artifacts = await client.listArtifacts(executionId).catch(() => null);
    if (artifacts !== null) seen.add(artifacts.length);
  };
  const lookOnAndOn = async (): Promise<void> => {
    while (!isDone) await look();
  };
  await look();
  const looking = lookOnAndOn();
  return {
    stop: async () => {
      isDone = true;
      await looking;
      await look();
      return seen;
    },
  };
}

/** What the bucket has below an execution: keys of uploads that are open, and of objects but the manifest. */
async function remains(executionId: string, paths: string[]): Promise<string[]> {
  const found = (await bucket.listUploads(`artifacts/${executionId}/`)).map(({ key }) => key);
  for (const path of paths) {
    const key = `artifacts/${executionId}/${path}`;
    if ((await bucket.listVersions(key)).length > 0) found.push(key);
  }
  return found;
}

it('publishes a folder with logs, an ignore file and a large file; published again, nothing is sent', async () => {
  const large = randomBytes(20 * MIB_BYTES);
  await writeFiles(join(root, 'turn'), {
    '.artifactsignore': '*.tmp\n',
    'report.md': '# done',
    'logs/agent.log': 'did it',
    'scratch.tmp': 'no',
    'data/large.bin': large,
  });
  const executionId = randomUUID();
  const wish = { hostId: HOST, folder: 'turn', tags: { turn: '1' } };
  const published = await client.publish(executionId, wish);
  expect(published).toMatchObject({ outcome: 'published', counts: { uploaded: 3, failed: 0 } });
  const artifacts = await client.listArtifacts(executionId);
  expect(artifacts.map(({ path, type }) => [path, type]).sort()).toEqual([
    ['logs/agent.log', 'log'],
    ['output/data/large.bin', 'other'],
    ['output/report.md', 'document'],
  ]);
  const stored = artifacts.find(({ path }) => path === 'output/data/large.bin');
  expect(stored).toMatchObject({ checksum: sha256Of(large), tags: { turn: '1' }, status: 'ACTIVE' });

  const before = puts(executionId);
  const again = await client.publish(executionId, wish);
  expect(again.counts).toMatchObject({ found: 3, uploaded: 0, unchanged: 3 });
  expect(puts(executionId)).toBe(before);

  await writeFiles(join(root, 'turn'), { 'report.md': '# done, and more' });
  expect(await client.publish(executionId, wish)).toMatchObject({
    outcome: 'partial',
    failures: [{ file: 'report.md', code: 'path_taken' }],
  });
  const replaced = await client.publish(executionId, { ...wish, replace: true });
  expect(replaced).toMatchObject({ outcome: 'published', counts: { uploaded: 1, unchanged: 2 } });
});

/** A publication of all or nothing: its small files are there, and the second part of its large one is held on its way. */
async function heldInTheMiddle(folder: string, smallFiles: number) {
  await writeFiles(join(root, folder), { ...many(smallFiles), 'large.bin': randomBytes(24 * MIB_BYTES) });
  const executionId = randomUUID();
  const held = stack.gates.store.held.hold(
    { when: 'before', name: 'a part', skip: 1 },
    ({ verb, partNumber }) => verb === 'PUT' && partNumber !== null,
  );
  const publicationId = await client.startPublication(executionId, { hostId: HOST, folder, allOrNothing: true });
  const watching = await watch(executionId);
  await held.reached();
  await expect.poll(() => uploadedOf(executionId, publicationId)).toBe(smallFiles);
  return { executionId, publicationId, watching };
}

it('all or nothing is never half visible, whoever is killed in the middle of it', async () => {
  const folder = 'killed';
  const { executionId, publicationId, watching } = await heldInTheMiddle(folder, 60);
  await Promise.all([host.kill9(), stack.kill9Worker(), stack.kill9Api()]);
  stack.gates.store.held.open();
  await Promise.all([host.start(), stack.startWorker(), stack.startApi()]);
  const published = await client.publish(executionId, { hostId: HOST, folder, allOrNothing: true, publicationId });
  expect(published).toMatchObject({ publicationId, outcome: 'published', counts: { uploaded: 61, failed: 0 } });
  expect(await client.listArtifacts(executionId)).toHaveLength(61);
  const seen = await watching.stop();
  expect([...seen].sort((a, b) => a - b)).toEqual([0, 61]);
  const manifest = async (): Promise<number> => {
    const body = await bucket.read({ key: manifestKey(executionId) });
    if (body === null) return 0;
    return (JSON.parse(Buffer.concat(await body.toArray()).toString()) as Manifest).artifactCount;
  };
  await expect.poll(manifest).toBe(61);
});

it('all or nothing that is cancelled leaves nothing, neither to see nor in the bucket', async () => {
  const folder = 'cancelled';
  const { executionId, publicationId, watching } = await heldInTheMiddle(folder, 20);
  await client.cancelPublication(executionId, publicationId);
  const outcome = async () => (await client.getPublication(executionId, publicationId)).outcome;
  await expect.poll(outcome).toBe('cancelled');
  stack.gates.store.held.open();
  expect([...(await watching.stop())]).toEqual([0]);
  const paths = ['output/large.bin', ...Object.keys(many(20)).map((file) => `output/${file}`)];
  await expect.poll(() => remains(executionId, paths)).toEqual([]);
});

it('all or nothing whose workflow is terminated leaves nothing either: its guard sees to that, and to its end', async () => {
  const folder = 'terminated';
  const { executionId, publicationId, watching } = await heldInTheMiddle(folder, 5);
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const { workflow } = new Client({ connection, namespace: stack.namespace });
  try {
    const guarded = workflow.getHandle(publicationGuardWorkflowId(executionId, publicationId));
    expect((await guarded.describe()).status.name).toBe('RUNNING');
    const ids = { publicationId, executionId, tenantId: 'acme', actor: 'agent' };
    const guard = await workflow.start<typeof publicationGuard>('publicationGuard', {
      workflowId: `impatient/${publicationId}`,
      taskQueue: LIFECYCLE_TASK_QUEUE,
      args: [{ ...ids, hostId: HOST, folder, allOrNothing: true, lookEveryMs: SECOND_MS / 2 }],
    });
    await workflow.getHandle(publicationWorkflowId(executionId, publicationId)).terminate('by an operator');
    await guard.result();
    stack.gates.store.held.open();
    expect([...(await watching.stop())]).toEqual([0]);
    expect(await client.getPublication(executionId, publicationId)).toMatchObject({
      outcome: 'failed',
      counts: { uploaded: 5 },
      problem: { code: 'aborted' },
    });
    const paths = ['output/large.bin', ...Object.keys(many(5)).map((file) => `output/${file}`)];
    await expect.poll(() => remains(executionId, paths)).toEqual([]);
  } finally {
    await connection.close();
  }
});

const run = promisify(execFile);

it('the example of an agent job needs nothing but a Temporal client; a host that is not there is a failure of that kind', async () => {
  const connection = await Connection.connect({ address: stack.temporalAddress });
  const temporal = new Client({ connection, namespace: stack.namespace });
  const execute = (request: { hostId: string; hostTimeoutMs?: number }) => {
    const ids = { publicationId: randomUUID(), executionId: randomUUID(), tenantId: 'acme', actor: 'job' };
    const options = publicationOptions({ ...ids, folder: 'job', ...request });
    return temporal.workflow.execute<typeof publishOutputs>('publishOutputs', options);
  };
  try {
    const executionId = randomUUID();
    const { stdout } = await run(process.execPath, ['--import', 'tsx', 'examples/agent-job/job.ts'], {
      env: {
        ...process.env,
        TEMPORAL_ADDRESS: stack.temporalAddress,
        TEMPORAL_NAMESPACE: stack.namespace,
        ...{ UPLOAD_HOST_ID: HOST, TENANT: 'acme', EXECUTION_ID: executionId, OUTPUT_FOLDER: join(root, 'job') },
      },
    });
    expect(stdout).toContain('published, 2 uploaded');
    const artifacts = await client.listArtifacts(executionId);
    expect(artifacts.map(({ path }) => path).sort()).toEqual([
      expect.stringMatching(/^logs\/.*\.log$/),
      'output/answer.md',
    ]);
    const failure: unknown = await execute({ hostId: 'nobody', hostTimeoutMs: SECOND_MS }).catch((e: unknown) => e);
    expect(failure).toBeInstanceOf(WorkflowFailedError);
    expect(failure).toMatchObject({ cause: { type: 'host_unreachable' } });
    await expect(client.publish(randomUUID(), { hostId: 'nobody', folder: 'job' })).rejects.toMatchObject({
      code: 'host_unreachable',
    });
  } finally {
    await connection.close();
  }
});
