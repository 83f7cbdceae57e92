import { createHmac, randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { buildApp } from '../../../src/api/app.js';
import { apiConfig, codeOf, startTestApi, tokenFor } from '../../support/api.js';

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = () => ({
  sub: 'agent-7',
  tenant: 'acme',
  scope: 'artifacts:read artifacts:write',
  iss: 'durable-artifacts',
  aud: 'durable-artifacts',
  exp: Math.floor(Date.now() / 1_000) + 600,
});

describe('a token that is not accepted', () => {
  const target = `/v1/artifacts/${randomUUID()}`;
  const tokens: [string, () => string | Promise<string>][] = [
    ['that has expired', () => tokenFor({ expiresInSeconds: -60 })],
    ['signed with another secret', () => tokenFor({ secret: 'another secret, also 32 characters long' })],
    ['for another audience', () => tokenFor({ audience: 'somebody-else' })],
    ['of another issuer', () => tokenFor({ issuer: 'somebody-else' })],
    ['without a signature (alg none)', () => `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims())}.`],
    ['signed with HS384', () => sign({ alg: 'HS384' }, claims(), 'sha384')],
    ['without a tenant', () => sign({ alg: 'HS256' }, { ...claims(), tenant: undefined })],
    ['with a tenant that is no text', () => sign({ alg: 'HS256' }, { ...claims(), tenant: 7 })],
    ['without a subject', () => sign({ alg: 'HS256' }, { ...claims(), sub: undefined })],
    ['without an end', () => sign({ alg: 'HS256' }, { ...claims(), exp: undefined })],
    ['with executions that are no list', () => sign({ alg: 'HS256' }, { ...claims(), executions: 'all' })],
    ['that is no token', () => 'nonsense'],
  ];

  test.each(tokens)('one %s is refused', async (_name, make) => {
    const api = await startTestApi();
    const response = await api.send({ method: 'GET', url: target, token: await make() });
    expect([response.statusCode, codeOf(response)]).toEqual([401, 'unauthenticated']);
    expect(response.headers['www-authenticate']).toContain('Bearer');
  });

  test('no token at all is refused for a change, before anything else is looked at', async () => {
    const api = await startTestApi();
    const request = { method: 'DELETE', url: target } as const;
    for (const headers of [{}, { authorization: 'Basic YTpi' }, { authorization: '' }])
      expect(codeOf(await api.app.inject({ ...request, headers }))).toBe('unauthenticated');
    expect(api.lifecycle.calls).toEqual([]);
  });

  function sign(header: object, payload: object, hash = 'sha256'): string {
    const input = `${encode(header)}.${encode(payload)}`;
    return `${input}.${createHmac(hash, apiConfig.AUTH_JWT_SECRET).update(input).digest('base64url')}`;
  }
});

test('a clock that is 20 seconds behind is forgiven', async () => {
  const api = await startTestApi();
  const token = await tokenFor({ expiresInSeconds: -20 });
  expect(codeOf(await api.send({ method: 'GET', url: `/v1/artifacts/${randomUUID()}`, token }))).toBe(
    'artifact_not_found',
  );
});

describe('scopes', () => {
  test('only probes and documents are public', async () => {
    const api = await startTestApi();
    await api.app.ready();
    const open = api.app.accessRules.filter(({ access }) => access === 'public').map(({ url }) => url);
    expect(open.filter((url) => !url.startsWith('/docs'))).toEqual(
      expect.arrayContaining(['/livez', '/readyz', '/openapi.json']),
    );
    // Whoever has a link has no token; GET and HEAD.
    const link = '/v1/shared/:token';
    expect(open.filter((url) => url.startsWith('/v1'))).toEqual([link, link]);
  });

  test('every change needs the write scope', async () => {
    const api = await startTestApi();
    await api.app.ready();
    const harmless = ['/v1/artifacts/:id/download-url'];
    const wrong = api.app.accessRules.filter(
      ({ method, url, access }) =>
        access !== 'public' &&
        !harmless.includes(url) &&
        (access === 'artifacts:write') === ['GET', 'HEAD'].includes(method),
    );
    expect(wrong).toEqual([]);
  });

  test('a route that does not declare its access keeps the app from starting', async () => {
    const { records, shares, reconciliations, store, lifecycle, publications } = await startTestApi();
    const app = await buildApp({
      records,
      shares,
      reconciliations,
      store,
      lifecycle,
      publications,
      config: apiConfig,
      log: { level: 'silent' },
    });
    onTestFinished(() => app.close());
    app.get('/v1/forgotten', () => 'secret');
    await expect(app.ready()).rejects.toThrow('GET /v1/forgotten does not declare its access');
  });
});

test('one subject that asks too often is told to wait, another is not', async () => {
  const api = await startTestApi({ config: { ...apiConfig, API_REQUESTS_PER_MINUTE: 2 } });
  const url = `/v1/artifacts/${randomUUID()}`;
  const ask = async (sub: string) => api.send({ method: 'GET', url, token: await tokenFor({ sub }) });
  await ask('busy');
  await ask('busy');
  const refused = await ask('busy');
  expect([refused.statusCode, codeOf(refused)]).toEqual([429, 'rate_limited']);
  expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
  expect((await ask('quiet')).statusCode).toBe(404);
  for (let i = 0; i < 5; i += 1) expect((await api.app.inject('/livez')).statusCode).toBe(200);
});
