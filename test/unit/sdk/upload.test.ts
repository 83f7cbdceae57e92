import { execFileSync } from 'node:child_process';
import { mkdtemp, open, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fromFile } from '../../../src/sdk/index.js';
import type { ArtifactClient, UploadProgress, UploadSource } from '../../../src/sdk/index.js';
import { FakeApi } from '../../support/fake-api.js';
import { MIB, bytesOf, clientOf, codeOf, errorOf, newExecution, sha256Of } from '../../support/sdk.js';

let fake: FakeApi;
let client: ArtifactClient;
let folder: string;

beforeEach(async () => {
  fake = await FakeApi.start();
  client = clientOf(fake);
  folder = await mkdtemp(join(tmpdir(), 'sdk-'));
});
afterEach(async () => {
  client.close();
  await fake.close();
  await rm(folder, { recursive: true });
});

const inPieces = (bytes: Buffer, pieceBytes: number): Readable =>
  Readable.from(
    Array.from({ length: Math.ceil(bytes.length / pieceBytes) }, (_, index) =>
      bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes),
    ),
  );

const webStream = (bytes: Buffer): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });

async function fileOf(bytes: Buffer): Promise<UploadSource> {
  const path = join(folder, 'source.bin');
  await writeFile(path, bytes);
  return fromFile(path);
}

const storedBytes = (): Buffer => fake.store.body(`/store/${fake.artifacts.only().id}`);

describe('every kind of source arrives whole', () => {
  const sizes = [0, 1, 16 * MIB - 1, 16 * MIB, 16 * MIB + 1, 40 * MIB];
  const kinds: [string, (bytes: Buffer) => UploadSource | Promise<UploadSource>][] = [
    ['a buffer', (bytes) => bytes],
    ['a file', fileOf],
    ['a Node stream', (bytes) => inPieces(bytes, 777_777)],
    ['a web stream', webStream],
  ];
  const cases = kinds.flatMap(([kind, make]) => sizes.map((size) => ({ kind, make, size })));

  test.each(cases)('$kind of $size bytes', async ({ make, size }) => {
    const bytes = bytesOf(size);
    const artifact = await client.uploadArtifact(newExecution(), await make(bytes), { fileName: 'a.bin' });
    expect(artifact).toMatchObject({ status: 'ACTIVE', fileSize: size, checksum: sha256Of(bytes) });
    expect(storedBytes().equals(bytes)).toBe(true);
  });
});

test('a stream that is small enough for one PUT is known before it begins, a longer one is not', async () => {
  const totals = async (sizeBytes: number): Promise<Set<number | null>> => {
    const seen = new Set<number | null>();
    await client.uploadArtifact(newExecution(), inPieces(bytesOf(sizeBytes), MIB), {
      fileName: 'a',
      onProgress: ({ phase, totalBytes }) => (phase === 'uploading' ? seen.add(totalBytes) : undefined),
    });
    return seen;
  };
  expect(await totals(16 * MIB - 1)).toEqual(new Set([16 * MIB - 1]));
  expect(await totals(16 * MIB)).toContain(null);
});

test('the same content again is answered without sending a byte', async () => {
  const execution = newExecution();
  const bytes = bytesOf(2 * MIB);
  const first = await client.uploadArtifact(execution, bytes, { fileName: 'a' });
  const puts = fake.store.attempts.size;
  const second = await client.uploadArtifact(execution, bytes, { fileName: 'a' });
  expect(second.id).toBe(first.id);
  expect(fake.store.attempts.size).toBe(puts);
});

test('other content under the same path is refused', async () => {
  const execution = newExecution();
  await client.uploadArtifact(execution, bytesOf(10), { fileName: 'a' });
  expect(await codeOf(client.uploadArtifact(execution, bytesOf(11), { fileName: 'a' }))).toBe('path_taken');
});

test.each([
  ['invalid_id', 'not-a-uuid', { fileName: 'a' }],
  ['invalid_path', newExecution(), { fileName: '../a' }],
  ['invalid_tags', newExecution(), { fileName: 'a', tags: { 'artifact-x': 'y' } }],
  ['invalid_retention', newExecution(), { fileName: 'a', retentionDays: 0 }],
  ['invalid_request', newExecution(), { fileName: 'a', concurrency: 0 }],
])('%s is refused before any request', async (code, execution, options) => {
  expect(await codeOf(client.uploadArtifact(execution, Buffer.alloc(1), options))).toBe(code);
  expect(fake.requests).toEqual([]);
});

describe('files', () => {
  test('one over 5 GiB is refused before it is read', async () => {
    const path = join(folder, 'sparse');
    await writeFile(path, '');
    await truncate(path, 5 * 1024 * MIB + 1);
    expect(await codeOf(client.uploadArtifact(newExecution(), fromFile(path), { fileName: 'a' }))).toBe('too_large');
    expect(fake.requests).toEqual([]);
  });

  test('one that is not there, or is a folder, is unreadable', async () => {
    const upload = (path: string): Promise<unknown> =>
      client.uploadArtifact(newExecution(), fromFile(path), { fileName: 'a' });
    expect(await codeOf(upload(join(folder, 'absent')))).toBe('source_unreadable');
    expect(await codeOf(upload(folder))).toBe('source_unreadable');
  });

  test('a pipe that nobody writes to is refused at once', async () => {
    const path = join(folder, 'pipe');
    execFileSync('mkfifo', [path]);
    const error = await errorOf(client.uploadArtifact(newExecution(), fromFile(path), { fileName: 'a' }));
    expect(error.code).toBe('source_unreadable');
    expect(error.message).toContain('is a pipe');
  });

  test('one that is written to between hashing and sending is noticed, and the upload removed', async () => {
    const path = join(folder, 'source.bin');
    await writeFile(path, bytesOf(40 * MIB));
    const change = async (): Promise<void> => {
      const file = await open(path, 'r+');
      await file.write(Buffer.from('changed'), 0, 7, 39 * MIB);
      await file.close();
      // A write within the clock's tick would keep the time: make sure that it moves, as it does in life.
      await utimes(path, new Date(), new Date(Date.now() + 5_000));
    };
    let changed: Promise<void> | undefined;
    const upload = client.uploadArtifact(newExecution(), fromFile(path), {
      fileName: 'a',
      concurrency: 1,
      onProgress: ({ phase }) => {
        if (phase === 'uploading') changed ??= change();
      },
    });
    expect(await codeOf(upload)).toBe('source_changed');
    await changed;
    expect(fake.artifacts.only()).toMatchObject({ status: 'DELETED', deletionReason: 'upload_aborted' });
  });
});

describe('progress', () => {
  test.each([
    ['a small buffer', () => bytesOf(3 * MIB), 3 * MIB],
    ['a large buffer', () => bytesOf(40 * MIB), 40 * MIB],
    ['a long stream', () => inPieces(bytesOf(40 * MIB), MIB), 40 * MIB],
  ])('of %s never goes down and ends at the total', async (_kind, make, size) => {
    fake.store.fault = ({ partNumber, attempt }) => (partNumber < 2 && attempt === 1 ? 'reset' : undefined);
    const seen: UploadProgress[] = [];
    await client.uploadArtifact(newExecution(), make(), {
      fileName: 'a',
      onProgress: (progress) => seen.push(progress),
    });
    const sent = seen.map(({ sentBytes }) => sentBytes);
    expect(sent).toEqual([...sent].sort((a, b) => a - b));
    expect(seen.at(-1)).toMatchObject({ phase: 'verifying', sentBytes: size, totalBytes: size, hashedBytes: size });
    expect(seen.at(-1)?.part).toBe(seen.at(-1)?.parts);
  });
});

test('never more parts than asked for are under way', async () => {
  fake.store.answerDelayMs = 30;
  await client.uploadArtifact(newExecution(), inPieces(bytesOf(100 * MIB), MIB), { fileName: 'a', concurrency: 3 });
  expect(fake.store.maxPutsAtOnce).toBe(3);
  await client.uploadArtifact(newExecution(), bytesOf(100 * MIB), { fileName: 'b', concurrency: 2 });
  expect(fake.store.maxPutsAtOnce).toBe(3);
});

test('parts of another size than planned are cut anew', async () => {
  fake.artifacts.partSizeBytes = 5 * MIB;
  const bytes = bytesOf(18 * MIB);
  await client.uploadArtifact(newExecution(), await fileOf(bytes), { fileName: 'a' });
  expect(storedBytes().equals(bytes)).toBe(true);
  expect(fake.store.parts(`/store/${fake.artifacts.only().id}`)).toHaveLength(4);
});
