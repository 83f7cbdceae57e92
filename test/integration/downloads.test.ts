import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { buildApp } from '../../src/api/app.js';
import { loadConfig } from '../../src/config.js';
import { openRecords, openStore } from '../../src/deps.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { ArtifactClient } from '../../src/sdk/index.js';
import { createLocalBucket } from '../../src/storage/bucket/create-local-bucket.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { API_SECRET, sha256Of, tokenFor } from '../support/api.js';
import { FakeLifecycle } from '../support/fake-lifecycle.js';
import { FakePublications } from '../support/fake-publications.js';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { unzip } from '../support/unzip.js';
import { eventually } from '../support/eventually.js';

/*
 * The API over a real Postgres and a real store, to which every connection is seen.
 */

let database: TestDatabase;
let app: FastifyInstance;
let records: ReturnType<typeof openRecords>['records'];
let store: ObjectStore;
let url: string;
let token: string;
/** Connections to the store that are open now. */
const toStore = new Set<Socket>();
const closing: (() => Promise<unknown> | void)[] = [];

beforeAll(async () => {
  database = await createTestDatabase(inject('databaseUrl'));
  const { endpoint, accessKey, secretKey } = inject('versitygw');
  const target = new URL(endpoint);
  const proxy = createServer((client) => {
    const upstream = connect(Number(target.port), target.hostname);
    toStore.add(client);
    client.on('close', () => toStore.delete(client));
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.pipe(to);
    }
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const bucket = `downloads-${randomUUID()}`;
  await createLocalBucket({ endpoint, bucket, accessKeyId: accessKey, secretAccessKey: secretKey });
  const config = loadConfig({
    AUTH_JWT_SECRET: API_SECRET,
    DATABASE_URL: database.databaseUrl,
    S3_ENDPOINT: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    S3_BUCKET: bucket,
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
  });
  const opened = openRecords(config);
  ({ records } = opened);
  store = openStore(config);
  // Nothing is changed here.
  const lifecycle = new FakeLifecycle({
    records: new MemoryArtifactRecords(),
    store: new MemoryObjectStore(),
    nowMs: Date.now,
  });
  app = await buildApp({
    ...{ records, shares: opened.shares, reconciliations: opened.reconciliations },
    ...{ store, lifecycle, publications: new FakePublications(), config },
    log: { level: 'silent' },
  });
  url = await app.listen({ host: '127.0.0.1', port: 0 });
  token = await tokenFor();
  closing.push(
    () => app.close(),
    () => store.close(),
    () => opened.close(),
    () => database.drop(),
    () => void proxy.close(),
  );
});

afterAll(async () => {
  for (const close of closing) await close();
});

/** An ACTIVE artifact, written past the workflow. */
async function stored(executionId: string, path: string, bytes: Buffer): Promise<string> {
  const sha256 = sha256Of(bytes);
  const facts = { tenantId: 'acme', executionId, path, sizeBytes: bytes.length, sha256 };
  const record = await records.register(newArtifact(facts));
  const { versionId } = await store.put(objectAtCreation(record), bytes);
  await records.change(changeOf(record.id, 1, { status: 'ACTIVE', versionId }));
  return record.id;
}

const headers = (): { authorization: string } => ({ authorization: `Bearer ${token}` });

async function begin(path: string): Promise<IncomingMessage> {
  const [response] = (await once(get(`${url}${path}`, { headers: headers() }), 'response')) as [IncomingMessage];
  expect(response.statusCode).toBe(200);
  await once(response, 'readable');
  return response;
}

test('clients that go away in the middle leave no connection to the store open', async () => {
  const execution = randomUUID();
  // More than sockets buffer.
  const id = await stored(execution, 'output/large.bin', Buffer.alloc(24 * 1024 ** 2, 'large'));
  for (const path of [`/v1/artifacts/${id}/content`, `/v1/executions/${execution}/bundle.zip`]) {
    const running = await Promise.all(Array.from({ length: 6 }, () => begin(path)));
    // A zip begins before its first file is opened.
    await eventually(() => expect(toStore.size).toBeGreaterThanOrEqual(6));
    for (const response of running) response.destroy();
    // Those that are kept for the next request have nothing on them.
    await eventually(() => expect(toStore.size).toBeLessThanOrEqual(1));
  }
  const whole = await fetch(`${url}/v1/artifacts/${id}/content`, { headers: headers() });
  expect((await whole.arrayBuffer()).byteLength).toBe(24 * 1024 ** 2);
});

test('a bundle is a zip that unzip and Python read, file by file as it was stored', async () => {
  const execution = randomUUID();
  const files: Record<string, Buffer> = {
    'logs/run.log': Buffer.from('log'),
    'output/empty': Buffer.alloc(0),
    'output/large.bin': Buffer.alloc(200_000, 'large'),
    'output/그림/a "b" 🦊.txt': Buffer.from('picture'),
  };
  for (const [path, bytes] of Object.entries(files)) await stored(execution, path, bytes);
  const answer = await fetch(`${url}/v1/executions/${execution}/bundle.zip`, { headers: headers() });
  const zip = Buffer.from(await answer.arrayBuffer());
  expect([answer.status, answer.headers.get('content-length')]).toEqual([200, String(zip.length)]);
  const hashes = (entries: [string, Buffer][]): object =>
    Object.fromEntries(entries.map(([path, bytes]) => [path, sha256Of(bytes)]));
  expect(hashes(await unzip(zip))).toEqual(hashes(Object.entries(files)));
  const folder = await mkdtemp(join(tmpdir(), 'bundle-'));
  try {
    await writeFile(join(folder, 'a.zip'), zip);
    await promisify(execFile)('unzip', ['-q', '-d', 'out', 'a.zip'], {
      cwd: folder,
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    const large = await readFile(join(folder, 'out/output/large.bin'));
    expect(large.equals(files['output/large.bin']!)).toBe(true);
    expect((await readdir(join(folder, 'out'), { recursive: true })).sort()).toContain('output/그림/a "b" 🦊.txt');
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a stable link leads to the store itself, which answers with an attachment under the right name', async () => {
  const id = await stored(randomUUID(), 'output/보고서 "1".html', Buffer.from('<script>1</script>'));
  const link = `${url}/v1/artifacts/${id}/content?redirect=true`;
  const answer = await fetch(link, { headers: headers(), redirect: 'manual' });
  expect(answer.status).toBe(302);
  const direct = await fetch(answer.headers.get('location') ?? '', { headers: { range: 'bytes=1-6' } });
  expect([direct.status, await direct.text()]).toEqual([206, 'script']);
  expect(direct.headers.get('content-type')).toBe('application/octet-stream');
  expect(direct.headers.get('content-disposition')).toContain("filename*=UTF-8''%EB%B3%B4");
  // Whoever follows by himself, without knowing of it, gets the same.
  expect(await (await fetch(link, { headers: headers() })).text()).toBe('<script>1</script>');
});

test('the client library downloads an execution, and once more only what has gone', async () => {
  const execution = randomUUID();
  for (let index = 0; index < 9; index += 1)
    await stored(execution, `output/${index}.bin`, Buffer.alloc(200_000 + index, String(index)));
  const client = new ArtifactClient({ baseUrl: url, token });
  const folder = await mkdtemp(join(tmpdir(), 'execution-'));
  try {
    const first = await client.downloadExecution(execution, folder);
    expect([first.saved.length, first.failed]).toEqual([9, []]);
    expect((await readFile(join(folder, 'output/3.bin'))).equals(Buffer.alloc(200_003, '3'))).toBe(true);
    await rm(join(folder, 'output/3.bin'));
    const second = await client.downloadExecution(execution, folder);
    expect([second.saved.map(({ artifact }) => artifact.path), second.present.length]).toEqual([['output/3.bin'], 8]);
  } finally {
    client.close();
    await rm(folder, { recursive: true });
  }
});
