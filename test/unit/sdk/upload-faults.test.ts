import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ArtifactError } from '../../../src/sdk/index.js';
import type { ArtifactClient } from '../../../src/sdk/index.js';
import { StreamCutter } from '../../../src/transfer/stream-cutter.js';
import { FakeApi } from '../../support/fake-api.js';
import { MIB, bytesOf, clientOf, codeOf, errorOf, newExecution, sha256Of } from '../../support/sdk.js';

let fake: FakeApi;
let client: ArtifactClient;

beforeEach(async () => {
  fake = await FakeApi.start();
  client = clientOf(fake);
});
afterEach(async () => {
  client.close();
  await fake.close();
});

const upload = (source: Buffer | Readable, options: { signal?: AbortSignal; concurrency?: number } = {}) =>
  client.uploadArtifact(newExecution(), source, { fileName: 'a.bin', ...options });

describe('a part that fails in passing is sent again', () => {
  test.each([
    ['a reset connection', 'reset' as const],
    ['503 SlowDown', { status: 503, storeCode: 'SlowDown' }],
    ['400 RequestTimeout', { status: 400, storeCode: 'RequestTimeout' }],
  ])('%s', async (_what, fault) => {
    fake.store.fault = ({ partNumber, attempt }) => (partNumber === 2 && attempt < 3 ? fault : undefined);
    const bytes = bytesOf(40 * MIB);
    expect((await upload(bytes)).checksum).toBe(sha256Of(bytes));
  });

  test('a stalled connection', async () => {
    client.close();
    client = clientOf(fake, { idleTimeoutMs: 1_000 });
    fake.store.fault = ({ attempt }) => (attempt === 1 ? 'stall' : undefined);
    const bytes = bytesOf(MIB);
    expect((await upload(bytes)).checksum).toBe(sha256Of(bytes));
  });

  test('an expired URL, with a new signature for that part alone', async () => {
    fake.store.fault = ({ partNumber, attempt }) =>
      partNumber === 2 && attempt === 1 ? { status: 403, storeCode: 'AccessDenied' } : undefined;
    await upload(bytesOf(40 * MIB));
    expect([1, 2, 3, 4, 5].map((partNumber) => fake.store.attemptsOf(partNumber))).toEqual([1, 2, 1, 1, 1]);
  });

  test('an expired URL of a small file, by beginning again', async () => {
    fake.store.fault = ({ attempt }) => (attempt === 1 ? { status: 403, storeCode: 'AccessDenied' } : undefined);
    await upload(bytesOf(10));
    expect(fake.count(/POST .*\/artifacts$/)).toBe(2);
  });
});

test('parts that wait for a signature are signed together', async () => {
  fake.artifacts.partSizeBytes = MIB;
  fake.signDelayMs = 400;
  await upload(bytesOf(45 * MIB));
  expect(fake.count(/upload\/parts$/)).toBeLessThan(45 / 2);
});

test('a store that is down ends the call but keeps the upload, and the same call goes on with what is missing', async () => {
  const execution = newExecution();
  const bytes = bytesOf(40 * MIB);
  const again = (): Promise<unknown> => client.uploadArtifact(execution, bytes, { fileName: 'a', concurrency: 1 });
  fake.store.fault = ({ partNumber }) =>
    partNumber === 2 ? { status: 503, storeCode: 'ServiceUnavailable' } : undefined;
  expect(await codeOf(again())).toBe('storage_unavailable');
  expect(fake.artifacts.only().status).toBe('UPLOADING');
  fake.store.fault = () => undefined;
  await again();
  const path = `/store/${fake.artifacts.only().id}`;
  expect(fake.artifacts.only().status).toBe('ACTIVE');
  expect(fake.store.attempts.get(`${path}#1`)).toBe(1);
});

test('a store that refuses for good ends the call and the upload', async () => {
  fake.store.fault = () => ({ status: 405, storeCode: 'MethodNotAllowed' });
  const error = await errorOf(upload(bytesOf(40 * MIB)));
  expect(error).toMatchObject({ code: 'storage_rejected', details: { status: 405, storeCode: 'MethodNotAllowed' } });
  expect(fake.artifacts.only()).toMatchObject({ status: 'DELETED', deletionReason: 'upload_aborted' });
});

describe('a caller who gives up', () => {
  test.each([
    ['a large buffer', () => bytesOf(40 * MIB)],
    ['a small buffer', () => bytesOf(1_000)],
    ['a long stream', () => Readable.from([bytesOf(20 * MIB), bytesOf(20 * MIB)])],
  ])('in the middle of %s: the upload is removed and no connection stays', async (_kind, make) => {
    fake.store.fault = () => 'stall';
    const controller = new AbortController();
    const running = upload(make(), { signal: controller.signal });
    await waitFor(() => fake.store.putsNow > 0);
    controller.abort(new Error('enough'));
    expect(await errorOf(running)).toMatchObject({ code: 'aborted', details: { isRemoved: true } });
    expect(fake.artifacts.only()).toMatchObject({ status: 'DELETED', deletionReason: 'upload_aborted' });
    await waitFor(() => fake.store.putsNow === 0);
    client.close();
  });

  test.each([
    ['a buffer', () => bytesOf(1_000)],
    ['a long stream', () => Readable.from([bytesOf(20 * MIB)])],
  ])('while %s begins: what has begun is removed', async (_kind, make) => {
    fake.beginDelayMs = 150;
    const controller = new AbortController();
    const running = upload(make(), { signal: controller.signal });
    await waitFor(() => fake.artifacts.entries.size === 1);
    controller.abort();
    expect(await codeOf(running)).toBe('aborted');
    expect(fake.artifacts.only()).toMatchObject({ status: 'DELETED', deletionReason: 'upload_aborted' });
  });

  test('while the API compares, and will not stop: is told that it may be stored', async () => {
    const controller = new AbortController();
    for (let nth = 1; nth <= 100; nth += 1)
      fake.faults.push({ nth, method: 'POST', path: /complete$/, answer: { code: 'not_yet_answered' } });
    for (const nth of [1, 2])
      fake.faults.push({ nth, method: 'POST', path: /abort$/, answer: { code: 'not_uploading' } });
    const running = upload(bytesOf(10), { signal: controller.signal });
    await waitFor(() => fake.count(/complete$/) > 0);
    controller.abort();
    const error = await errorOf(running);
    expect(error).toMatchObject({ code: 'aborted', details: { isRemoved: false } });
    expect(error.message).toContain('may be stored all the same');
  });

  test('before the start: nothing is sent', async () => {
    expect(await codeOf(upload(bytesOf(10), { signal: AbortSignal.abort() }))).toBe('aborted');
    expect(fake.requests).toEqual([]);
  });

  test('while a stream says nothing: the stream is destroyed', async () => {
    const silent = new Readable({ read: () => undefined });
    const controller = new AbortController();
    const running = upload(silent, { signal: controller.signal });
    await sleep(20);
    controller.abort();
    expect(await codeOf(running)).toBe('aborted');
    expect(silent.destroyed).toBe(true);
  });
});

describe('streams', () => {
  test('one that fails ends the upload', async () => {
    const failing = Readable.from(
      (function* () {
        yield bytesOf(20 * MIB);
        throw new Error('disk broke');
      })(),
    );
    const error = await errorOf(upload(failing));
    expect(error.code).toBe('source_unreadable');
    expect(error.message).toContain('disk broke');
    expect(fake.artifacts.only().status).toBe('DELETED');
  });

  test('one to the path of another that never ended is refused, so that their parts cannot meet', async () => {
    const execution = newExecution();
    const begin = (bytes: Buffer): Promise<unknown> =>
      client.uploadArtifact(execution, Readable.from([bytes]), { fileName: 'a', concurrency: 1 });
    fake.store.fault = ({ partNumber }) => (partNumber === 3 ? { status: 503, storeCode: 'SlowDown' } : undefined);
    fake.faults.push({ nth: 1, method: 'POST', path: /abort$/, answer: { code: 'forbidden' } });
    expect(await codeOf(begin(bytesOf(40 * MIB)))).toBe('storage_unavailable');
    fake.store.fault = () => undefined;
    const error = await errorOf(begin(bytesOf(17 * MIB, 2)));
    expect(error.code).toBe('path_taken');
    expect(error.message).not.toContain('lost');
    expect(fake.artifacts.only().status).toBe('UPLOADING');
  });

  test('one whose begin was answered into the void joins what it began', async () => {
    fake.faults.push({ nth: 1, method: 'POST', path: /artifacts$/, answer: 'lost' });
    const bytes = bytesOf(17 * MIB);
    const artifact = await upload(Readable.from([bytes]));
    expect([artifact.id, artifact.checksum]).toEqual([fake.artifacts.only().id, sha256Of(bytes)]);
  });

  test('one with a key of its own goes on where another call stopped', async () => {
    const execution = newExecution();
    const bytes = bytesOf(40 * MIB);
    const begin = (): Promise<unknown> =>
      client.uploadArtifact(execution, Readable.from([bytes]), { fileName: 'a', concurrency: 1, idempotencyKey: 'k' });
    fake.store.fault = ({ partNumber }) => (partNumber === 4 ? { status: 503, storeCode: 'SlowDown' } : undefined);
    expect(await codeOf(begin())).toBe('storage_unavailable');
    fake.store.fault = () => undefined;
    await begin();
    expect([1, 2, 3, 5].map((part) => fake.store.attemptsOf(part))).toEqual([1, 1, 1, 1]);
    expect(fake.artifacts.only()).toMatchObject({ status: 'ACTIVE', checksum: sha256Of(bytes) });
  });

  test('a buffer whose begin was answered into the void joins what it began', async () => {
    fake.faults.push({ nth: 1, method: 'POST', path: /artifacts$/, answer: 'lost' });
    expect((await upload(bytesOf(17 * MIB))).id).toBe(fake.artifacts.only().id);
  });

  test('one that is longer than allowed is refused when the limit is passed', async () => {
    const cutter = new StreamCutter(Readable.from([Buffer.alloc(600), Buffer.alloc(600)]), 1_000);
    const { signal } = new AbortController();
    expect((await cutter.next(500, () => Promise.resolve(Buffer.alloc(500)), signal))?.digest.sizeBytes).toBe(500);
    expect(await codeOf(cutter.next(900, () => Promise.resolve(Buffer.alloc(900)), signal))).toBe('too_large');
  });
});

describe('completing', () => {
  test('goes on asking while the API is not finished', async () => {
    for (const nth of [1, 2, 3, 4, 5])
      fake.faults.push({ nth, method: 'POST', path: /complete$/, answer: { code: 'not_yet_answered' } });
    expect((await upload(bytesOf(10))).status).toBe('ACTIVE');
    expect(fake.count(/complete$/)).toBe(6);
  });

  test('is repeated when its answer is lost', async () => {
    fake.faults.push({ nth: 1, method: 'POST', path: /complete$/, answer: 'reset' });
    expect((await upload(bytesOf(10))).status).toBe('ACTIVE');
  });

  test('that finds other bytes fails the call with checksum_mismatch', async () => {
    fake.faults.push({ nth: 1, method: 'POST', path: /complete$/, answer: { code: 'checksum_mismatch' } });
    const error = await errorOf(upload(bytesOf(10)));
    expect(error).toBeInstanceOf(ArtifactError);
    expect(error.code).toBe('checksum_mismatch');
  });
});

async function waitFor(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 500) throw new Error('the condition never came true');
    await sleep(10);
  }
}
