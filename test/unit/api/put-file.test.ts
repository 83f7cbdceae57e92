import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from 'vitest';
import { MAX_ARTIFACT_BYTES } from '../../../src/domain/artifact.js';
import { MIB_BYTES } from '../../../src/domain/units.js';
import { apiConfig, sha256Of, startTestApi, tokenFor, type TestApi } from '../../support/api.js';
import { rawClient, type RawClient } from '../../support/raw-http.js';
import { eventually } from '../../support/eventually.js';

const LARGE_BYTES = 20 * MIB_BYTES;
const large = Buffer.alloc(LARGE_BYTES, 'durable artifacts ');
const digestOf = (bytes: Buffer): string => `sha-256=:${Buffer.from(sha256Of(bytes), 'hex').toString('base64')}:`;

interface Listening extends TestApi {
  port: number;
  executionId: string;
  put(path: string, body: Buffer | ReadableStream, headers?: Record<string, string>): Promise<Answer>;
  /** The head of a PUT as it goes over the wire. */
  head(path: string, headers: Record<string, string | number>): string;
  artifactsOf(): Promise<{ status: string; path: string; deletionReason: string | null; id: string; key: string }[]>;
}
interface Answer {
  status: number;
  headers: Headers;
  body: {
    artifact: { id: string; status: string; fileSize: number; checksum: string; mimeType: string };
    code: string;
  };
}

async function listen(deps: Parameters<typeof startTestApi>[0] = {}): Promise<Listening> {
  const api = await startTestApi(deps);
  await api.app.listen({ host: '127.0.0.1', port: 0 });
  const { port } = api.app.server.address() as AddressInfo;
  const executionId = randomUUID();
  const authorization = `Bearer ${await tokenFor()}`;
  return {
    ...api,
    port,
    executionId,
    async put(path, body, headers = {}) {
      const init = { method: 'PUT', headers: { authorization, ...headers }, body, duplex: 'half' };
      const answer = await fetch(
        `http://127.0.0.1:${port}/v1/executions/${executionId}/files/${path}`,
        init as RequestInit,
      );
      return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Answer['body'] };
    },
    head: (path, headers) =>
      [
        `PUT /v1/executions/${executionId}/files/${path} HTTP/1.1`,
        ...Object.entries({ Host: 'here', Authorization: authorization, ...headers }).map((line) => line.join(': ')),
        '\r\n',
      ].join('\r\n'),
    async artifactsOf() {
      const found = [];
      for (const status of ['UPLOADING', 'ACTIVE', 'DELETED'] as const)
        found.push(...(await api.records.list({ executionId, status, limit: 50 })).items);
      return found;
    },
  };
}

const chunked = (bytes: Buffer, chunkBytes: number): ReadableStream =>
  new ReadableStream({
    start: (controller) => {
      for (let at = 0; at < bytes.length; at += chunkBytes) controller.enqueue(bytes.subarray(at, at + chunkBytes));
      controller.close();
    },
  });

const answered = (client: RawClient, status: number): Promise<void> =>
  eventually(() => expect(client.received()).toContain(`HTTP/1.1 ${status} `));

describe('a file that is put', () => {
  test.each([
    ['small and of known length', Buffer.from('hello'), (bytes: Buffer) => bytes],
    ['empty', Buffer.alloc(0), (bytes: Buffer) => bytes],
    ['small and chunked', Buffer.from('hello there'), (bytes: Buffer) => chunked(bytes, 3)],
    ['large and of known length', large, (bytes: Buffer) => bytes],
    ['large and in tiny chunks', large.subarray(0, 17 * MIB_BYTES), (bytes: Buffer) => chunked(bytes, 10_007)],
    ['of whole parts', large.subarray(0, 16 * MIB_BYTES), (bytes: Buffer) => bytes],
  ])('%s becomes ACTIVE with its own hash', async (_title, bytes, body) => {
    const api = await listen();
    const answer = await api.put('output/deep/report.pdf', body(bytes));
    expect(answer.body).toMatchObject({
      artifact: { status: 'ACTIVE', path: 'output/deep/report.pdf', fileSize: bytes.length, checksum: sha256Of(bytes) },
    });
    expect(answer.status).toBe(201);
    const content = await api.send({ method: 'GET', url: `/v1/artifacts/${answer.body.artifact.id}/content` });
    expect(sha256Of(content.rawPayload)).toBe(sha256Of(bytes));
    const claim = {
      sizeBytes: bytes.length,
      sha256: sha256Of(bytes),
      actor: 'agent-7',
      requestId: expect.any(String) as string,
    };
    expect(api.lifecycle.calls.find(({ verb }) => verb === 'completeUpload')?.message).toEqual(claim);
  });

  test('takes type, tags and retention from the request, and its MIME type from Content-Type or its name', async () => {
    const api = await listen();
    const query = 'tag=team:blue&tag=a:b:c&retentionDays=7&type=data';
    const given = await api.put(`logs/a%20b.bin?${query}`, Buffer.from('x'), { 'content-type': 'text/x-own; a=b' });
    expect(given.body.artifact).toMatchObject({
      ...{ path: 'logs/a b.bin', mimeType: 'text/x-own; a=b', type: 'data', tags: { team: 'blue', a: 'b:c' } },
      retention: { rule: 'artifact', days: 7 },
    });
    const guessed = await api.put('output/report.pdf', Buffer.from('x'));
    expect(guessed.body.artifact).toMatchObject({ mimeType: 'application/pdf', type: 'document' });
  });

  test.each([
    ['small', Buffer.from('hello')],
    ['large', large],
  ])('%s again answers with what exists, and other content is refused', async (_title, bytes) => {
    const api = await listen();
    const first = await api.put('output/a.bin', bytes);
    const again = await api.put('output/a.bin', bytes);
    expect([again.status, again.body.artifact.id]).toEqual([200, first.body.artifact.id]);
    const unsaid = await api.put('output/a.bin', chunked(bytes, 65_536));
    expect([unsaid.status, unsaid.body.artifact.id]).toEqual([200, first.body.artifact.id]);
    const other = Buffer.from(bytes);
    other[0] = 0;
    expect((await api.put('output/a.bin', other)).body.code).toBe('path_taken');
    expect((await api.put('output/a.bin', bytes, { 'if-none-match': '*' })).status).toBe(412);
    expect(await api.artifactsOf()).toHaveLength(1);
    // Also when both began while nobody was there.
    const both = [0, 1].map(() => api.put('output/b.bin', bytes, { 'if-none-match': '*' }));
    expect((await Promise.all(both)).map(({ status }) => status).sort()).toEqual([201, 412]);
  });

  test.each([
    ['small', Buffer.from('hello'), Buffer.from('world')],
    ['larger than it', Buffer.from('hello'), large],
    ['smaller than it', large, Buffer.from('hello')],
  ])('%s takes the place of what is there when it is asked to', async (_title, before, bytes) => {
    const api = await listen();
    const { id } = (await api.put('output/a.bin', before)).body.artifact;
    const answer = await api.put('output/a.bin?replace=true', bytes);
    expect([answer.status, answer.body.artifact.checksum]).toEqual([201, sha256Of(bytes)]);
    const replaced = await api.send({ method: 'GET', url: `/v1/artifacts/${id}` });
    expect(replaced.json()).toMatchObject({ artifact: { status: 'DELETED', deletionReason: 'requested' } });
    // The same once more is what is there, however it comes.
    for (const body of [bytes, chunked(bytes.subarray(0, 5), 2)].slice(0, bytes === large ? 1 : 2)) {
      const headers = bytes === large ? { 'repr-digest': digestOf(bytes) } : {};
      const again = await api.put('output/a.bin?replace=true', body, headers);
      expect([again.status, again.body.artifact.id]).toEqual([200, answer.body.artifact.id]);
    }
  });

  test('large and of the size of what is there must say its hash to take its place', async () => {
    const api = await listen();
    await api.put('output/a.bin', large);
    const other = Buffer.from(large);
    other[0] = 0;
    const unsaid = await api.put('output/a.bin?replace=true', other);
    expect([unsaid.status, unsaid.body.code]).toEqual([409, 'path_taken']);
    const said = await api.put('output/a.bin?replace=true', other, { 'repr-digest': digestOf(other) });
    expect([said.status, said.body.artifact.checksum]).toEqual([201, sha256Of(other)]);
  });

  test.each([
    ['small', Buffer.from('hello')],
    ['large', large],
  ])('%s with another hash than it claims is refused with 422 and leaves nothing', async (_title, bytes) => {
    const api = await listen();
    const answer = await api.put('output/a.bin', bytes, { 'repr-digest': digestOf(Buffer.from('other')) });
    expect([answer.status, answer.body.code]).toEqual([422, 'checksum_mismatch']);
    expect((await api.artifactsOf()).filter(({ status }) => status !== 'DELETED')).toEqual([]);
    expect(api.store.keys()).toEqual([]);
    expect((await api.put('output/a.bin', bytes, { 'content-digest': digestOf(bytes) })).status).toBe(201);
  });

  test.each([
    ['a path that leads out', 'output/a%2f..%2fb.txt', {}, 'invalid_path'],
    ['a folder that is none', 'elsewhere/a.txt', {}, 'invalid_request'],
    ['a digest that is none', 'output/a.txt', { 'repr-digest': 'sha-256=:abc:' }, 'invalid_checksum'],
    ['a part of a file', 'output/a.txt', { 'content-range': 'bytes 0-4/10' }, 'invalid_request'],
    ['an encoded body', 'output/a.txt', { 'content-encoding': 'gzip' }, 'invalid_request'],
    ['bad tags', 'output/a.txt?tag=artifact-x:1', {}, 'invalid_tags'],
    ['two wishes that exclude each other', 'output/a.txt?replace=true', { 'if-none-match': '*' }, 'invalid_request'],
  ])('is refused with %s', async (_title, path, headers, code) => {
    const api = await listen();
    const answer = await api.put(path, Buffer.from('hello'), headers);
    expect([answer.status, answer.body.code]).toEqual([400, code]);
    expect(api.lifecycle.calls).toEqual([]);
  });
});

describe('a client that asks with Expect: 100-continue', () => {
  test('is told to go on, and then that it is stored', async () => {
    const api = await listen();
    const client = await rawClient(api.port);
    await client.write(api.head('output/a.txt', { 'Content-Length': 5, Expect: '100-continue' }));
    await answered(client, 100);
    await client.write('hello');
    await answered(client, 201);
  });

  test.each([
    ['more than 5 GiB', 'output/a.txt', { 'Content-Length': MAX_ARTIFACT_BYTES + 1 }, 413],
    ['other content at the path, by its length', 'output/there.txt', { 'Content-Length': 6 }, 409],
    [
      'other content at the path, by its digest',
      'output/there.txt',
      { 'Content-Length': 5, 'Repr-Digest': digestOf(Buffer.from('other')) },
      409,
    ],
    ['a token that may not write', 'output/a.txt', { 'Content-Length': 5, Authorization: 'Bearer x.y.z' }, 401],
  ])('is refused before its body: %s', async (_title, path, headers, status) => {
    const api = await listen();
    await api.put('output/there.txt', Buffer.from('hello'));
    const client = await rawClient(api.port);
    await client.write(api.head(path, { ...headers, Expect: '100-continue' }));
    await answered(client, status);
    await client.closed;
    expect(client.received()).not.toContain('100 Continue');
  });

  test('and claims the content that exists is answered with it, before its body', async () => {
    const api = await listen();
    await api.put('output/there.txt', Buffer.from('hello'));
    const client = await rawClient(api.port);
    const headers = { 'Content-Length': 5, 'Repr-Digest': digestOf(Buffer.from('hello')), Expect: '100-continue' };
    await client.write(api.head('output/there.txt', headers));
    await answered(client, 200);
    expect(client.received()).not.toContain('100 Continue');
  });

  test('on a route with JSON is answered as ever', async () => {
    const api = await listen();
    const client = await rawClient(api.port);
    const body = JSON.stringify({ fileName: 'a.txt' });
    const head = api
      .head('x', { 'Content-Length': body.length, Expect: '100-continue' })
      .replace('PUT', 'POST')
      .replace('/files/x', '/artifacts')
      .replace('Host: here', 'Host: here\r\nContent-Type: application/json');
    await client.write(head);
    await answered(client, 100);
    await client.write(body);
    await answered(client, 201);
  });
});

describe('an upload that does not come to its end', () => {
  const begun = async (api: Listening, headers: Record<string, string | number>): Promise<RawClient> => {
    const client = await rawClient(api.port);
    await client.write(api.head('output/big.bin', headers));
    return client;
  };
  const endsAborted = (api: Listening): Promise<void> =>
    eventually(async () => {
      expect(await api.artifactsOf()).toMatchObject([{ status: 'DELETED', deletionReason: 'upload_aborted' }]);
      const [artifact] = await api.artifactsOf();
      expect(await api.store.listUploads(artifact?.key ?? '')).toEqual([]);
      expect(api.store.keys()).toEqual([]);
    });

  test.each([
    ['of known length', { 'Content-Length': LARGE_BYTES }],
    ['chunked', { 'Transfer-Encoding': 'chunked' }],
  ])('because its client goes away (%s), ends as aborted', async (_title, headers) => {
    const api = await listen();
    const client = await begun(api, headers);
    const body = large.subarray(0, 18 * MIB_BYTES);
    await client.write(
      'Content-Length' in headers ? body : Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body]),
    );
    await eventually(async () => expect(await api.artifactsOf()).toMatchObject([{ status: 'UPLOADING' }]));
    client.socket.destroy();
    await endsAborted(api);
  });

  test('because its client falls silent, is answered with 408 and ends as aborted', async () => {
    const api = await listen({ uploadStallMs: 100 });
    const client = await begun(api, { 'Content-Length': LARGE_BYTES });
    await client.write(large.subarray(0, 18 * MIB_BYTES));
    await answered(client, 408);
    await endsAborted(api);
  });

  test('small and cut off, was never there', async () => {
    const api = await listen();
    const client = await begun(api, { 'Content-Length': 1_000 });
    await client.write('only this');
    client.socket.destroy();
    await eventually(() => expect(api.log()).toContain('The client went away'));
    expect(await api.artifactsOf()).toEqual([]);
    expect((await api.put('output/big.bin', Buffer.from('hello'))).status).toBe(201);
  });

  test('because the store fails, is answered with 503 and ends as aborted', async () => {
    const api = await listen();
    const client = await begun(api, { 'Content-Length': LARGE_BYTES });
    await client.write(large.subarray(0, 1_000));
    await eventually(() => expect(api.store.calls.get('sendParts')).toBe(1));
    api.store.outage = 'storage_unavailable';
    await client.write(large.subarray(1_000));
    await answered(client, 503);
    api.store.outage = null;
  });

  test('because the process ends, is cut after its time and ends as aborted', async () => {
    const cut = new AbortController();
    const api = await listen({ cutUploads: cut.signal });
    const client = await begun(api, { 'Content-Length': LARGE_BYTES });
    await client.write(large.subarray(0, 18 * MIB_BYTES));
    await eventually(async () => expect(await api.artifactsOf()).toMatchObject([{ status: 'UPLOADING' }]));
    cut.abort(new Error('the process ends'));
    await answered(client, 500);
    await endsAborted(api);
  });
});

describe('an upload whose process died', () => {
  /** The same as a killed API leaves behind: it is registered, and nobody sends any more. */
  async function left(api: Listening, headers: Record<string, string>): Promise<RawClient> {
    const client = await rawClient(api.port);
    await client.write(api.head('output/big.bin', { 'Content-Length': LARGE_BYTES, ...headers }));
    await eventually(async () => expect(await api.artifactsOf()).toMatchObject([{ status: 'UPLOADING' }]));
    return client;
  }

  test('is aborted by the same request, known by its key, which begins anew', async () => {
    const api = await listen();
    await left(api, { 'Idempotency-Key': 'turn-7' });
    const again = await api.put('output/big.bin', large, { 'idempotency-key': 'turn-7', 'if-none-match': '*' });
    expect(again.status).toBe(201);
    expect((await api.artifactsOf()).map(({ status, deletionReason }) => [status, deletionReason])).toEqual([
      ['ACTIVE', null],
      ['DELETED', 'upload_aborted'],
    ]);
    const other = Buffer.from(large);
    other[0] = 0;
    expect((await api.put('output/big.bin', other, { 'idempotency-key': 'turn-7' })).body.code).toBe('path_taken');
  });

  test.each([
    ['without a key', {}],
    ['under another key', { 'idempotency-key': 'turn-8' }],
  ])('is in the way of a request %s, which is told what to do', async (_title, headers) => {
    const api = await listen();
    await left(api, { 'Idempotency-Key': 'turn-7' });
    const [{ id } = { id: '' }] = await api.artifactsOf();
    const answer = await api.put('output/big.bin', large, headers);
    expect(answer.body).toMatchObject({
      code: 'path_taken',
      detail: expect.stringContaining(`POST /v1/artifacts/${id}/upload/abort`) as string,
    });
    expect(await api.artifactsOf()).toMatchObject([{ status: 'UPLOADING' }]);
  });

  test('is not joined by who sends parts by himself, under the same key', async () => {
    const api = await listen();
    await left(api, { 'Idempotency-Key': 'turn-7' });
    const url = `/v1/executions/${api.executionId}/artifacts`;
    const headers = { 'idempotency-key': 'turn-7' };
    const payload = { fileName: 'big.bin', sizeBytes: LARGE_BYTES };
    const answer = await api.send({ method: 'POST', url, headers, payload });
    expect(answer.json()).toMatchObject({ code: 'path_taken' });
  });
});

test('closing waits for the uploads that run', async () => {
  const api = await listen();
  const client = await rawClient(api.port);
  await client.write(api.head('output/a.txt', { 'Content-Length': 5, Expect: '100-continue' }));
  await answered(client, 100);
  const closed = api.app.close();
  await client.write('hello');
  await closed;
  expect(client.received()).toContain('HTTP/1.1 201 ');
});

test('more uploads at once than the process has room for are refused with Retry-After', async () => {
  const api = await listen({ config: { ...apiConfig, PROXIED_UPLOADS_AT_ONCE: 1 } });
  const client = await rawClient(api.port);
  await client.write(api.head('output/a.txt', { 'Content-Length': 5, Expect: '100-continue' }));
  await answered(client, 100);
  const refused = await api.put('output/b.txt', Buffer.from('x'));
  expect([refused.status, refused.body.code]).toEqual([503, 'too_busy']);
  expect(refused.headers.get('retry-after')).not.toBeNull();
  await client.write('hello');
  await answered(client, 201);
  expect((await api.put('output/b.txt', Buffer.from('x'))).status).toBe(201);
});
