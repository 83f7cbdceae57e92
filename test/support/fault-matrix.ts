import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArtifactError } from '../../src/domain/errors.js';
import { artifactKey } from '../../src/domain/keys.js';
import { KIB_BYTES, MIB_BYTES } from '../../src/domain/units.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { aFile, bucketOf, clientOf, request, sha256Of } from './e2e.js';
import { openTcpGate, type TcpFault, type TcpGate } from './gates/tcp-gate.js';
import { startTestStack, type TestStack } from './stack.js';

/** What is uploaded: three parts as a file, the same as a stream, or one PUT. */
export type Kind = 'a large file' | 'a long stream' | 'a small file';

/** One upload of a row. */
export interface RowUpload {
  kind: Kind;
  executionId: string;
  /** Below `output/`. */
  fileName: string;
  /** The file on disk, a stream's too. */
  file: string;
}

export interface FaultWorld {
  stack: TestStack;
  token: string;
  /** Between the uploader and the store: the endpoint it must use. */
  wire: TcpGate;
  folder: string;
}

/** Somebody who sends bytes: gives a connection up after {@link STALLED_MS} without a byte, and tries only a few times. */
export interface Uploader {
  /** Resolves once the artifact is ACTIVE. @throws `ArtifactError`. */
  upload(row: RowUpload): Promise<unknown>;
  close(): Promise<void>;
}

/** For uploaders: as long as nothing moves on a connection before it is given up. Longer than a busy machine moves nothing; rows that stall wait for it. */
export const STALLED_MS = 8_000;
/** For uploaders: so often a part is sent. Rows that fail every time wait for all of them. */
export const TRIES = 3;
/** Signed URLs live so long here, so that one can expire on its way, and only that one. */
export const URL_SECONDS = 5;
/** Most of a row is waiting. */
const ROWS_AT_ONCE = 10;

const SIZE_BYTES: Record<Kind, number> = {
  'a large file': 17 * MIB_BYTES,
  'a long stream': 17 * MIB_BYTES,
  'a small file': 300 * KIB_BYTES,
};
const MIDDLE = 200 * KIB_BYTES;

/** On the wire, between the uploader and the store. */
const WIRE_FAULTS: Record<string, TcpFault> = {
  'a reset in the middle of the bytes': { kind: 'reset', atByte: MIDDLE },
  'a stall that is longer than the timeout': { kind: 'stall', atByte: MIDDLE },
  'an answer that is cut off': { kind: 'truncate', answerBytes: 20 },
  '503 SlowDown': { kind: 'refuse', status: 503, storeCode: 'SlowDown' },
};
const EXPIRED: TcpFault = { kind: 'delay', delayMs: URL_SECONDS * 1_000 + 1_200 };

interface Row {
  name: string;
  kind: Kind;
  /** What happens to the second part, or to the only PUT. */
  onWire?: { fault: TcpFault; times: number };
  /** What the worker is told about the joining of the parts, which the store has done. */
  onJoin?: 500 | 'cut';
  /** The store must have refused it at least once; its word may be lost with the connection. */
  isRefused?: true;
  ends: 'in the right bytes' | 'in storage_unavailable';
}

function rowsOf(kinds: readonly Kind[]): Row[] {
  const rows: Row[] = [];
  for (const kind of kinds) {
    for (const [what, fault] of Object.entries(WIRE_FAULTS)) {
      rows.push({ name: `${what}, once`, kind, onWire: { fault, times: 1 }, ends: 'in the right bytes' });
      rows.push({ name: `${what}, every time`, kind, onWire: { fault, times: 1_000 }, ends: 'in storage_unavailable' });
    }
    rows.push({
      name: 'a URL that expires on its way',
      kind,
      onWire: { fault: EXPIRED, times: 1 },
      isRefused: true,
      ends: 'in the right bytes',
    });
    if (kind === 'a small file') continue;
    rows.push({ name: '500 for a join that was done', kind, onJoin: 500, ends: 'in the right bytes' });
    rows.push({ name: 'a cut answer to a join that was done', kind, onJoin: 'cut', ends: 'in the right bytes' });
  }
  return rows;
}

const patienceOf = ({ onWire }: Row): number => (onWire?.fault.kind === 'stall' ? onWire.times : 0);

interface Outcome {
  upload: RowUpload;
  sha256: string;
  /** Null: it succeeded. */
  error: unknown;
  faults: number;
  /** What the store said to its requests. */
  answers: (number | null)[];
}

/**
 * A test per row: what happens to the bytes on their way, what is uploaded, and how it must end. All rows share a stack and run a few at a
 * time before the first test; each has an execution of its own, by which its requests are known.
 */
export function faultMatrix(kinds: readonly Kind[], openUploader: (world: FaultWorld) => Promise<Uploader>): void {
  const rows = rowsOf(kinds);
  const outcomes = new Map<Row, Outcome>();
  let world: FaultWorld;
  let bucket: ObjectStore;

  beforeAll(async () => {
    world = await openWorld();
    bucket = bucketOf(world.stack);
    const uploader = await openUploader(world);
    // Those that wait for the longest begin first.
    const queue = [...rows].sort((a, b) => patienceOf(b) - patienceOf(a)).values();
    const work = async (): Promise<void> => {
      for (const row of queue) outcomes.set(row, await play(world, uploader, row));
    };
    await Promise.all(Array.from({ length: ROWS_AT_ONCE }, work));
    await uploader.close();
  });
  afterAll(async () => {
    bucket.close();
    await world.stack.stop();
    await world.wire.close();
    await rm(world.folder, { recursive: true });
  });

  describe.each(kinds)('%s', (kind) => {
    const own = rows.filter((row) => row.kind === kind).map((row) => [row.name, row.ends, row] as const);
    it.each(own)('%s ends %s', async (_name, _ends, row) => {
      const { upload, sha256, error, faults, answers } = outcomes.get(row)!;
      expect(faults).toBeGreaterThan(0);
      if (row.isRefused) expect(answers.filter((status) => status !== 200)).not.toEqual([]);
      const { executionId, fileName } = upload;
      const key = artifactKey(executionId, `output/${fileName}`);
      if (row.ends === 'in the right bytes') {
        expect(error).toBeNull();
        expect(await artifactOf(world, executionId)).toMatchObject({ status: 'ACTIVE', checksum: sha256 });
        expect(await storedSha256(bucket, key)).toBe(sha256);
      } else {
        expect(error).toBeInstanceOf(ArtifactError);
        expect(error).toMatchObject({ code: 'storage_unavailable' });
        await giveUp(world, executionId);
        expect(await bucket.listVersions(key)).toEqual([]);
      }
      expect(await bucket.listUploads(`artifacts/${executionId}/`)).toEqual([]);
    });
  });
}

async function openWorld(): Promise<FaultWorld> {
  const wire = await openTcpGate(inject('versitygw').endpoint);
  const env = { S3_PUBLIC_ENDPOINT: wire.url, PRESIGN_UPLOAD_SECONDS: String(URL_SECONDS) };
  const stack = await startTestStack({ env });
  const [token, folder] = await Promise.all([stack.token(), mkdtemp(join(tmpdir(), 'faults-'))]);
  return { stack, token, wire, folder };
}

async function play(world: FaultWorld, uploader: Uploader, row: Row): Promise<Outcome> {
  const executionId = randomUUID();
  const { bytes, sha256 } = aFile(SIZE_BYTES[row.kind]);
  const file = join(world.folder, executionId);
  await writeFile(file, bytes);
  let faults = 0;
  const isFaulty = (times: number): boolean => faults < times && (faults += 1) > 0;
  const { wire, stack } = world;
  const others = { onWire: wire.fault, onJoin: stack.gates.store.spoil };
  wire.fault = (request) => {
    if (!request.target.includes(executionId)) return others.onWire(request);
    const isAimedAt =
      request.method === 'PUT' && (row.kind === 'a small file' || /[?&]partNumber=2&/.test(request.target));
    return row.onWire !== undefined && isAimedAt && isFaulty(row.onWire.times) ? row.onWire.fault : null;
  };
  stack.gates.store.spoil = (call) => {
    if (!call.key.includes(executionId)) return others.onJoin(call);
    return row.onJoin !== undefined && call.verb === 'CompleteUpload' && isFaulty(1) ? row.onJoin : null;
  };
  const upload = { kind: row.kind, executionId, fileName: 'a.bin', file };
  const error = await uploader.upload(upload).then(
    () => null,
    (reason: unknown) => reason,
  );
  await rm(file);
  const own = wire.requests.filter(({ target }) => target.includes(executionId));
  return { upload, sha256, error, faults, answers: own.map(({ status }) => status) };
}

async function artifactOf({ stack, token }: FaultWorld, executionId: string): Promise<unknown> {
  const client = clientOf(stack, token);
  const [artifact] = await client.listArtifacts(executionId);
  client.close();
  return artifact;
}

/** As at the deadline of an upload that nobody goes on with. */
async function giveUp({ stack, token }: FaultWorld, executionId: string): Promise<void> {
  const client = clientOf(stack, token);
  for await (const { id } of client.iterateArtifacts(executionId, { status: 'UPLOADING' }))
    await request(stack, token, { method: 'POST', path: `/v1/artifacts/${id}/upload/abort` });
  expect(await client.listArtifacts(executionId)).toEqual([]);
  client.close();
}

async function storedSha256(bucket: ObjectStore, key: string): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of (await bucket.read({ key })) ?? []) chunks.push(chunk as Buffer);
  return sha256Of(Buffer.concat(chunks));
}
