import { expect, test } from 'vitest';
import { startTestApi } from '../../support/api.js';

const bytes = Buffer.from('0123456789');

/** An uploaded artifact; `counts` closes the API, which writes what it counted. */
async function anUpload() {
  const api = await startTestApi();
  const id = await api.upload({ bytes });
  const content = (headers: Record<string, string> = {}, method: 'GET' | 'HEAD' = 'GET') =>
    api.send({ method, url: `/v1/artifacts/${id}/content`, headers });
  const counts = async () => {
    await api.app.close();
    const { downloads, lastDownloadedAtMs, revision } = (await api.records.get(id))!;
    return { downloads, isUsed: lastDownloadedAtMs !== null, revision };
  };
  return { api, id, content, counts };
}

test('a download that began and a URL that was handed out count, and change nothing else', async () => {
  const { api, id, content, counts } = await anUpload();
  const { revision } = (await api.records.get(id))!;
  await content();
  await content({ range: 'bytes=0-3' });
  await api.send({ method: 'POST', url: `/v1/artifacts/${id}/download-url` });
  await api.send({ method: 'GET', url: `/v1/artifacts/${id}/content?redirect=true` });
  expect(await counts()).toEqual({ downloads: 4, isUsed: true, revision });
});

test('a download that goes on is a use and not another download', async () => {
  const { content, counts } = await anUpload();
  await content({ range: 'bytes=4-' });
  expect(await counts()).toMatchObject({ downloads: 0, isUsed: true });
});

test('what gives no bytes out does not count', async () => {
  const { content, counts } = await anUpload();
  const { headers } = await content({}, 'HEAD');
  expect((await content({ 'if-none-match': String(headers['etag']) })).statusCode).toBe(304);
  expect((await content({ range: 'bytes=90-' })).statusCode).toBe(416);
  expect(await counts()).toMatchObject({ downloads: 0, isUsed: false });
});

test('an answer says how often and when it was given out', async () => {
  const { api, id } = await anUpload();
  await api.records.addDownloads([{ artifactId: id, count: 2, lastAtMs: Date.UTC(2026, 0, 5) }]);
  const { artifact } = (await api.send({ method: 'GET', url: `/v1/artifacts/${id}` })).json<{ artifact: unknown }>();
  expect(artifact).toMatchObject({ downloads: 2, lastDownloadedAt: '2026-01-05T00:00:00.000Z' });
});
