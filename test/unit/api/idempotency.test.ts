import { randomUUID } from 'node:crypto';
import type { LightMyRequestResponse } from 'fastify';
import { describe, expect, test } from 'vitest';
import { ArtifactError } from '../../../src/domain/errors.js';
import { startTestApi, tokenFor, type TestApi } from '../../support/api.js';

const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

const post = (api: TestApi, url: string, key: string | null, payload?: object): Promise<LightMyRequestResponse> =>
  api.send({
    method: 'POST',
    url,
    ...(payload === undefined ? {} : { payload }),
    headers: key === null ? {} : { 'idempotency-key': key },
  });
const ofArtifact = (id: string, verb: string): string => `/v1/artifacts/${id}/${verb}`;
const codeOf = (response: LightMyRequestResponse): string => response.json<{ code: string }>().code;
const statusOf = (response: LightMyRequestResponse): string =>
  response.json<{ artifact: { status: string } }>().artifact.status;
const holdOf = (response: LightMyRequestResponse): { id: string; reason: string } =>
  response.json<{ hold: { id: string; reason: string } }>().hold;

async function kindsOf(api: TestApi, id: string): Promise<string[]> {
  const answer = await api.send({ method: 'GET', url: ofArtifact(id, 'history') });
  return answer.json<{ items: { kind: string }[] }>().items.map(({ kind }) => kind);
}
const times = async (api: TestApi, id: string, kind: string): Promise<number> =>
  (await kindsOf(api, id)).filter((one) => one === kind).length;
async function restored(api: TestApi, id: string): Promise<void> {
  await post(api, ofArtifact(id, 'restore'), null);
  await api.lifecycle.finishRestore(id);
}

describe('a verb with an Idempotency-Key', () => {
  test('is applied once, however late it is repeated, and answered with its first outcome', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    const first = await post(api, ofArtifact(id, 'archive'), 'turn-7');
    await restored(api, id);
    const again = await post(api, ofArtifact(id, 'archive'), 'turn-7');
    expect([again.statusCode, again.json()]).toEqual([200, first.json()]);
    expect([await times(api, id, 'archived'), (await api.records.get(id))?.status]).toEqual([1, 'ACTIVE']);
  });

  test.each([
    ['another key', 'turn-8'],
    ['no key', null],
  ])('is applied again with %s', async (_what, key) => {
    const api = await startTestApi();
    const id = await api.upload({});
    await post(api, ofArtifact(id, 'archive'), 'turn-7');
    await restored(api, id);
    expect(statusOf(await post(api, ofArtifact(id, 'archive'), key))).toBe('ARCHIVED');
    expect(await times(api, id, 'archived')).toBe(2);
  });

  test('is another request for another artifact, of another caller, or with another verb', async () => {
    const api = await startTestApi();
    const [one, other] = [await api.upload({}), await api.upload({})];
    for (const id of [one, other])
      expect(statusOf(await post(api, ofArtifact(id, 'archive'), 'turn-7'))).toBe('ARCHIVED');
    expect((await post(api, ofArtifact(one, 'restore'), 'turn-7')).statusCode).toBe(202);
    await api.lifecycle.finishRestore(one);
    const headers = { 'idempotency-key': 'turn-7' };
    const token = await tokenFor({ sub: 'agent-8' });
    await api.send({ method: 'POST', url: ofArtifact(one, 'archive'), headers, token });
    expect(await times(api, one, 'archived')).toBe(2);
  });

  test('is asked anew after a failure that says to try again', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    api.lifecycle.failure = new ArtifactError('storage_unavailable', 'away');
    expect(codeOf(await post(api, ofArtifact(id, 'archive'), 'turn-7'))).toBe('storage_unavailable');
    api.lifecycle.failure = null;
    expect(statusOf(await post(api, ofArtifact(id, 'archive'), 'turn-7'))).toBe('ARCHIVED');
  });

  test('completes with the same content only', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    const content = { sha256: EMPTY, sizeBytes: 999 };
    expect(codeOf(await post(api, ofArtifact(id, 'upload/complete'), 'turn-7', content))).toBe('complete_conflict');
  });

  test.each(['archive', 'restore', 'undelete', 'upload/abort', 'download-url', 'upload/parts', 'holds', 'shares'])(
    'is refused when the key is none: %s',
    async (verb) => {
      const api = await startTestApi();
      const refused = await post(api, ofArtifact(randomUUID(), verb), 'two words', {});
      expect([refused.statusCode, codeOf(refused)]).toEqual([400, 'invalid_request']);
      expect(refused.json<{ detail: string }>().detail).toMatch(/visible ASCII/);
    },
  );
});

test('the audit says by which request each change came', async () => {
  const api = await startTestApi();
  const id = await api.upload({});
  const byRequest = (requestId: string) => ({ headers: { 'x-request-id': requestId } });
  await api.send({ method: 'POST', url: ofArtifact(id, 'archive'), ...byRequest('req-1') });
  await api.send({ method: 'DELETE', url: `/v1/artifacts/${id}`, ...byRequest('req-2') });
  const answer = await api.send({ method: 'GET', url: ofArtifact(id, 'history') });
  const { items } = answer.json<{ items: { kind: string; detail: { requestId?: string } }[] }>();
  expect(items.slice(-2).map(({ kind, detail }) => [kind, detail.requestId])).toEqual([
    ['archived', 'req-1'],
    ['deleted', 'req-2'],
  ]);
});

describe('a hold with an Idempotency-Key', () => {
  const hold = (api: TestApi, id: string, payload: object, key = 'turn-7') =>
    post(api, ofArtifact(id, 'holds'), key, payload);

  test('is the same one when it is repeated, also after it has ended', async () => {
    // Once it has ended its time is that of its audit, which is written moments later.
    const nowMs = Date.now();
    const api = await startTestApi({ nowMs: () => nowMs });
    const id = await api.upload({});
    const first = await hold(api, id, { reason: 'case 17' });
    const again = await hold(api, id, { reason: 'case 17' });
    expect([first.statusCode, again.statusCode]).toEqual([201, 200]);
    expect(holdOf(again)).toEqual(holdOf(first));
    await api.send({ method: 'DELETE', url: ofArtifact(id, `holds/${holdOf(first).id}`) });
    const late = await hold(api, id, { reason: 'case 17' });
    expect([late.statusCode, holdOf(late)]).toEqual([200, holdOf(first)]);
    expect([await times(api, id, 'hold_added'), (await api.records.get(id))?.holds]).toEqual([1, []]);
    expect(holdOf(await hold(api, id, { reason: 'case 17' }, 'turn-8')).id).not.toBe(holdOf(first).id);
  });

  test('is refused with another body, whether it has ended or not', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    const first = await hold(api, id, { reason: 'case 17' });
    const others = [{ reason: 'case 18' }, { reason: 'case 17', until: '2999-01-01T00:00:00Z' }];
    const refusals = async (): Promise<unknown[]> =>
      Promise.all(others.map(async (other) => codeOf(await hold(api, id, other))));
    expect(await refusals()).toEqual(['idempotency_conflict', 'idempotency_conflict']);
    await api.send({ method: 'DELETE', url: ofArtifact(id, `holds/${holdOf(first).id}`) });
    expect(await refusals()).toEqual(['idempotency_conflict', 'idempotency_conflict']);
    expect(await times(api, id, 'hold_added')).toBe(1);
  });
});

describe('a publication with an Idempotency-Key', () => {
  test('is the same one with the same body, in whatever order, and another one with another', async () => {
    const api = await startTestApi();
    const url = `/v1/executions/${randomUUID()}/publish`;
    api.publications.hosts.add('box-1');
    const publish = async (payload: object, key: string | null = 'turn-7'): Promise<string> =>
      (await post(api, url, key, payload)).json<{ publicationId: string }>().publicationId;
    const first = await publish({ hostId: 'box-1', folder: '/jobs/out' });
    expect(await publish({ folder: '/jobs/out', hostId: 'box-1' })).toBe(first);
    const others = [
      await publish({ hostId: 'box-1', folder: '/jobs/other' }),
      await publish({ hostId: 'box-1', folder: '/jobs/out' }, 'turn-8'),
      await publish({ hostId: 'box-1', folder: '/jobs/out' }, null),
    ];
    expect(new Set([first, ...others]).size).toBe(4);
    const publicationId = randomUUID();
    expect(await publish({ hostId: 'box-1', folder: '/jobs/out', publicationId })).toBe(publicationId);
  });
});
