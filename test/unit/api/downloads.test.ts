import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createConnection, type AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { parse } from 'content-disposition';
import { describe, expect, test } from 'vitest';
import { readBack } from '../../../src/domain/changes.js';
import { codeOf, sha256Of, startTestApi, tokenFor, type TestApi } from '../../support/api.js';
import { eventually } from '../../support/eventually.js';

const bytes = Buffer.from('0123456789');
const etag = `"${sha256Of(bytes)}"`;

/** As its workflow writes it after it was read back. */
async function foundWrong({ records }: TestApi, id: string): Promise<void> {
  const record = (await records.get(id))!;
  const change = readBack(record, 'f'.repeat(64));
  await records.change({ artifactId: id, changeNumber: record.revision + 1, atMs: Date.now(), ...change });
}

describe('content', () => {
  test('the whole file comes as an attachment that no browser runs', async () => {
    const api = await startTestApi();
    const id = await api.upload({ fileName: 'page.html', bytes });
    const response = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/content` });
    expect(response.statusCode).toBe(200);
    expect(response.rawPayload).toEqual(bytes);
    expect(response.headers).toMatchObject({
      etag,
      'content-length': '10',
      'content-type': 'application/octet-stream',
      'content-disposition': 'attachment; filename=page.html',
      'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
      'x-content-type-options': 'nosniff',
      'cache-control': 'private, no-store',
      'cross-origin-resource-policy': 'same-site',
      'referrer-policy': 'no-referrer',
      'accept-ranges': 'bytes',
    });
  });

  test.each(['보고서.pdf', 'a"b;c.txt', 'näive – emoji 🦊.md', '100%.txt'])(
    'the name %s survives',
    async (fileName) => {
      const api = await startTestApi();
      const id = await api.upload({ fileName, bytes });
      const { headers } = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/content` });
      const { type, parameters } = parse(String(headers['content-disposition']));
      expect([type, parameters['filename']]).toEqual(['attachment', fileName]);
    },
  );

  test('a range comes alone, and one outside the file is told the size', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    const get = (range: string, more: Record<string, string> = {}) =>
      api.send({ method: 'GET', url: `/v1/artifacts/${id}/content`, headers: { range, ...more } });
    const part = await get('bytes=2-4');
    expect([part.statusCode, part.body, part.headers['content-range'], part.headers['content-length']]).toEqual([
      206,
      '234',
      'bytes 2-4/10',
      '3',
    ]);
    expect((await get('bytes=-2')).body).toBe('89');
    expect((await get('bytes=0-1,3-4')).statusCode).toBe(200);
    const outside = await get('bytes=10-');
    expect([outside.statusCode, codeOf(outside), outside.headers['content-range']]).toEqual([
      416,
      'range_not_satisfiable',
      'bytes */10',
    ]);
    expect((await get('bytes=2-4', { 'if-range': etag })).statusCode).toBe(206);
    expect((await get('bytes=2-4', { 'if-range': '"older"' })).body).toBe('0123456789');
  });

  test('a caller that has it already gets no bytes, and the store is not asked', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    const headers = { 'if-none-match': `"x", ${etag}` };
    const response = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/content`, headers });
    expect([response.statusCode, response.body, response.headers['etag']]).toEqual([304, '', etag]);
    expect(api.store.calls.get('read')).toBeUndefined();
  });

  test('HEAD answers with the headers without opening the file', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    const response = await api.send({ method: 'HEAD', url: `/v1/artifacts/${id}/content` });
    expect([response.statusCode, response.body, response.headers['content-length']]).toEqual([200, '', '10']);
    expect(api.store.calls.get('read')).toBeUndefined();
  });

  test('an empty file has no bytes and no ranges', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes: Buffer.alloc(0) });
    const url = `/v1/artifacts/${id}/content`;
    const response = await api.send({ method: 'GET', url });
    expect([response.statusCode, response.rawPayload.length]).toEqual([200, 0]);
    expect((await api.send({ method: 'GET', url, headers: { range: 'bytes=0-' } })).statusCode).toBe(416);
  });

  test('the version of the row is read, whatever lies on top of it', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    const record = await api.records.get(id);
    const owner = { artifactId: 'x', executionId: 'y', type: 'other' };
    const newer = { key: record!.key, mimeType: 'text/plain', owner, tags: {} };
    await api.store.put(newer, Buffer.from('something else'));
    expect((await api.send({ method: 'GET', url: `/v1/artifacts/${id}/content` })).rawPayload).toEqual(bytes);
  });

  test('bytes that are missing behind an ACTIVE row are an operator’s problem, not a 404', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    const record = await api.records.get(id);
    await api.store.deleteVersion(record!.key, record!.versionId);
    const response = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/content` });
    expect([response.statusCode, codeOf(response)]).toEqual([502, 'storage_rejected']);
    expect(response.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(api.log()).toContain('not in the store');
  });

  test('bytes that were found to be wrong are given to nobody who does not ask for just that', async () => {
    const api = await startTestApi();
    const id = await api.upload({ fileName: 'a.bin', bytes });
    await foundWrong(api, id);
    const url = `/v1/artifacts/${id}/content`;
    for (const method of ['GET', 'HEAD'] as const) {
      const refused = await api.send({ method, url, headers: { 'if-none-match': etag } });
      expect(refused.statusCode).toBe(409);
    }
    expect(codeOf(await api.send({ method: 'GET', url }))).toBe('content_mismatch');
    const forced = await api.send({ method: 'GET', url: `${url}?force=true` });
    expect([forced.statusCode, forced.rawPayload]).toEqual([200, bytes]);
    // The hash is that of other bytes.
    expect(forced.headers.etag).toBeUndefined();
    const link = { method: 'POST', url: `/v1/artifacts/${id}/download-url` } as const;
    expect(codeOf(await api.send(link))).toBe('content_mismatch');
    expect((await api.send({ ...link, payload: { force: true } })).json()).toMatchObject({ checksum: '' });
  });

  test('whoever uploads the same again is not told that it is there when its bytes are wrong', async () => {
    const api = await startTestApi();
    const id = await api.upload({ fileName: 'a.bin', bytes });
    const { executionId } = (await api.records.get(id))!;
    await foundWrong(api, id);
    const url = `/v1/executions/${executionId}/artifacts`;
    const payload = { fileName: 'a.bin', sizeBytes: bytes.length, sha256: sha256Of(bytes) };
    expect(codeOf(await api.send({ method: 'POST', url, payload }))).toBe('path_taken');
  });

  test('the stream from the store is closed when the client goes away', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    let signal: AbortSignal | undefined;
    const endless = new Readable({ read: () => undefined });
    endless.push(bytes.subarray(0, 5));
    api.store.read = (_object, options) => {
      signal = options?.signal;
      return Promise.resolve(endless);
    };
    await api.app.listen({ host: '127.0.0.1', port: 0 });
    const { port } = api.app.server.address() as AddressInfo;
    const socket = createConnection(port, '127.0.0.1');
    socket.write(
      `GET /v1/artifacts/${id}/content HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${await tokenFor()}\r\n\r\n`,
    );
    await once(socket, 'data');
    expect(endless.destroyed).toBe(false);
    socket.destroy();
    await eventually(() => expect([endless.destroyed, signal?.aborted]).toEqual([true, true]));
  });
});

/** What the store answers to a link. */
const statusOf = async (api: TestApi, url: string): Promise<number> =>
  (await api.store.receive({ method: 'GET', url, headers: {}, expiresAtMs: Number.MAX_VALUE })).status;

describe('a download URL', () => {
  test('is signed for five minutes unless asked otherwise, and says what to compare', async () => {
    const api = await startTestApi();
    const id = await api.upload({ fileName: 'a.bin', bytes });
    const url = `/v1/artifacts/${id}/download-url`;
    for (const [payload, seconds] of [
      [undefined, 300],
      [{}, 300],
      [{ expiresIn: 60 }, 60],
    ] as const) {
      const response = await api.send({ method: 'POST', url, ...(payload && { payload }) });
      const answer = response.json<{ url: string; expiresAt: string }>();
      expect(answer).toMatchObject({ fileName: 'a.bin', fileSize: 10, checksum: sha256Of(bytes) });
      const left = (Date.parse(answer.expiresAt) - Date.now()) / 1_000;
      expect(left).toBeGreaterThan(seconds - 5);
      expect(left).toBeLessThanOrEqual(seconds);
      expect(await statusOf(api, answer.url)).toBe(200);
    }
  });

  test('is to its own bytes, also when those of another artifact came late and lie above', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    const { key, mimeType } = await api.records.get(id).then((row) => row!);
    const owner = { artifactId: randomUUID(), executionId: randomUUID(), type: 'other' };
    await api.store.put({ key, mimeType, owner, tags: {} }, Buffer.from('late bytes'));
    const link = await api.send({ method: 'POST', url: `/v1/artifacts/${id}/download-url` });
    const { url } = link.json<{ url: string }>();
    const answer = await api.store.receive({ method: 'GET', url, headers: {}, expiresAtMs: Date.now() + 60_000 });
    expect(answer.body).toEqual(bytes);
  });

  test('dies with its artifact, also while that can still be brought back', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    const link = await api.send({ method: 'POST', url: `/v1/artifacts/${id}/download-url` });
    const { url } = link.json<{ url: string }>();
    expect(await statusOf(api, url)).toBe(200);
    const { purgeAt } = (await api.send({ method: 'DELETE', url: `/v1/artifacts/${id}` })).json<{
      artifact: { purgeAt: string | null };
    }>().artifact;
    expect(purgeAt).not.toBeNull();
    expect(await statusOf(api, url)).toBe(404);
  });
});

describe.each([
  ['GET', 'content'],
  ['HEAD', 'content'],
  ['POST', 'download-url'],
] as const)('%s %s follows the state of the artifact, and says what to do:', (method, path) => {
  /** Status, code and facts of the answer; a HEAD has no body to tell them. */
  async function ask(api: TestApi, id: string): Promise<[number, string?, object?]> {
    const response = await api.send({ method, url: `/v1/artifacts/${id}/${path}` });
    if (response.statusCode === 200 || method === 'HEAD') return [response.statusCode];
    const { code, details } = response.json<{ code: string; details: object }>();
    return [response.statusCode, code, details];
  }
  const expectAnswer = async (api: TestApi, id: string, expected: [number, string?, object?]): Promise<void> => {
    const answer = await ask(api, id);
    expect(answer).toMatchObject(method === 'HEAD' ? expected.slice(0, 1) : expected);
  };

  test('one that uploads, until when', async () => {
    const api = await startTestApi();
    const url = `/v1/executions/${randomUUID()}/artifacts`;
    const payload = { fileName: 'a.bin', sizeBytes: bytes.length, sha256: sha256Of(bytes) };
    const begun = await api.send({ method: 'POST', url, payload });
    const { id, uploadDeadline } = begun.json<{ artifact: { id: string; uploadDeadline: string } }>().artifact;
    await expectAnswer(api, id, [409, 'still_uploading', { status: 'UPLOADING', uploadDeadline }]);
  });

  test('one in the archive, one that comes back from it, and one that is deleted', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    await expectAnswer(api, id, [200]);
    await api.send({ method: 'POST', url: `/v1/artifacts/${id}/archive` });
    await expectAnswer(api, id, [
      409,
      'not_downloadable',
      { status: 'ARCHIVED', restoreState: null, restoreEta: null },
    ]);

    const record = (await api.records.get(id))!;
    const patch = { restoreState: 'in_progress', restoreEtaMs: Date.UTC(2030, 0, 2) } as const;
    const event = { kind: 'restore_requested', actor: 'worker', detail: {} } as const;
    await api.records.change({ artifactId: id, changeNumber: record.revision + 1, atMs: Date.now(), patch, event });
    const restoring = { restoreState: 'in_progress', restoreEta: '2030-01-02T00:00:00.000Z' };
    await expectAnswer(api, id, [409, 'not_downloadable', restoring]);

    await api.send({ method: 'DELETE', url: `/v1/artifacts/${id}` });
    await expectAnswer(api, id, [410, 'artifact_deleted', { deletionReason: 'requested' }]);
  });
});
