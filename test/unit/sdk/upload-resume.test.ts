import { randomUUID } from 'node:crypto';
import { mkdtemp, open, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fromFile } from '../../../src/sdk/index.js';
import type { Artifact, ArtifactClient, UploadArtifactOptions } from '../../../src/sdk/index.js';
import { FakeApi } from '../../support/fake-api.js';
import { MIB, bytesOf, clientOf, codeOf, errorOf, sha256Of } from '../../support/sdk.js';

const execution = randomUUID();
let fake: FakeApi;
let client: ArtifactClient;
let folder: string;
let path: string;
let bytes: Buffer;

beforeEach(async () => {
  fake = await FakeApi.start();
  client = clientOf(fake);
  folder = await mkdtemp(join(tmpdir(), 'resume-'));
  path = join(folder, 'large.bin');
  bytes = bytesOf(60 * MIB);
  await writeFile(path, bytes);
});
afterEach(async () => {
  client.close();
  await fake.close();
  await rm(folder, { recursive: true });
});

const upload = (options: Partial<UploadArtifactOptions> = {}): Promise<Artifact> =>
  client.uploadArtifact(execution, fromFile(path), { fileName: 'large.bin', concurrency: 1, ...options });

/** An upload that ends after so many parts, as when the network goes. */
async function interrupted(parts: number, options: Partial<UploadArtifactOptions> = {}): Promise<void> {
  fake.store.fault = ({ partNumber }) => (partNumber > parts ? { status: 503, storeCode: 'SlowDown' } : undefined);
  expect(await codeOf(upload(options))).toBe('storage_unavailable');
  fake.store.fault = () => undefined;
}

describe('a large file', () => {
  test('is read once, and hashed while it is sent', async () => {
    const phases = new Set<string>();
    const artifact = await upload({ onProgress: ({ phase }) => phases.add(phase) });
    expect(artifact.checksum).toBe(sha256Of(bytes));
    expect([...phases]).toEqual(['uploading', 'verifying']);
  });

  test('that was interrupted goes on from the first missing part', async () => {
    await interrupted(5);
    // Of a new one nothing can have arrived.
    expect(fake.count(/^GET .*\/upload$/)).toBe(0);
    const sent: number[] = [];
    for (let part = 1; part <= 5; part += 1) sent.push(fake.store.attemptsOf(part));
    expect((await upload()).checksum).toBe(sha256Of(bytes));
    for (let part = 1; part <= 5; part += 1) expect(fake.store.attemptsOf(part)).toBe(sent[part - 1]);
    expect(fake.count(/^GET .*\/upload$/)).toBe(1);
    expect(fake.artifacts.only().status).toBe('ACTIVE');
  });

  test('that was written to since is refused, and names what stands in its way', async () => {
    await interrupted(3);
    await utimes(path, new Date(), new Date(Date.now() - 60_000));
    const error = await errorOf(upload());
    expect(error).toMatchObject({ code: 'source_changed', details: { artifactId: fake.artifacts.only().id } });
    expect(fake.artifacts.only().status).toBe('UPLOADING');
  });

  test('that differs only where no sample was taken is not taken for what is there', async () => {
    const mtime = new Date(2026, 0, 1);
    await utimes(path, mtime, mtime);
    await upload();
    const other = Buffer.from(bytes);
    other.writeUInt8(other.readUInt8(5 * MIB) ^ 0xff, 5 * MIB);
    await writeFile(path, other);
    await utimes(path, mtime, mtime);
    expect(await errorOf(upload())).toMatchObject({
      code: 'path_taken',
      details: { artifactId: fake.artifacts.only().id },
    });
  });

  test('that another process completes first is answered with what it has made', async () => {
    let isFirst = true;
    const slow = clientOf(fake, {
      fetch: async (input, init) => {
        if (isFirst && new Request(input).url.endsWith('/upload/parts')) {
          isFirst = false;
          await upload();
        }
        return fetch(input, init);
      },
    });
    const artifact = await slow.uploadArtifact(execution, fromFile(path), { fileName: 'large.bin' });
    expect(artifact).toMatchObject({ id: fake.artifacts.only().id, status: 'ACTIVE', checksum: sha256Of(bytes) });
    slow.close();
  });

  test('that was written to since begins anew when it may', async () => {
    await interrupted(3);
    const before = fake.artifacts.only().id;
    await writeFile(path, bytesOf(40 * MIB, 2));
    const artifact = await upload({ restart: true });
    expect(artifact.id).not.toBe(before);
    expect(artifact.checksum).toBe(sha256Of(bytesOf(40 * MIB, 2)));
    expect(fake.artifacts.entries.get(before)?.json).toMatchObject({ status: 'DELETED' });
  });

  test('under a key of the caller is the same request, and a change of it is noticed', async () => {
    await interrupted(3, { idempotencyKey: 'turn-7' });
    await writeFile(path, bytesOf(40 * MIB, 2));
    expect(await codeOf(upload({ idempotencyKey: 'turn-7' }))).toBe('source_changed');
  });

  test('that is there already is not sent again, also when it looks like another one', async () => {
    const { id } = await upload();
    await utimes(path, new Date(), new Date(Date.now() - 60_000));
    expect((await upload()).id).toBe(id);
    expect(fake.store.attemptsOf(1)).toBe(1);
  });

  test('of the same size and other content is refused when another one has the path', async () => {
    await upload();
    const file = await open(path, 'r+');
    await file.write(Buffer.from('other'), 0, 5, 7 * MIB);
    await file.close();
    expect(await codeOf(upload())).toBe('path_taken');
    const before = fake.artifacts.only().id;
    const artifact = await upload({ replace: true });
    expect(artifact.id).not.toBe(before);
    expect(fake.artifacts.entries.get(before)?.json.status).toBe('DELETED');
    expect((await upload({ replace: true })).id).toBe(artifact.id);
  });

  test('refuses a key that is none before anything is sent', async () => {
    expect(await codeOf(upload({ idempotencyKey: 'two words' }))).toBe('invalid_request');
    expect(fake.requests).toEqual([]);
  });
});
