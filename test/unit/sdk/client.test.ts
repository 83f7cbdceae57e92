import { text, buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ArtifactClient, ArtifactError } from '../../../src/sdk/index.js';
import { FAKE_TOKEN, FakeApi } from '../../support/fake-api.js';
import { MIB, bytesOf, clientOf, codeOf, errorOf, newExecution } from '../../support/sdk.js';

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

const upload = (bytes: Buffer, fileName = 'a.bin', execution = newExecution()) =>
  client.uploadArtifact(execution, bytes, { fileName, tags: { agent: 'a' } });

describe('downloadArtifact', () => {
  test('gives the bytes that were uploaded', async () => {
    const bytes = bytesOf(3 * MIB);
    const { id } = await upload(bytes);
    expect((await buffer(await client.downloadArtifact(id))).equals(bytes)).toBe(true);
  });

  test('gives nothing for an empty artifact', async () => {
    const { id } = await upload(Buffer.alloc(0));
    expect(await text(await client.downloadArtifact(id))).toBe('');
  });

  test('gives a range', async () => {
    const { id } = await upload(Buffer.from('0123456789'));
    expect(await text(await client.downloadArtifact(id, { range: { start: 2, end: 4 } }))).toBe('234');
    expect(await text(await client.downloadArtifact(id, { range: { start: 7 } }))).toBe('789');
  });

  test('fails at the end when the bytes are not those of the artifact', async () => {
    const { id } = await upload(Buffer.from('right'));
    fake.artifacts.contentOverride = Buffer.from('wrong');
    expect(await codeOf(text(await client.downloadArtifact(id)))).toBe('download_corrupted');
  });

  test('goes on where a broken connection left off', async () => {
    const bytes = bytesOf(MIB);
    const { id } = await upload(bytes);
    fake.artifacts.cutContentAfterBytes = 300_000;
    expect((await buffer(await client.downloadArtifact(id))).equals(bytes)).toBe(true);
    expect(fake.count(/\/content$/)).toBe(2);
  });

  test('stops when the caller gives up, and when the stream is cancelled', async () => {
    const { id } = await upload(bytesOf(20 * MIB));
    const controller = new AbortController();
    const stream = await client.downloadArtifact(id, { signal: controller.signal });
    controller.abort();
    expect(await codeOf(buffer(stream))).toBe('aborted');
    await (await client.downloadArtifact(id)).cancel();
  });

  test('gives up when its first answer does not come in time', async () => {
    const hanging = clientOf(fake, {
      requestTimeoutMs: 30,
      fetch: (_input, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
        }),
    });
    expect(await codeOf(hanging.downloadArtifact(newExecution()))).toBe('api_unreachable');
  });

  test('takes longer than the time for its first answer when the bytes do', async () => {
    const { id } = await upload(Buffer.from('slow bytes'));
    const slow = clientOf(fake, {
      requestTimeoutMs: 1_000,
      fetch: async (input, init) => {
        const answer = await fetch(input, init);
        const bytes = new Uint8Array(await answer.arrayBuffer());
        const body = new ReadableStream<Uint8Array>({
          start: (controller) => {
            init?.signal?.addEventListener('abort', () => controller.error(init.signal?.reason));
            setTimeout(() => {
              controller.enqueue(bytes);
              controller.close();
            }, 1_500);
          },
        });
        return new Response(body, answer);
      },
    });
    expect(await text(await slow.downloadArtifact(id))).toBe('slow bytes');
  });

  test('says that an artifact is deleted', async () => {
    const { id } = await upload(Buffer.from('x'));
    await client.deleteArtifact(id);
    expect(await codeOf(client.downloadArtifact(id))).toBe('artifact_deleted');
  });
});

test('a presigned URL works without a token', async () => {
  const { id } = await upload(Buffer.from('hello'));
  const answer = await fetch(await client.getPresignedUrl(id, 60));
  expect(await answer.text()).toBe('hello');
  const link = await client.createDownloadUrl(id);
  expect(link).toMatchObject({ fileName: 'a.bin', fileSize: 5 });
  expect(link.expiresAt.getTime()).toBeGreaterThan(Date.now() + 290_000);
});

test('metadata has the shape of the specification, with dates, and without what is not there', async () => {
  const { id } = await upload(Buffer.from('x'));
  const artifact = await client.getArtifact(id);
  expect(artifact.createdAt).toBeInstanceOf(Date);
  expect(artifact.expiresAt).toBeInstanceOf(Date);
  expect(artifact.tags).toEqual({ agent: 'a' });
  for (const absent of ['archivedAt', 'deletedAt', 'deletionReason', 'restoreState', 'uploadDeadline'])
    expect(artifact).not.toHaveProperty(absent);
});

test('listArtifacts follows the cursor to the last page', async () => {
  fake.artifacts.pageSize = 3;
  const execution = newExecution();
  for (let index = 0; index < 7; index += 1) await upload(Buffer.from('x'), `f${index}`, execution);
  const names = (await client.listArtifacts(execution)).map(({ fileName }) => fileName);
  expect(names).toEqual(['f0', 'f1', 'f2', 'f3', 'f4', 'f5', 'f6']);
  expect(fake.count(/^GET .*\/artifacts$/)).toBe(3);
  expect(await client.listArtifacts(execution, { type: 'code' })).toEqual([]);
});

test('iterateArtifacts asks only for the pages that are used', async () => {
  fake.artifacts.pageSize = 2;
  const execution = newExecution();
  for (let index = 0; index < 5; index += 1) await upload(Buffer.from('x'), `f${index}`, execution);
  for await (const { fileName } of client.iterateArtifacts(execution)) if (fileName === 'f1') break;
  expect(fake.count(/^GET .*\/artifacts$/)).toBe(1);
});

test('retention, archive, restore, history and deletion go through', async () => {
  const execution = newExecution();
  const { id } = await upload(Buffer.from('x'), 'a', execution);
  const kept = await client.keepForever(id, 'evidence');
  expect(kept.retention).toMatchObject({ rule: 'permanent', reason: 'evidence' });
  expect(kept).not.toHaveProperty('expiresAt');
  expect((await client.setRetention(id, 7)).retention).toEqual({ rule: 'artifact', days: 7 });
  await client.archiveArtifact(id);
  expect((await client.getArtifact(id)).status).toBe('ARCHIVED');
  await client.restoreArtifact(id, { tier: 'Bulk' });
  expect((await client.getArtifact(id)).restoreEta).toBeInstanceOf(Date);
  await client.restoreArtifact(id, { tier: 'Expedited' });
  expect((await client.getArtifact(id)).status).toBe('ACTIVE');
  const [begun] = await client.history(id);
  expect(begun?.kind).toBe('upload_begun');
  expect(begun?.at).toBeInstanceOf(Date);
  expect((await client.getUploadStatus(id)).artifact.id).toBe(id);
  expect(await client.deleteExecutionArtifacts(execution)).toBe(1);
  expect(await client.deleteExecutionArtifacts(execution)).toBe(0);
});

describe('requests', () => {
  test('that fail in passing are tried again', async () => {
    const { id } = await upload(Buffer.from('x'));
    const path = /artifacts\/[^/]+$/;
    fake.faults.push(
      { nth: 1, method: 'GET', path, answer: { code: 'database_unavailable' } },
      { nth: 2, method: 'GET', path, answer: 'reset' },
      { nth: 3, method: 'GET', path, answer: { code: 'rate_limited', retryAfterSeconds: 0.1 } },
    );
    const before = Date.now();
    expect((await client.getArtifact(id)).id).toBe(id);
    expect(Date.now() - before).toBeGreaterThanOrEqual(100);
  });

  test('that go on failing end with the last error', async () => {
    for (const nth of [1, 2, 3, 4])
      fake.faults.push({ nth, method: 'DELETE', path: /./, answer: { code: 'workflows_unavailable' } });
    expect(await codeOf(client.deleteArtifact(newExecution()))).toBe('workflows_unavailable');
    expect(fake.requests).toHaveLength(4);
  });

  test('that are refused are not repeated, and say what the API said', async () => {
    const error = await errorOf(client.getArtifact(newExecution()));
    expect(error).toBeInstanceOf(ArtifactError);
    expect(error.code).toBe('artifact_not_found');
    expect(error.message).toMatch(/^no artifact/);
    expect(fake.requests).toHaveLength(1);
  });

  test('to an address where nobody listens end with api_unreachable', async () => {
    await fake.close();
    const error = await errorOf(client.getArtifact(newExecution()));
    expect(error.code).toBe('api_unreachable');
    expect(error.message).toContain('ECONNREFUSED');
    fake = await FakeApi.start();
  });

  test('that are not answered in time end with api_unreachable', async () => {
    const hanging = clientOf(fake, {
      requestTimeoutMs: 30,
      fetch: (_input, init) =>
        new Promise((_resolve, reject) => {
          init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
        }),
    });
    const error = await errorOf(hanging.getArtifact(newExecution()));
    expect(error).toMatchObject({ code: 'api_unreachable' });
    expect(error.message).toContain('no answer in time');
  });

  test('with a malformed id are not sent', async () => {
    expect(await codeOf(client.getArtifact('../admin'))).toBe('invalid_id');
    expect(fake.requests).toEqual([]);
  });

  test('with an expired token ask for a new one once', async () => {
    const { id } = await upload(Buffer.from('x'));
    const tokens = ['old', FAKE_TOKEN];
    const renewing = clientOf(fake, { token: () => tokens.shift() ?? 'none left' });
    expect((await renewing.getArtifact(id)).id).toBe(id);
    expect(await codeOf(renewing.getArtifact(id))).toBe('unauthenticated');
  });
});

test.each([
  [502, '<html>', 'api_unreachable'],
  [413, 'too big', 'too_large'],
  [418, '{"code":"teapot","detail":"short and stout"}', 'internal'],
  [500, '', 'internal'],
  [200, '<html>', 'not_the_api'],
  [404, '<html>', 'not_the_api'],
  [501, 'no POST here', 'not_the_api'],
])('an answer %i with %j becomes %s', async (status, body, code) => {
  const odd = clientOf(fake, { fetch: () => Promise.resolve(new Response(body, { status })) });
  const error = await errorOf(odd.getArtifact(newExecution()));
  expect(error.code).toBe(code);
  if (code === 'not_the_api') expect(error.message).toContain(fake.url);
});

test('an address that is not http is refused at once', () => {
  expect(() => new ArtifactClient({ baseUrl: 'localhost:8080', token: 'x' })).toThrow(ArtifactError);
});
