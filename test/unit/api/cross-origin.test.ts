import { randomUUID } from 'node:crypto';
import type { OutgoingHttpHeaders } from 'node:http';
import { describe, expect, test } from 'vitest';
import { HEADERS } from '../../../src/api/openapi/headers.js';
import { apiConfig, startTestApi, type TestApi } from '../../support/api.js';

const APP = 'https://app.example';
const API_CORS_ORIGINS = `${APP}, http://localhost:3000`;
const withOrigins = (): Promise<TestApi> => startTestApi({ config: { ...apiConfig, API_CORS_ORIGINS } });

const preflight = (origin: string) => ({
  method: 'OPTIONS' as const,
  url: `/v1/executions/${randomUUID()}/artifacts`,
  headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
});
const namesIn = (header: unknown): string[] => String(header).split(', ');
const aboutOrigins = (headers: OutgoingHttpHeaders): string[] =>
  Object.keys(headers).filter((name) => name.startsWith('access-control-'));

describe('a page of an origin that is named', () => {
  test.each([APP, 'http://localhost:3000'])(
    'is told beforehand what it may send, without a token: %s',
    async (origin) => {
      const { app } = await withOrigins();
      const { statusCode, headers, body } = await app.inject(preflight(origin));
      expect([statusCode, body]).toEqual([204, '']);
      expect(headers).toMatchObject({ 'access-control-allow-origin': origin, vary: 'origin' });
      expect(namesIn(headers['access-control-allow-methods'])).toContain('PATCH');
      expect(headers).not.toHaveProperty('access-control-allow-credentials');
    },
  );

  test('may send every header that a route reads', async () => {
    const { app } = await withOrigins();
    const allowed = namesIn((await app.inject(preflight(APP))).headers['access-control-allow-headers']);
    const document = (await app.inject('/openapi.json')).body;
    const read = [...document.matchAll(/"name":"([a-z-]+)","in":"header"|"in":"header","name":"([a-z-]+)"/g)];
    const names = read.map(([, one, other]) => one ?? other);
    expect(names).toContain('idempotency-key');
    for (const name of names) expect(allowed).toContain(name);
    expect(allowed).toContain('authorization');
  });

  test('reads answers and refusals, with all their headers', async () => {
    const api = await withOrigins();
    const url = `/v1/artifacts/${randomUUID()}`;
    for (const [headers, status] of [
      [{ origin: APP }, 404],
      [{ origin: APP, authorization: 'Bearer x.y.z' }, 401],
    ] as const) {
      const answer = await api.send({ method: 'GET', url, headers });
      expect(answer.statusCode).toBe(status);
      expect(answer.headers).toMatchObject({ 'access-control-allow-origin': APP, vary: 'origin' });
      const exposed = namesIn(answer.headers['access-control-expose-headers']);
      expect(exposed).toEqual(Object.values(HEADERS).map(([name]) => name));
    }
  });
});

describe('a page of any other origin', () => {
  test.each(['https://evil.example', 'null', `${APP}.evil.example`])('gets no word about it: %s', async (origin) => {
    const { app } = await withOrigins();
    const { statusCode, headers } = await app.inject(preflight(origin));
    expect(statusCode).toBe(405);
    expect(aboutOrigins(headers)).toEqual([]);
    expect(headers).toMatchObject({ vary: 'origin' });
  });

  test('is everybody where no origin is named', async () => {
    const { app } = await startTestApi();
    const { statusCode, headers } = await app.inject(preflight(APP));
    expect(statusCode).toBe(405);
    expect(aboutOrigins(headers)).toEqual([]);
  });
});
