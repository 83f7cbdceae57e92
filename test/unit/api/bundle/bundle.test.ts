import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { apiConfig, codeOf, sha256Of, startTestApi, tokenFor, type TestApi } from '../../../support/api.js';
import { rawClient, type RawClient } from '../../../support/raw-http.js';
import { unzip } from '../../../support/unzip.js';
import { eventually } from '../../../support/eventually.js';

const urlOf = (executionId: string, query = ''): string => `/v1/executions/${executionId}/bundle.zip${query}`;

/** Uploads files of this content, and answers with the execution and the ids in their order. */
async function executionOf(
  api: TestApi,
  files: Record<string, string>,
  tags: Record<string, Record<string, string>> = {},
): Promise<{ executionId: string; ids: string[] }> {
  const executionId = randomUUID();
  const ids: string[] = [];
  for (const [fileName, content] of Object.entries(files))
    ids.push(await api.upload({ executionId, fileName, bytes: Buffer.from(content), tags: tags[fileName] ?? {} }));
  return { executionId, ids };
}

/** Asks for the bundle on a connection of its own. */
async function askFor(api: TestApi, executionId: string): Promise<RawClient> {
  if (!api.app.server.listening) await api.app.listen({ host: '127.0.0.1', port: 0 });
  const client = await rawClient((api.app.server.address() as AddressInfo).port);
  const head = `GET ${urlOf(executionId)} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${await tokenFor()}\r\n\r\n`;
  await client.write(head);
  return client;
}

describe('a bundle', () => {
  test('has all files of the execution by path, is as long as it says, and the same whenever it is asked for', async () => {
    const api = await startTestApi();
    const { executionId } = await executionOf(api, {
      'b.txt': 'bee',
      'logs/z.log': 'zed',
      'a/보고서.txt': 'report',
      empty: '',
    });
    const [first, second] = [await api.send({ url: urlOf(executionId) }), await api.send({ url: urlOf(executionId) })];
    expect(first.statusCode).toBe(200);
    expect(first.headers).toMatchObject({
      'content-type': 'application/zip',
      'content-disposition': `attachment; filename=${executionId}.zip`,
      'content-length': String(first.rawPayload.length),
      'accept-ranges': 'none',
      'cache-control': 'private, no-store',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'; frame-ancestors 'none'",
    });
    expect((await unzip(first.rawPayload)).map(([path, bytes]) => [path, bytes.toString()])).toEqual([
      ['logs/z.log', 'zed'],
      ['output/a/보고서.txt', 'report'],
      ['output/b.txt', 'bee'],
      ['output/empty', ''],
    ]);
    expect(second.rawPayload).toEqual(first.rawPayload);
    expect(second.headers.etag).toBe(first.headers.etag);
  });

  test('is not sent to who has it, and HEAD tells of it without opening a file', async () => {
    const api = await startTestApi();
    const { executionId, ids } = await executionOf(api, { 'a.txt': 'one', 'b.txt': 'two' });
    const head = await api.send({ method: 'HEAD', url: urlOf(executionId) });
    const { etag = '' } = head.headers;
    const known = await api.send({ url: urlOf(executionId), headers: { 'if-none-match': etag } });
    expect([known.statusCode, known.body]).toEqual([304, '']);
    expect(api.store.calls.get('read')).toBeUndefined();
    const whole = await api.send({ url: urlOf(executionId) });
    expect([head.statusCode, head.body, head.headers['content-length']]).toEqual([
      200,
      '',
      String(whole.rawPayload.length),
    ]);
    await api.send({ method: 'DELETE', url: `/v1/artifacts/${ids[0]}` });
    expect((await api.send({ method: 'HEAD', url: urlOf(executionId) })).headers.etag).not.toBe(etag);
  });

  test('takes the filters of a list', async () => {
    const api = await startTestApi();
    const files = { 'charts/a.png': '1', 'charts/b.json': '2', 'c.png': '3', 'logs/d.log': '4' };
    const { executionId } = await executionOf(api, files, { 'charts/a.png': { step: '1' }, 'c.png': { step: '1' } });
    const pathsOf = async (query: string): Promise<string[]> =>
      (await unzip((await api.send({ url: urlOf(executionId, query) })).rawPayload)).map(([path]) => path);
    expect(await pathsOf('?path=output/charts/')).toEqual(['output/charts/a.png', 'output/charts/b.json']);
    expect(await pathsOf('?type=image')).toEqual(['output/c.png', 'output/charts/a.png']);
    expect(await pathsOf('?tag=step:1&path=output/c')).toEqual(['output/c.png', 'output/charts/a.png']);
    expect(await pathsOf('?type=code')).toEqual([]);
    expect((await api.send({ url: urlOf(executionId, '?color=red') })).statusCode).toBe(400);
  });

  test('reads all pages of a large execution', async () => {
    const api = await startTestApi();
    const files = Object.fromEntries(Array.from({ length: 230 }, (_, index) => [`${index}.txt`, String(index)]));
    const { executionId } = await executionOf(api, files);
    expect(await unzip((await api.send({ url: urlOf(executionId) })).rawPayload)).toHaveLength(230);
  });

  test('leaves out what cannot be downloaded, and says at its end what that is and what to do', async () => {
    const api = await startTestApi();
    const { executionId, ids } = await executionOf(api, { 'a.txt': 'one', 'b.txt': 'two', 'c.txt': 'three' });
    await api.send({ method: 'POST', url: `/v1/artifacts/${ids[0]}/archive` });
    await api.send({ method: 'DELETE', url: `/v1/artifacts/${ids[2]}` });
    const payload = { fileName: 'late.bin', sizeBytes: 3, sha256: sha256Of('abc') };
    await api.send({ method: 'POST', url: `/v1/executions/${executionId}/artifacts`, payload });
    const files = await unzip((await api.send({ url: urlOf(executionId) })).rawPayload);
    expect(files.map(([path]) => path)).toEqual(['output/b.txt', 'MISSING.txt']);
    const text = files[1]?.[1].toString();
    expect(text).toMatch(/output\/a\.txt\n.*in the archive.*\n.*[Rr]estore/);
    expect(text).toMatch(/output\/late\.bin\n.*still being uploaded/);
    expect(text).not.toContain('c.txt');
  });

  test('is refused while as many run as may, and given again when one has ended', async () => {
    const api = await startTestApi({ config: { ...apiConfig, BUNDLES_AT_ONCE: 1 } });
    const { executionId } = await executionOf(api, { 'a.txt': 'one' });
    const endless = new Readable({ read: () => undefined });
    endless.push('o');
    const read = api.store.read.bind(api.store);
    api.store.read = (_object, options) => {
      options?.signal?.addEventListener('abort', () => endless.destroy(new Error('aborted')));
      return Promise.resolve(endless);
    };
    const client = await askFor(api, executionId);
    await eventually(() => expect(client.received()).toContain('output/a.txt'));
    const refused = await api.send({ url: urlOf(executionId) });
    expect([refused.statusCode, codeOf(refused)]).toEqual([503, 'too_busy']);
    expect(refused.headers['retry-after']).toBeDefined();
    client.socket.destroy();
    await eventually(() => expect(endless.destroyed).toBe(true));
    api.store.read = read;
    await eventually(async () => expect((await api.send({ url: urlOf(executionId) })).statusCode).toBe(200));
    // What never streams gives its place back too.
    for (const method of ['HEAD', 'HEAD', 'GET'] as const)
      expect((await api.send({ method, url: urlOf(executionId) })).statusCode).toBe(200);
    api.records.list = () => Promise.reject(new Error('no database'));
    for (let turn = 0; turn < 3; turn += 1) expect((await api.send({ url: urlOf(executionId) })).statusCode).toBe(500);
  });
});

describe('a bundle that goes wrong on the way is cut, never ended as if it were whole:', () => {
  /** All that came before the connection ended; its head promised more. */
  async function cutBundle(api: TestApi, executionId: string): Promise<string> {
    const client = await askFor(api, executionId);
    await client.closed;
    const [head = '', body = ''] = client.received().split('\r\n\r\n');
    expect(head).toMatch(/^HTTP\/1\.1 200 /);
    expect(body.length).toBeLessThan(Number(/content-length: (\d+)/.exec(head)?.[1]));
    expect(body).not.toContain('PK\u0005\u0006');
    return body;
  }

  test('a store that breaks off', async () => {
    const api = await startTestApi();
    const { executionId } = await executionOf(api, { 'a.txt': 'first', 'b.txt': 'second' });
    const read = api.store.read.bind(api.store);
    api.store.read = async (object, options) => {
      if (!object.key.endsWith('b.txt')) return read(object, options);
      return Readable.from([Buffer.from('sec')]);
    };
    expect(await cutBundle(api, executionId)).toContain('first');
    expect(api.log()).toContain('output/b.txt has not the 6 bytes');
  });

  test('an artifact that is deleted meanwhile', async () => {
    const api = await startTestApi();
    const { executionId, ids } = await executionOf(api, { 'a.txt': 'first', 'b.txt': 'second' });
    const read = api.store.read.bind(api.store);
    api.store.read = async (object, options) => {
      await api.send({ method: 'DELETE', url: `/v1/artifacts/${ids[1]}` });
      return read(object, options);
    };
    const body = await cutBundle(api, executionId);
    expect(body).toContain('first');
    expect(body).not.toContain('second');
  });
});
