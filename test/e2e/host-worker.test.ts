import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { FileToUpload, UploadFilesQuery } from '../../src/domain/publish.js';
import { MIB_BYTES, MINUTE_MS, SECOND_MS } from '../../src/domain/units.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { bucketOf, clientOf, sha256Of } from '../support/e2e.js';
import type { StoreCall } from '../support/gates/store-gate.js';
import { writeFiles } from '../support/host.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import type { TestProcess } from '../support/test-process.js';
import type { driveScan, driveUpload } from '../support/workflows/drive-host.js';

const HOST = 'agent-host';
const TASK_QUEUE = 'drive-host';

let stack: TestStack;
let bucket: ObjectStore;
let root: string;
let client: Client;
let host: TestProcess;
let endDriver: () => Promise<void>;
beforeAll(async () => {
  stack = await startTestStack();
  bucket = bucketOf(stack);
  root = await realpath(await mkdtemp(join(tmpdir(), 'durable-artifacts-e2e-')));
  const connection = await Connection.connect({ address: stack.temporalAddress });
  client = new Client({ connection, namespace: stack.namespace });
  const driver = await startDriver();
  endDriver = async () => {
    await driver();
    await connection.close();
  };
  host = stack.hostWorker(HOST, [root]);
  await host.start();
});
afterAll(async () => {
  await endDriver();
  await stack.stop();
  bucket.close();
  await rm(root, { recursive: true, force: true });
});
beforeEach(() => {
  stack.gates.store.calls.length = 0;
});

async function startDriver(): Promise<() => Promise<void>> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const connection = await NativeConnection.connect({ address: stack.temporalAddress });
  const worker = await Worker.create({
    ...{ connection, namespace: stack.namespace, taskQueue: TASK_QUEUE },
    workflowsPath: fileURLToPath(new URL('../support/workflows/drive-host.ts', import.meta.url)),
  });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
    await connection.close();
  };
}

const scan = (folder: string) =>
  client.workflow.execute<typeof driveScan>('driveScan', {
    ...{ taskQueue: TASK_QUEUE, workflowId: randomUUID() },
    args: [
      { hostId: HOST, heartbeatTimeoutMs: MINUTE_MS },
      { tenantId: 'acme', folder, include: [], exclude: [], after: null, limit: 500 },
    ],
  });

const upload = (files: FileToUpload[], { executionId = randomUUID(), heartbeatTimeoutMs = MINUTE_MS } = {}) =>
  client.workflow.start<typeof driveUpload>('driveUpload', {
    ...{ taskQueue: TASK_QUEUE, workflowId: randomUUID() },
    args: [{ hostId: HOST, heartbeatTimeoutMs }, queryOf(executionId, files)],
  });

const queryOf = (executionId: string, files: FileToUpload[]): UploadFilesQuery => ({
  ...{ tenantId: 'acme', executionId, actor: 'agent-7', folder: '.', tags: {}, retentionDays: null },
  ...{ publicationId: null, files },
});

/** Files as a scan finds them, with ids. */
async function found(names: Record<string, Buffer>): Promise<FileToUpload[]> {
  await writeFiles(root, names);
  const { files } = await scan('.');
  return files.filter(({ file }) => file in names).map((file) => ({ ...file, artifactId: randomUUID() }));
}

const parts = (calls: StoreCall[]): number[] =>
  calls.flatMap(({ verb, partNumber }) => (verb === 'PUT' && partNumber !== null ? [partNumber] : []));

/** Parts that the store has of the one upload that is under way. */
async function storedParts(executionId: string): Promise<number[]> {
  const [pending] = await bucket.listUploads(`artifacts/${executionId}/`);
  const stored = pending === undefined ? [] : await bucket.listParts(pending.key, pending.uploadId);
  return (stored ?? []).map(({ partNumber }) => partNumber);
}

it('uploads what a scan finds, and refuses a link out of its root', async () => {
  await symlink('/etc/hostname', join(root, 'out.txt'));
  const files = await found({
    'a.txt': Buffer.from('a'),
    'logs/b.log': randomBytes(100),
    'c.bin': randomBytes(20 * MIB_BYTES),
  });
  expect(files).toHaveLength(3);
  expect((await scan('.')).refused).toMatchObject([{ file: 'out.txt', code: 'source_not_allowed' }]);
  const executionId = randomUUID();
  const results = await (await upload(files, { executionId })).result();
  expect(results.map(({ outcome }) => outcome)).toEqual(['uploaded', 'uploaded', 'uploaded']);
  const artifacts = await clientOf(stack, await stack.token()).listArtifacts(executionId);
  expect(artifacts.map(({ checksum }) => checksum).sort()).toEqual(results.map(({ sha256 }) => sha256).sort());
});

/** Begins a large upload and waits until some of its parts are there and others under way, which the store then holds. */
async function halfWay(heartbeatTimeoutMs: number) {
  const bytes = randomBytes(96 * MIB_BYTES);
  const executionId = randomUUID();
  const files = await found({ 'large.bin': bytes });
  const held = stack.gates.store.held.hold(
    { when: 'before', name: 'a part', skip: 3 },
    ({ verb, partNumber }) => verb === 'PUT' && partNumber !== null,
  );
  const run = await upload(files, { executionId, heartbeatTimeoutMs });
  await held.reached();
  await expect.poll(() => storedParts(executionId)).toHaveLength(3);
  return { run, executionId, sha256: sha256Of(bytes), before: await storedParts(executionId) };
}

it('that is killed in the middle of a large file is followed by another one, which sends only what was not there', async () => {
  const { run, sha256, before } = await halfWay(3 * SECOND_MS);
  await host.kill9();
  stack.gates.store.held.open();
  stack.gates.store.calls.length = 0;
  await host.start();
  expect(await run.result()).toMatchObject([{ outcome: 'uploaded', sha256 }]);
  const after = parts(stack.gates.store.calls);
  expect(after.filter((part) => before.includes(part))).toEqual([]);
  expect(new Set(after).size).toBe(after.length);
});

it('that is told to stop hands over, and what was sent is not sent again', async () => {
  // A worker that just went away would be missed when this test is over.
  const { run, sha256, before } = await halfWay(30 * MINUTE_MS);
  expect(await host.stop()).toBe(true);
  stack.gates.store.held.open();
  stack.gates.store.calls.length = 0;
  await host.start();
  expect(await run.result()).toMatchObject([{ outcome: 'uploaded', sha256 }]);
  expect(parts(stack.gates.store.calls).filter((part) => before.includes(part))).toEqual([]);
});

it('stops and removes what it began when the workflow is cancelled', async () => {
  const { run, executionId } = await halfWay(3 * SECOND_MS);
  await run.cancel();
  await expect.poll(() => bucket.listUploads(`artifacts/${executionId}/`)).toEqual([]);
  stack.gates.store.held.open();
  await expect(run.result()).rejects.toThrow(/cancelled/);
});
