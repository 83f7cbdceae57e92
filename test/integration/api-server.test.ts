import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { mintToken } from '../../src/api/plugins/token.js';
import { loadConfig } from '../../src/config.js';
import { openRecords, openStore } from '../../src/deps.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { apiEnvironment, launchApi, urlOf } from '../support/api-process.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';
import type { TestDatabase } from '../support/postgres.js';
import { eventually } from '../support/eventually.js';

const SECRET = 'a secret of the server tests, 32 or more';

let database: TestDatabase;
let env: Record<string, string>;

beforeAll(async () => {
  ({ env, database } = await apiEnvironment(SECRET));
});

afterAll(() => database.drop());

const token = (): Promise<string> =>
  mintToken({
    secret: SECRET,
    issuer: 'durable-artifacts',
    audience: 'durable-artifacts',
    sub: 'agent-7',
    tenant: 'acme',
    scope: 'artifacts:admin',
    expiresInSeconds: 600,
  });

/** An ACTIVE artifact of tenant `acme`, written past the workflow. */
async function storeArtifact(bytes: Buffer): Promise<string> {
  const config = loadConfig(env);
  const store = openStore(config);
  const database = openRecords(config);
  try {
    const record = await database.records.register(newArtifact({ tenantId: 'acme', sizeBytes: bytes.length }));
    const { versionId } = await store.put(objectAtCreation(record), bytes);
    await database.records.change(changeOf(record.id, 1, { status: 'ACTIVE', versionId }));
    return record.id;
  } finally {
    store.close();
    await database.close();
  }
}

describe('the API process', () => {
  test('starts and reads while Temporal is down, and says that changes cannot be made', async () => {
    const url = await urlOf(launchApi(env));
    const headers = { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' };
    const id = await storeArtifact(Buffer.from('hello'));
    const readiness = async (): Promise<unknown> => {
      const answer = await fetch(`${url}/readyz`);
      return { httpStatus: answer.status, ...((await answer.json()) as object) };
    };
    // Each check has less than a second, and this process has just begun.
    await expect.poll(readiness).toMatchObject({
      httpStatus: 200,
      status: 'degraded',
      checks: { database: { ok: true }, storage: { ok: true }, workflows: { ok: false } },
    });
    const content = await fetch(`${url}/v1/artifacts/${id}/content`, { headers });
    expect(await content.text()).toBe('hello');
    const range = await fetch(`${url}/v1/artifacts/${id}/content`, { headers: { ...headers, range: 'bytes=-3' } });
    expect([range.status, await range.text()]).toEqual([206, 'llo']);
    const signed = await fetch(`${url}/v1/artifacts/${id}/download-url`, { method: 'POST', headers, body: '{}' });
    const { url: direct } = (await signed.json()) as { url: string };
    expect(await (await fetch(direct)).text()).toBe('hello');

    const begin = { method: 'POST', headers, body: JSON.stringify({ fileName: 'stream' }) };
    const refused = await fetch(`${url}/v1/executions/${randomUUID()}/artifacts`, begin);
    const problem: unknown = await refused.json();
    const code = 'workflows_unavailable';
    expect([refused.status, problem]).toMatchObject([503, { code }]);
    expect(refused.headers.get('retry-after')).not.toBeNull();
  });

  test('on SIGTERM it says so to probes, finishes the download that runs, and exits 0', async () => {
    const server = launchApi(env);
    const url = await urlOf(server);
    // More than sockets buffer, so that the download is still running when the signal comes.
    const bytes = Buffer.alloc(48 * 1024 ** 2, 'durable');
    const id = await storeArtifact(bytes);
    const headers = { authorization: `Bearer ${await token()}` };
    const [response] = (await once(get(`${url}/v1/artifacts/${id}/content`, { headers }), 'response')) as [
      IncomingMessage,
    ];
    response.pause();

    server.child.kill('SIGTERM');
    const statusNow = async (): Promise<unknown> => (await fetch(`${url}/readyz`)).json();
    await vi.waitFor(async () => expect(await statusNow()).toMatchObject({ status: 'draining' }), {
      interval: 20,
      timeout: 30_000,
    });
    await eventually(() => expect(fetch(`${url}/livez`)).rejects.toThrow('fetch failed'));
    let received = 0;
    for await (const chunk of response) received += (chunk as Buffer).length;
    expect(received).toBe(bytes.length);
    expect(await server.ended).toBe(0);
  });

  test('a taken port and a bad configuration end it with one clear line', async () => {
    const first = new URL(await urlOf(launchApi(env)));
    const second = launchApi(env, { API_PORT: first.port });
    expect(await second.ended).toBe(1);
    expect(second.output.stderr).toBe(`api: port ${first.port} is taken: set API_PORT to a free one, or to 0\n`);

    const wrong = launchApi(env, { API_PORT: 'abc', AUTH_JWT_SECRET: 'short' });
    expect(await wrong.ended).toBe(1);
    expect(wrong.output.stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(wrong.output.stderr).toContain('API_PORT');
    expect(wrong.output.stderr).toContain('AUTH_JWT_SECRET');

    const keyless = launchApi(env, { AUTH_JWT_SECRET: '' });
    expect(await keyless.ended).toBe(1);
    expect(keyless.output.stderr).toBe(
      'api: The configuration cannot be used: set one of AUTH_JWT_SECRET and AUTH_JWKS_URL, not both\n',
    );
  });
});
