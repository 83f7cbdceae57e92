import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { hideSecrets } from '../../../src/api/plugins/logging.js';
import { startTestApi, tokenFor } from '../../support/api.js';

const SIGNED =
  'https://s3.example/artifacts/x?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIASECRET%2F20260101&' +
  'X-Amz-Signature=deadbeefcafe&X-Amz-Security-Token=FwoGZXIvYXdz';

test('neither a token nor a signature reaches the log', async () => {
  const api = await startTestApi();
  const token = await tokenFor();
  const id = await api.upload({});
  const url = `/v1/artifacts/${id}`;
  await api.send({ method: 'POST', url: `${url}/download-url`, token });
  await api.send({ method: 'GET', url: `${url}?X-Amz-Signature=deadbeefcafe&X-Amz-Credential=AKIASECRET`, token });
  await api.send({ method: 'GET', url: `/v1/artifacts/${token}`, token, headers: { cookie: 'session=cookiesecret' } });
  await api.send({ method: 'GET', url: `/nowhere?token=${token}` });
  await api.send({ method: 'GET', url, token: `${token}x` });
  api.records.get = () => Promise.reject(new Error(`GET ${SIGNED} failed with authorization: Bearer ${token}`));
  await api.send({ method: 'GET', url, token });
  api.app.log.info({ req: { headers: { authorization: `Basic c2VjcmV0OnNlY3JldA==` } } }, 'by hand');

  const log = api.log();
  expect(log.length).toBeGreaterThan(1_000);
  expect(log).toContain('failed with');
  for (const secret of [
    token,
    token.split('.')[1]!,
    'deadbeefcafe',
    'AKIASECRET',
    'FwoGZXIvYXdz',
    'cookiesecret',
    'c2VjcmV0',
  ])
    expect(log).not.toContain(secret);
  expect(log).not.toMatch(/X-Amz-Signature=(?!\[hidden\])/);
});

test('the token of a link reaches no log and no answer, however its address is written', async () => {
  const api = await startTestApi();
  const made = await api.send({ method: 'POST', url: `/v1/artifacts/${await api.upload({})}/shares` });
  const token = made.json<{ url: string }>().url.split('/').at(-1)!;
  const encoded = [...token].map((character) => `%${character.charCodeAt(0).toString(16)}`).join('');
  for (const path of [
    `/v1/%73hared/${token.replace('_', '%5F')}`,
    `/v1/%73HARED/${encoded}/x`,
    `/v1/shared/${encoded}`,
  ]) {
    const before = api.log().length;
    const said = (await api.app.inject({ method: 'HEAD', url: path })).body + api.log().slice(before);
    expect(said).toContain('/v1/');
    for (const secret of [token.slice(4), encoded.slice(12)]) expect(said).not.toContain(secret);
  }
});

test('lines stay JSON and keep what is harmless', async () => {
  const api = await startTestApi();
  await api.send({ method: 'GET', url: `/v1/artifacts/${randomUUID()}?X-Amz-Signature=abc&b=1` });
  const lines = api.log().trim().split('\n');
  for (const line of lines) expect(JSON.parse(line)).toHaveProperty('level');
  expect(api.log()).toContain('&b=1');
  expect(hideSecrets('a bearer token is needed')).toBe('a bearer token is needed');
});

test('each request leaves one line: who asked what, and how it ended', async () => {
  const api = await startTestApi();
  const token = await tokenFor();
  const id = await api.upload({});
  const before = api.log().length;
  await api.send({ method: 'GET', url: `/v1/artifacts/${id}`, token });
  const lines = api.log().slice(before).trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    expect.objectContaining({
      msg: 'request completed',
      req: { method: 'GET', url: `/v1/artifacts/${id}`, remoteAddress: expect.any(String) as string },
      res: { statusCode: 200 },
      tenant: expect.any(String) as string,
      subject: expect.any(String) as string,
      responseTime: expect.any(Number) as number,
    }),
  ]);
});
