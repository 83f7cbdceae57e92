import { randomUUID } from 'node:crypto';
import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { describe, expect, test } from 'vitest';
import type { ShareJson } from '../../../src/api/schemas/shares.js';
import type { RecordPatch } from '../../../src/domain/artifact-record.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { apiConfig, codeOf, sha256Of, startTestApi, tokenFor, type TestApi } from '../../support/api.js';

const bytes = Buffer.from('0123456789');
const etag = `"${sha256Of(bytes)}"`;

interface Made {
  share: ShareJson;
  url: string;
}

const ask = (api: TestApi, id: string, payload: object = {}, more: InjectOptions & { token?: string } = {}) =>
  api.send({ method: 'POST', url: `/v1/artifacts/${id}/shares`, payload, ...more });

/** A link to a new artifact of ten bytes. */
async function shared(api: TestApi, wish: object = {}): Promise<Made & { id: string }> {
  const id = await api.upload({ bytes });
  const response = await ask(api, id, wish);
  expect(response.statusCode).toBe(201);
  return { id, ...response.json<Made>() };
}

/** Whoever has a link has no token. */
const open = (api: TestApi, url: string, more: InjectOptions = {}): Promise<LightMyRequestResponse> =>
  api.app.inject({ method: 'GET', url: new URL(url).pathname, ...more });

async function linkOf(api: TestApi, id: string): Promise<ShareJson> {
  const { items } = (await api.send({ method: 'GET', url: `/v1/artifacts/${id}/shares` })).json<{
    items: ShareJson[];
  }>();
  return items[0]!;
}

const revoke = (api: TestApi, { id, share }: { id: string; share: ShareJson }, token?: string) =>
  api.send({
    method: 'DELETE',
    url: `/v1/artifacts/${id}/shares/${share.id}`,
    ...(token === undefined ? {} : { token }),
  });

/** As its workflow writes it. */
async function change(api: TestApi, id: string, kind: 'deleted' | 'undeleted' | 'archived', patch: RecordPatch) {
  const { revision } = (await api.records.get(id))!;
  const event = { kind, actor: 'worker', detail: {} };
  await api.records.change({ artifactId: id, changeNumber: revision + 1, atMs: Date.now(), patch, event });
}

const reasonOf = (response: LightMyRequestResponse) => response.json<{ details: { reason?: string } }>().details.reason;

describe('a link', () => {
  test('gives anyone the bytes as the artifact itself would, and its token is told once', async () => {
    const api = await startTestApi();
    const { id, url, share } = await shared(api);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:8080\/v1\/shared\/shr_[\w-]{43}$/);
    expect(Date.parse(share.expiresAt) - Date.parse(share.createdAt)).toBe(apiConfig.SHARE_DEFAULT_DAYS * DAY_MS);
    const response = await open(api, url);
    expect([response.statusCode, response.rawPayload]).toEqual([200, bytes]);
    const own = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/content` });
    const { 'x-request-id': _one, date: _then, ...headers } = own.headers;
    expect(response.headers).toMatchObject(
      Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('ratelimit'))),
    );
    expect((await open(api, url, { headers: { range: 'bytes=2-4' } })).body).toBe('234');

    const list = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/shares` });
    expect(list.json()).toEqual({
      items: [{ ...share, uses: 2, lastUsedAt: expect.any(String) as string, ended: null }],
    });
    expect(list.body).not.toContain(new URL(url).pathname.split('/').at(-1));
  });

  test('begins with the address that others reach the API by', async () => {
    const api = await startTestApi({ config: { ...apiConfig, API_PUBLIC_URL: 'https://files.example/store/' } });
    expect((await shared(api)).url).toMatch(/^https:\/\/files\.example\/store\/v1\/shared\/shr_/);
    const listening = await startTestApi({ config: { ...apiConfig, API_HOST: '0.0.0.0' } });
    await listening.app.listen({ host: '0.0.0.0', port: 0 });
    const { url } = await shared(listening);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
    expect(Buffer.from(await (await fetch(url)).arrayBuffer())).toEqual(bytes);
  });

  test('for a single use gives the bytes to exactly one of ten who ask at once', async () => {
    const api = await startTestApi();
    const { id, url } = await shared(api, { singleUse: true });
    const answers = await Promise.all(Array.from({ length: 10 }, () => open(api, url)));
    const winners = answers.filter(({ statusCode }) => statusCode === 200);
    expect(winners.map(({ rawPayload }) => rawPayload)).toEqual([bytes]);
    const losers = answers.filter((answer) => answer !== winners[0]);
    for (const loser of losers) expect([codeOf(loser), reasonOf(loser)]).toEqual(['share_ended', 'used_up']);
    expect(await linkOf(api, id)).toMatchObject({ uses: 1, ended: 'used_up' });
  });

  test('for a single use is not used up by HEAD, by 304, nor by a part of it', async () => {
    const api = await startTestApi();
    const { url } = await shared(api, { singleUse: true });
    const head = await open(api, url, { method: 'HEAD' });
    expect([head.statusCode, head.headers['content-length'], head.headers['accept-ranges']]).toEqual([
      200,
      '10',
      'none',
    ]);
    expect((await open(api, url, { headers: { 'if-none-match': etag } })).statusCode).toBe(304);
    expect(api.store.calls.get('read')).toBeUndefined();
    const whole = await open(api, url, { headers: { range: 'bytes=2-4' } });
    expect([whole.statusCode, whole.body, whole.headers['accept-ranges']]).toEqual([200, '0123456789', 'none']);
    for (const method of ['GET', 'HEAD'] as const) expect((await open(api, url, { method })).statusCode).toBe(410);
  });

  test('is not used up by a store that fails', async () => {
    const api = await startTestApi();
    const { id, url } = await shared(api, { singleUse: true });
    const read = api.store.read.bind(api.store);
    api.store.read = () => Promise.reject(new ArtifactError('storage_unavailable', 'down'));
    expect(codeOf(await open(api, url))).toBe('storage_unavailable');
    api.store.read = () => Promise.resolve(null);
    expect(codeOf(await open(api, url))).toBe('storage_rejected');
    api.store.read = read;
    expect(await linkOf(api, id)).toMatchObject({ uses: 0, ended: null });
    expect((await open(api, url)).rawPayload).toEqual(bytes);
  });

  test('gives nothing when its use cannot be written down, and lets go of the bytes', async () => {
    const api = await startTestApi();
    const { url } = await shared(api);
    const opened: { destroyed: boolean }[] = [];
    const read = api.store.read.bind(api.store);
    api.store.read = async (...args) => {
      const body = await read(...args);
      if (body !== null) opened.push(body);
      return body;
    };
    const useShare = api.shares.useShare.bind(api.shares);
    api.shares.useShare = () => Promise.reject(new ArtifactError('database_unavailable', 'down'));
    expect(codeOf(await open(api, url))).toBe('database_unavailable');
    expect(opened.map(({ destroyed }) => destroyed)).toEqual([true]);
    api.shares.useShare = useShare;
    expect((await open(api, url)).statusCode).toBe(200);
  });

  test('that ends while the store opens the bytes gives nothing', async () => {
    const api = await startTestApi();
    const made = await shared(api);
    const read = api.store.read.bind(api.store);
    api.store.read = async (...args) => {
      const body = await read(...args);
      expect((await revoke(api, made)).statusCode).toBe(200);
      return body;
    };
    const response = await open(api, made.url);
    expect([response.statusCode, codeOf(response), reasonOf(response)]).toEqual([410, 'share_ended', 'revoked']);
  });

  test('ends at the instant it expires', async () => {
    let now = Date.now();
    const api = await startTestApi({ nowMs: () => now });
    const { id, url, share } = await shared(api, { expiresIn: 60 });
    now = Date.parse(share.expiresAt) - 1;
    expect((await open(api, url)).statusCode).toBe(200);
    now += 1;
    const late = await open(api, url);
    expect([late.statusCode, codeOf(late), reasonOf(late)]).toEqual([410, 'share_ended', 'expired']);
    expect(await linkOf(api, id)).toMatchObject({ ended: 'expired', revokedAt: null });
  });

  test('that is revoked stays so, however often that is asked, and says by whom only to its owners', async () => {
    const api = await startTestApi();
    const made = await shared(api);
    const first = await revoke(api, made);
    const second = await revoke(api, made, await tokenFor({ sub: 'somebody-else' }));
    expect(second.json()).toEqual(first.json());
    expect(first.json()).toMatchObject({ share: { revokedBy: 'agent-7', ended: 'revoked' } });
    const refused = await open(api, made.url);
    expect([refused.statusCode, codeOf(refused), reasonOf(refused)]).toEqual([410, 'share_ended', 'revoked']);
    expect(refused.body).not.toContain('agent-7');
    const unknown = await revoke(api, { ...made, share: { ...made.share, id: randomUUID() } });
    expect(codeOf(unknown)).toBe('share_not_found');
    expect(unknown.body).toContain('artifacts shares <id>');
  });

  test('dies with its artifact, also when that comes back', async () => {
    const api = await startTestApi();
    const { id, url } = await shared(api);
    await change(api, id, 'deleted', { status: 'DELETED', deletionReason: 'requested' });
    const gone = await open(api, url);
    expect([gone.statusCode, codeOf(gone), reasonOf(gone)]).toEqual([410, 'share_ended', 'artifact_deleted']);
    for (const fact of [id, 'report.txt', 'requested', 'undelete']) expect(gone.body).not.toContain(fact);
    expect(codeOf(await ask(api, id))).toBe('artifact_deleted');
    await change(api, id, 'undeleted', { status: 'ACTIVE', deletionReason: null });
    const after = await open(api, url);
    expect([after.statusCode, codeOf(after), reasonOf(after)]).toEqual([410, 'share_ended', 'artifact_deleted']);
    expect(await linkOf(api, id)).toMatchObject({ ended: 'artifact_deleted' });
    expect((await open(api, (await ask(api, id)).json<Made>().url)).statusCode).toBe(200);
  });

  test('of an archived artifact answers as that does, without telling anything else about it', async () => {
    const api = await startTestApi();
    const { id, url } = await shared(api, { singleUse: true });
    await change(api, id, 'archived', { status: 'ARCHIVED', tier: 'COLD' });
    const refused = await open(api, url);
    expect([refused.statusCode, codeOf(refused)]).toEqual([409, 'not_downloadable']);
    for (const fact of [id, 'report.txt', 'output/']) expect(refused.body).not.toContain(fact);
    expect(refused.body).toContain('(artifacts restore <id>)');
    expect(await linkOf(api, id)).toMatchObject({ uses: 0 });
  });
});

describe('asking for a link', () => {
  test('again with the same Idempotency-Key gives the same link another token, and the old one is worth nothing', async () => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    const headers = { 'idempotency-key': 'turn-7' };
    const first = await ask(api, id, { maxUses: 5 }, { headers });
    const second = await ask(api, id, { maxUses: 5 }, { headers });
    expect([first.statusCode, second.statusCode]).toEqual([201, 200]);
    expect(second.json<Made>().share).toEqual(first.json<Made>().share);
    expect(codeOf(await open(api, first.json<Made>().url))).toBe('share_not_found');
    expect((await open(api, second.json<Made>().url)).statusCode).toBe(200);
    expect(codeOf(await ask(api, id, { maxUses: 6 }, { headers }))).toBe('share_conflict');

    const byAnother = await ask(api, id, { maxUses: 5 }, { headers, token: await tokenFor({ sub: 'ann' }) });
    expect(byAnother.statusCode).toBe(201);
    expect(codeOf(await ask(api, id, {}, { headers: { 'idempotency-key': 'ü' } }))).toBe('invalid_request');
  });

  test.each([
    { expiresIn: 0 },
    { expiresIn: apiConfig.SHARE_MAX_DAYS * 86_400 + 1 },
    { expiresIn: 1.5 },
    { expiresIn: '60' },
    { maxUses: 0 },
    { maxUses: 10_001 },
    { singleUse: true, maxUses: 2 },
    { permanent: true },
  ])('as %j is refused', async (wish) => {
    const api = await startTestApi();
    const id = await api.upload({ bytes });
    expect(codeOf(await ask(api, id, wish))).toBe('invalid_request');
  });

  test('needs the right to read as well as to write, within the tenant and the executions of the token', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const id = await api.upload({ executionId, bytes });
    const made = { id, ...(await ask(api, id)).json<Made>() };
    const get = { method: 'GET', url: `/v1/artifacts/${id}/shares` } as const;
    for (const scope of ['artifacts:read', 'artifacts:write'])
      expect(codeOf(await ask(api, id, {}, { token: await tokenFor({ scope }) }))).toBe('forbidden');
    expect(codeOf(await revoke(api, made, await tokenFor({ scope: 'artifacts:read' })))).toBe('forbidden');
    for (const foreign of [{ tenant: 'other' }, { executions: [randomUUID()] }]) {
      const token = await tokenFor(foreign);
      expect(codeOf(await ask(api, id, {}, { token }))).toBe('artifact_not_found');
      expect(codeOf(await api.send({ ...get, token }))).toBe('artifact_not_found');
      expect(codeOf(await revoke(api, made, token))).toBe('artifact_not_found');
    }
    const narrowed = await tokenFor({ executions: [executionId] });
    expect((await ask(api, id, {}, { token: narrowed })).statusCode).toBe(201);
    expect((await open(api, made.url)).statusCode).toBe(200);
  });

  test('for another artifact does not let its links be revoked by way of one’s own', async () => {
    const api = await startTestApi();
    const made = await shared(api);
    const own = await api.upload({ fileName: 'other.txt', bytes });
    expect(codeOf(await revoke(api, { id: own, share: made.share }))).toBe('share_not_found');
    expect((await open(api, made.url)).statusCode).toBe(200);
  });
});

describe('what is no token of a link', () => {
  const alike = `shr_${'a'.repeat(43)}`;
  test.each([
    ['that was never made', alike],
    ['that is too long', `${alike}a`],
    ['of one letter', 'x'],
    ['of 2,000 letters', 'a'.repeat(2_000)],
    ['that climbs', '..%2f..%2f..%2fetc%2fpasswd'],
    ['with NUL', `${alike}%00`],
    ['in Unicode', encodeURIComponent('shr_비밀🦊')],
    ['that is SQL', `${alike}'%20OR%20'1'='1`],
  ])('answers 404 for one %s', async (_name, token) => {
    const api = await startTestApi();
    const response = await open(api, `http://localhost/v1/shared/${token}`);
    expect([response.statusCode, codeOf(response)]).toEqual([404, 'share_not_found']);
    expect(response.json()).toMatchObject({ instance: '/v1/shared/:token' });
  });

  test.each([
    ['that is no UTF-8', '%ff', 400],
    ['that is badly encoded', '%zz', 400],
    ['that is longer than any parameter', 'a'.repeat(3_000), 400],
    ['with a path behind it', `${alike}/more`, 404],
  ])('is refused when it is one %s', async (_name, token, status) => {
    const api = await startTestApi();
    const response = await open(api, `http://localhost/v1/shared/${token}`);
    expect([response.statusCode, codeOf(response)]).toEqual([status, expect.any(String)]);
    expect(response.body).not.toContain(token.slice(0, 40));
  });
});

test('the token of a link reaches neither the log nor an answer, whatever is done with it', async () => {
  const api = await startTestApi();
  const { url } = await shared(api, { singleUse: true });
  const path = new URL(url).pathname;
  const token = path.split('/').at(-1)!;
  const answers = [
    await open(api, url),
    await open(api, url),
    await open(api, `${url}?download=1`),
    await open(api, url, { method: 'POST' }),
    await open(api, `${url}/more`),
    await open(api, `${url}%zz`),
    await open(api, `http://localhost${path.toUpperCase().replace(token.toUpperCase(), token)}`),
    await open(api, url.replace('/shared/', '/share/')),
    await open(api, url.replace('shr_', 'shr%5F')),
    await api.send({ method: 'GET', url: `/v1/artifacts/${token}` }),
  ];
  api.shares.findShare = () => Promise.reject(new Error(`GET ${url} failed`));
  answers.push(await open(api, url));
  const secret = token.slice('shr_'.length);
  for (const answer of answers) expect(answer.body).not.toContain(secret);
  expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 410, 410, 405, 404, 400, 404, 404, 410, 400, 500]);
  expect(api.log()).toContain('/v1/shared/:token');
  expect(api.log()).toContain('failed');
  expect(api.log()).not.toContain(secret);
});

test('the history tells of links and of each use, in the order of time, without the token', async () => {
  const api = await startTestApi();
  const made = await shared(api, { maxUses: 2 });
  await open(api, made.url, { headers: { range: 'bytes=0-3' } });
  await revoke(api, made);
  const response = await api.send({ method: 'GET', url: `/v1/artifacts/${made.id}/history` });
  const { items } = response.json<{ items: { kind: string; actor: string; detail: object }[] }>();
  expect(items.map(({ kind, actor }) => [kind, actor])).toEqual([
    ['upload_begun', 'agent-7'],
    ['upload_completed', 'agent-7'],
    ['share_created', 'agent-7'],
    ['share_used', 'link'],
    ['share_revoked', 'agent-7'],
  ]);
  expect(items[3]?.detail).toEqual({ shareId: made.share.id, use: 1, address: '127.0.0.1', range: '0-3' });
  expect(response.body).not.toContain('shr_');
});

test('links are limited per address, whoever asks, and others are not', async () => {
  const api = await startTestApi({ config: { ...apiConfig, API_LINK_REQUESTS_PER_MINUTE: 3 } });
  const { url } = await shared(api);
  for (let i = 0; i < 3; i += 1) expect((await open(api, url)).statusCode).toBe(200);
  const refused = await open(api, url, { headers: { 'x-forwarded-for': '192.0.2.1' } });
  expect([refused.statusCode, codeOf(refused)]).toEqual([429, 'rate_limited']);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect((await open(api, url, { remoteAddress: '192.0.2.1' })).statusCode).toBe(200);
  expect((await api.app.inject('/livez')).statusCode).toBe(200);
});
