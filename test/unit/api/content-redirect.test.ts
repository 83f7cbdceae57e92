import { describe, expect, test } from 'vitest';
import { apiConfig, codeOf, startTestApi, tokenFor, type TestApi } from '../../support/api.js';

const bytes = Buffer.from('0123456789');

/** What the store answers to the address that a redirect leads to. */
const follow = (api: TestApi, location: string | undefined): ReturnType<TestApi['store']['receive']> =>
  api.store.receive({ method: 'GET', url: location ?? '', headers: {}, expiresAtMs: Number.MAX_VALUE });

describe('a stable link', () => {
  test('leads to a fresh signed URL each time, which nobody keeps or logs', async () => {
    const api = await startTestApi();
    const id = await api.upload({ fileName: 'page.html', bytes });
    const url = `/v1/artifacts/${id}/content?redirect=true&disposition=inline`;
    const [first, second] = [await api.send({ url }), await api.send({ url })];
    for (const answer of [first, second]) {
      expect([answer.statusCode, answer.body]).toEqual([302, '']);
      expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    }
    const { location } = first.headers;
    expect(second.headers.location).not.toBe(location);
    const direct = await follow(api, location);
    expect([direct.status, direct.body]).toEqual([200, bytes]);
    expect(direct.headers['content-disposition']).toMatch(/^attachment; /);
    expect(api.log()).toContain(`/v1/artifacts/${id}/content?redirect=true`);
    expect(api.log()).not.toContain(location);
    expect(api.store.calls.get('read')).toBeUndefined();
  });

  test.each([
    [3_600, 60],
    [10, 10],
  ])('of a server that signs for at most %i s lives %i s', async (most, seconds) => {
    const api = await startTestApi({ config: { ...apiConfig, PRESIGN_DOWNLOAD_MAX_SECONDS: most } });
    const id = await api.upload({ bytes });
    const asked: number[] = [];
    const presignGet = api.store.presignGet.bind(api.store);
    api.store.presignGet = (object, expiresInSeconds) => {
      asked.push(expiresInSeconds);
      return presignGet(object, expiresInSeconds);
    };
    await api.send({ url: `/v1/artifacts/${id}/content?redirect=true` });
    expect(asked).toEqual([seconds]);
  });

  test('asks every time whether the caller may, and what state the artifact is in', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    const url = `/v1/artifacts/${id}/content?redirect=true`;
    const foreign = await api.send({ url, token: await tokenFor({ tenant: 'other' }) });
    expect([foreign.statusCode, foreign.headers.location]).toEqual([404, undefined]);
    expect((await api.send({ url, token: await tokenFor({ scope: 'artifacts:write' }) })).statusCode).toBe(403);
    await api.send({ method: 'POST', url: `/v1/artifacts/${id}/archive` });
    expect(codeOf(await api.send({ url }))).toBe('not_downloadable');
    await api.send({ method: 'DELETE', url: `/v1/artifacts/${id}` });
    const gone = await api.send({ url });
    expect([gone.statusCode, gone.headers.location]).toEqual([410, undefined]);
  });

  test('that is asked for while its artifact is being deleted leads nowhere, not to a version that outlives it', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    const head = api.store.head.bind(api.store);
    api.store.head = async (object) => {
      await api.send({ method: 'DELETE', url: `/v1/artifacts/${id}` });
      return head(object);
    };
    const answer = await api.send({ url: `/v1/artifacts/${id}/content?redirect=true` });
    expect([codeOf(answer), answer.headers.location]).toEqual(['artifact_deleted', undefined]);
  });

  test('leads to wrong bytes only when they are asked for', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    const { revision } = (await api.records.get(id))!;
    const patch = { checksumState: 'mismatch' } as const;
    const event = { kind: 'checksum_mismatched', actor: 'worker', detail: {} } as const;
    await api.records.change({ artifactId: id, changeNumber: revision + 1, atMs: Date.now(), patch, event });
    const url = `/v1/artifacts/${id}/content?redirect=true`;
    expect(codeOf(await api.send({ url }))).toBe('content_mismatch');
    expect((await follow(api, (await api.send({ url: `${url}&force=true` })).headers.location)).body).toEqual(bytes);
  });

  test('answers a HEAD itself: what it signs is for GET alone', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    const answer = await api.send({ method: 'HEAD', url: `/v1/artifacts/${id}/content?redirect=true` });
    expect([answer.statusCode, answer.headers['content-length'], answer.headers.location]).toEqual([
      200,
      '10',
      undefined,
    ]);
  });
});
