import { execFile, type ChildProcess } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIB_BYTES } from '../../src/domain/units.js';
import type { Artifact, UploadEvent } from '../../src/sdk/index.js';
import { runArtifacts } from '../support/cli.js';
import { aFile, bucketOf, clientOf, request } from '../support/e2e.js';
import { startTestStack, type TestStack } from '../support/stack.js';

/** Enough for the first part of an upload on any machine, and the test waits until it is over. */
const DEADLINE_SECONDS = 20;
const PART_BYTES = 8 * MIB_BYTES;
const PARTS = 5;
/** The API sends a part on when it has something of the next one. */
const AHEAD_BYTES = 2 * MIB_BYTES;

let stack: TestStack;
let token: string;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-artifacts-put-'));
  stack = await startTestStack();
  token = await stack.token();
});
afterAll(async () => {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

const urlOf = (executionId: string, path: string): string =>
  `${stack.apiUrl}/v1/executions/${executionId}/files/${path}`;
const curlArgs = (...args: string[]): string[] => ['-sS', '-H', `Authorization: Bearer ${token}`, ...args];

interface Answer {
  status: number;
  body: {
    artifact: { id: string; status: string; checksum: string; checksumState: string; fileSize: number };
    code: string;
  };
}

async function curl(...args: string[]): Promise<Answer> {
  const { stdout } = await promisify(execFile)('curl', curlArgs('-w', '\n%{http_code}', ...args));
  const [body = '', status] = stdout.split('\n').slice(-2);
  return { status: Number(status), body: JSON.parse(body) as Answer['body'] };
}

async function fileOf(sizeBytes: number): Promise<{ file: string; sha256: string }> {
  const { bytes, sha256 } = aFile(sizeBytes);
  const file = join(folder, randomUUID());
  await writeFile(file, bytes);
  return { file, sha256 };
}

describe('curl -T', () => {
  it.each([
    ['a small file', 100_000, 'verified', []],
    ['a large file', 40 * MIB_BYTES + 5, 'claimed', []],
    ['a large file of unknown length', 20 * MIB_BYTES, 'claimed', ['-H', 'Transfer-Encoding: chunked']],
  ])('stores %s, and again answers with what exists', async (_title, sizeBytes, checksumState, options) => {
    const { file, sha256 } = await fileOf(sizeBytes);
    const url = urlOf(randomUUID(), 'output/deep/report.bin');
    const first = await curl('-T', file, ...options, url);
    expect(first).toMatchObject({
      status: 201,
      body: { artifact: { status: 'ACTIVE', checksum: sha256, checksumState, fileSize: sizeBytes } },
    });
    const { id } = first.body.artifact;
    // What came in parts is read back beside everything else.
    await expect
      .poll(async () => (await curl('-T', file, ...options, url)).body.artifact)
      .toMatchObject({ id, checksumState: 'verified' });
    expect(await curl('-T', file, ...options, url)).toMatchObject({ status: 200, body: { artifact: { id } } });
    const hash = createHash('sha256');
    const client = clientOf(stack, token);
    for await (const chunk of await client.downloadArtifact(id)) hash.update(chunk);
    client.close();
    expect(hash.digest('hex')).toBe(sha256);
    // What this process hashed while it passed it on is not read back.
    const history = await request(stack, token, { method: 'GET', path: `/v1/artifacts/${id}/history` });
    expect(JSON.stringify(history.body)).not.toContain('read_back');
  });

  it('is refused before it has sent its body when the path has other content', async () => {
    const [{ file }, { file: other }] = await Promise.all([fileOf(1_000), fileOf(20 * MIB_BYTES)]);
    const url = urlOf(randomUUID(), 'output/a.bin');
    await curl('-T', file, url);
    const sent = join(folder, 'sent');
    // After a second without an answer curl would send its body anyway.
    const patiently = ['-H', 'Expect: 100-continue', '--expect100-timeout', '100'];
    const args = curlArgs('-o', sent, '-w', '%{http_code} %{size_upload}', ...patiently, '-T', other, url);
    const { stdout } = await promisify(execFile)('curl', args);
    expect(stdout).toBe('409 0');
    expect(JSON.parse(await readFile(sent, 'utf8'))).toMatchObject({ code: 'path_taken' });
  });
});

/** A PUT of five parts through the API that goes on only when it is told to. */
interface SlowPut {
  id: string;
  key: string;
  /** Sends another part. */
  goOn: () => void;
  kill: () => void;
  ended: Promise<unknown>;
}

/** Resolves once the first part is in the store. */
async function slowPut(executionId: string): Promise<SlowPut> {
  const { bytes } = aFile(PARTS * PART_BYTES);
  const outgoing = httpRequest(urlOf(executionId, 'output/slow.bin'), {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-length': bytes.length },
  });
  outgoing.on('response', (answer) => answer.resume()).on('error', () => undefined);
  const ended = new Promise((resolve) => outgoing.once('close', resolve));
  let [sent, toSend] = [0, PART_BYTES + AHEAD_BYTES];
  const send = async (): Promise<void> => {
    while (sent < bytes.length && !outgoing.destroyed) {
      // Not to be taken for a client that has gone, it sends a little also while it waits.
      const next = Math.min(bytes.length, Math.max(toSend, sent + 100));
      outgoing.write(bytes.subarray(sent, next));
      sent = next;
      await sleep(100);
    }
    outgoing.end();
  };
  void send();
  const client = clientOf(stack, token);
  const uploading = async (): Promise<Artifact | undefined> =>
    (await client.listArtifacts(executionId, { status: 'UPLOADING' }))[0];
  const received = async (): Promise<number> => {
    const artifact = await uploading().catch(() => undefined);
    return artifact === undefined ? 0 : (await client.getUploadStatus(artifact.id)).receivedParts.length;
  };
  await expect.poll(received, { interval: 200 }).toBeGreaterThan(0);
  const artifact = await uploading();
  client.close();
  if (artifact === undefined) throw new Error('the upload was not seen');
  const goOn = (): void => {
    toSend += PART_BYTES;
  };
  return { id: artifact.id, key: artifact.filePath, goOn, kill: () => outgoing.destroy(), ended };
}

async function leavesNothing({ id, key }: { id: string; key: string }, deletionReason: string): Promise<void> {
  const client = clientOf(stack, token);
  const bucket = bucketOf(stack);
  await expect
    .poll(() => client.getArtifact(id), { interval: 250 })
    .toMatchObject({ status: 'DELETED', deletionReason });
  expect(await bucket.listUploads(key)).toEqual([]);
  expect(await bucket.listVersions(key)).toEqual([]);
  client.close();
  bucket.close();
}

const eventsIn = (out: string): UploadEvent[] =>
  out
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as UploadEvent);

describe('artifacts watch', () => {
  it('tells how far the upload of another process is, until it is ACTIVE', async () => {
    const upload = await slowPut(randomUUID());
    const env = { ARTIFACTS_URL: stack.apiUrl, ARTIFACTS_TOKEN: token };
    let told = '';
    const onStart = ({ stdout }: ChildProcess): void => {
      stdout?.on('data', (chunk: Buffer) => (told += chunk.toString()));
    };
    const watching = runArtifacts(['watch', upload.id, '--json'], { cwd: folder, env, onStart });
    // The next part goes when the watcher has told of the one before.
    for (let parts = 1; parts < PARTS; parts += 1) {
      await expect.poll(() => eventsIn(told).at(-1)?.parts).toBe(parts);
      upload.goOn();
    }
    const { code, out, err } = await watching;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const events = eventsIn(out);
    const percents = events.map(({ percent }) => percent ?? -1);
    expect(percents).toEqual([...percents].sort((a, b) => a - b));
    expect(new Set(percents)).toEqual(new Set([20, 40, 60, 80, 100]));
    expect(events[0]).toMatchObject({ artifact: { status: 'UPLOADING' }, partCount: 5, totalBytes: 40 * MIB_BYTES });
    expect(events.some(({ bytesPerSecond, etaSeconds }) => bytesPerSecond !== null && etaSeconds !== null)).toBe(true);
    expect(events.at(-1)).toMatchObject({ artifact: { status: 'ACTIVE' }, percent: 100 });
  });
});

describe('an upload through the API that is cut off', () => {
  it('by its client is aborted at once', async () => {
    const upload = await slowPut(randomUUID());
    upload.kill();
    await leavesNothing(upload, 'upload_aborted');
  });

  it('by the death of the API leaves nothing after its deadline', async () => {
    await stack.kill9Worker();
    await stack.anotherWorker({ UPLOAD_DEADLINE_SECONDS: String(DEADLINE_SECONDS) }).start();
    const upload = await slowPut(randomUUID());
    await stack.kill9Api();
    await upload.ended;
    await stack.startApi();
    await leavesNothing(upload, 'upload_abandoned');
  });
});
