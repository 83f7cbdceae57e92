import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest';
import { artifactKey } from '../../src/domain/keys.js';
import { MIB_BYTES } from '../../src/domain/units.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { aFile, bucketOf, clientOf, sha256Of } from '../support/e2e.js';
import { openTcpGate, type PassedRequest, type TcpFault, type TcpGate } from '../support/gates/tcp-gate.js';
import { startTestStack, type TestStack } from '../support/stack.js';

const PART_BYTES = 8 * MIB_BYTES;
const PARTS = 16;
const SIZE_BYTES = PARTS * PART_BYTES;
/** Most parts of one upload that the client has under way. */
const IN_FLIGHT = 8;
const packageRoot = fileURLToPath(new URL('../../', import.meta.url));

let stack: TestStack;
let wire: TcpGate;
let bucket: ObjectStore;
let token: string;
let folder: string;
beforeAll(async () => {
  wire = await openTcpGate(inject('versitygw').endpoint);
  stack = await startTestStack({ env: { S3_PUBLIC_ENDPOINT: wire.url } });
  token = await stack.token();
  bucket = bucketOf(stack);
  folder = await mkdtemp(join(tmpdir(), 'resume-'));
});
afterAll(async () => {
  bucket.close();
  await stack.stop();
  await wire.close();
  await rm(folder, { recursive: true });
});

let executionId: string;
let sha256: string;
const running = new Set<ChildProcess>();
beforeEach(async () => {
  executionId = randomUUID();
  const file = aFile(SIZE_BYTES);
  sha256 = file.sha256;
  await writeFile(join(folder, 'a.bin'), file.bytes);
  wire.requests.length = 0;
  wire.fault = () => null;
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
});

interface Upload {
  child: ChildProcess;
  ended: Promise<{ code: number | null; out: string; err: string }>;
}

/** The command line as an agent job runs it, in a process of its own. */
function upload(...options: string[]): Upload {
  const args = ['--import', 'tsx', 'src/cli/main.ts', 'upload', join(folder, 'a.bin'), '--execution', executionId];
  const child = spawn(process.execPath, [...args, ...options], {
    cwd: packageRoot,
    env: { ...process.env, ARTIFACTS_URL: stack.apiUrl, ARTIFACTS_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let [out, err] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = once(child, 'close').then(([code]) => {
    running.delete(child);
    return { code: code as number | null, out, err };
  });
  return { child, ended };
}

const isArrived = ({ status }: PassedRequest): boolean => status === 200;
const sentBytes = (requests: readonly PassedRequest[]): number =>
  requests.reduce((sum, { passedBytes }) => sum + passedBytes, 0);

/** From now on the first half of the parts goes through, and all others meet this. */
function stopHalfWay(fault: TcpFault): void {
  wire.fault = () => (wire.requests.length <= PARTS / 2 ? null : fault);
}

/** Only half of the parts goes through, until `goOn`. */
function holdHalfWay(): { goOn: () => void } {
  let goOn = (): void => undefined;
  stopHalfWay({ kind: 'hold', until: new Promise((resolve) => (goOn = resolve)) });
  return {
    goOn: () => {
      wire.fault = () => null;
      goOn();
    },
  };
}

/** Resolves when so many parts have arrived. */
const arrived = (parts: number): Promise<void> =>
  expect.poll(() => wire.requests.filter(isArrived).length, { interval: 10 }).toBeGreaterThanOrEqual(parts);

async function expectStored(): Promise<void> {
  const client = clientOf(stack, token);
  const [artifact, ...others] = await client.listArtifacts(executionId);
  client.close();
  expect(others).toEqual([]);
  expect(artifact).toMatchObject({ status: 'ACTIVE', fileSize: SIZE_BYTES, checksum: sha256 });
  const chunks: Buffer[] = [];
  const key = artifactKey(executionId, 'output/a.bin');
  for await (const chunk of (await bucket.read({ key })) ?? []) chunks.push(chunk as Buffer);
  expect(sha256Of(Buffer.concat(chunks))).toBe(sha256);
  expect(await bucket.listUploads(`artifacts/${executionId}/`)).toEqual([]);
}

describe('a large upload is interrupted at about half', () => {
  it('its client is killed: the same command sends again what was under way, and nothing else', async () => {
    stopHalfWay({ kind: 'stall', atByte: MIB_BYTES });
    const first = upload();
    await arrived(PARTS / 2);
    first.child.kill('SIGKILL');
    await first.ended;
    wire.fault = () => null;
    const before = [...wire.requests];
    const arrivedParts = before.filter(isArrived).length;
    expect(arrivedParts).toBe(PARTS / 2);
    expect(before.length - arrivedParts).toBeLessThanOrEqual(IN_FLIGHT);

    expect(await upload().ended).toMatchObject({ code: 0 });
    const again = wire.requests.slice(before.length);
    console.log(
      `killed with ${arrivedParts} of ${PARTS} parts in the store, ${before.length - arrivedParts} under way; then ` +
        `${again.length} parts sent: ${Math.round((sentBytes(before) + sentBytes(again) - SIZE_BYTES) / MIB_BYTES)} MiB twice`,
    );
    expect(sentBytes(again)).toBeLessThanOrEqual(SIZE_BYTES - arrivedParts * PART_BYTES);
    await expectStored();
  });

  it('its client is killed and the file changes: it is refused, until it is to begin anew', async () => {
    stopHalfWay({ kind: 'stall', atByte: MIB_BYTES });
    const first = upload();
    await arrived(PARTS / 2);
    first.child.kill('SIGKILL');
    await first.ended;
    wire.fault = () => null;
    const before = wire.requests.length;
    const changed = aFile(SIZE_BYTES);
    sha256 = changed.sha256;
    await writeFile(join(folder, 'a.bin'), changed.bytes);

    const { out } = await upload('--json').ended;
    expect(JSON.parse(out)).toMatchObject({ artifacts: [], failures: [{ error: { code: 'source_changed' } }] });
    expect(wire.requests.length).toBe(before);

    expect(await upload('--restart').ended).toMatchObject({ code: 0 });
    await expectStored();
  });

  it('the API is killed and comes back: no part is sent twice', async () => {
    const { goOn } = holdHalfWay();
    const { ended } = upload();
    await arrived(PARTS / 2);
    await stack.kill9Api();
    goOn();
    await stack.startApi();
    expect(await ended).toMatchObject({ code: 0 });
    expect(sentBytes(wire.requests)).toBe(SIZE_BYTES);
    await expectStored();
  });

  it('the worker is killed and comes back: no part is sent twice', async () => {
    const { goOn } = holdHalfWay();
    const { ended } = upload();
    await arrived(PARTS / 2);
    await stack.kill9Worker();
    goOn();
    await arrived(PARTS);
    await stack.startWorker();
    expect(await ended).toMatchObject({ code: 0 });
    expect(sentBytes(wire.requests)).toBe(SIZE_BYTES);
    await expectStored();
  });
});
