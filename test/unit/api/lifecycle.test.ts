import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ArtifactError } from '../../../src/domain/errors.js';
import { codeOf, startTestApi, type TestApi } from '../../support/api.js';

const put = (api: TestApi, id: string, payload: object) =>
  api.send({ method: 'PUT', url: `/v1/artifacts/${id}/retention`, payload });
const post = (api: TestApi, id: string, path: string, payload?: object) =>
  api.send({ method: 'POST', url: `/v1/artifacts/${id}/${path}`, ...(payload && { payload }) });
const remove = (api: TestApi, id: string) => api.send({ method: 'DELETE', url: `/v1/artifacts/${id}` });

const by = { actor: 'agent-7', requestId: expect.any(String) as string };

describe('the retention of an execution', () => {
  test('that would delete artifacts at once must be confirmed', async () => {
    let nowMs = Date.UTC(2026, 0, 1);
    const api = await startTestApi({ nowMs: () => nowMs });
    const executionId = randomUUID();
    await api.upload({ executionId });
    nowMs += 7 * 86_400_000;
    const ask = (payload: object) =>
      api.send({ method: 'PUT', url: `/v1/executions/${executionId}/retention`, payload });
    const refused = await ask({ days: 7 });
    expect([refused.statusCode, codeOf(refused)]).toEqual([409, 'expiry_in_past']);
    expect(api.lifecycle.calls.map(({ verb }) => verb)).not.toContain('setExecutionRetention');
    expect((await ask({ days: 8 })).json()).toEqual({ retentionDays: 8 });
    expect((await ask({ days: 7, confirm: true })).json()).toEqual({ retentionDays: 7 });
  });
});

describe('retention', () => {
  test('days count from creation, for ever has who, why and when', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    const days = (await put(api, id, { days: 90 })).json<{ artifact: { createdAt: string; expiresAt: string } }>();
    expect(days.artifact).toMatchObject({ retention: { rule: 'artifact', days: 90 } });
    expect(Date.parse(days.artifact.expiresAt) - Date.parse(days.artifact.createdAt)).toBe(90 * 86_400_000);
    const kept = await put(api, id, { permanent: true, reason: 'release evidence' });
    expect(kept.json()).toMatchObject({
      artifact: { expiresAt: null, retention: { rule: 'permanent', by: 'agent-7', reason: 'release evidence' } },
    });
  });

  test('a moment counts as it is, and must be confirmed when it is over', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    const set = await put(api, id, { expiresAt: '2100-01-01T00:00:00+09:00' });
    expect(set.json()).toMatchObject({
      artifact: {
        expiresAt: '2099-12-31T15:00:00.000Z',
        retention: { rule: 'date', expiresAt: '2099-12-31T15:00:00.000Z' },
      },
    });
    const past = { expiresAt: '2020-01-01T00:00:00Z' };
    expect(codeOf(await put(api, id, past))).toBe('expiry_in_past');
    expect((await put(api, id, { ...past, confirm: true })).statusCode).toBe(200);
    expect(api.lifecycle.calls.at(-1)?.message).toEqual({
      expiresAtMs: Date.UTC(2020, 0, 1),
      confirm: true,
      ...by,
    });
  });

  test('a day in the past must be confirmed', async () => {
    let nowMs = Date.UTC(2026, 0, 1);
    const api = await startTestApi({ nowMs: () => nowMs });
    const id = await api.upload({});
    nowMs += 7 * 86_400_000;
    const response = await put(api, id, { days: 1 });
    expect([response.statusCode, codeOf(response)]).toEqual([409, 'expiry_in_past']);
    expect(api.lifecycle.calls.at(-1)?.message).toEqual({ days: 1, confirm: false, ...by });
    expect((await put(api, id, { days: 1, confirm: true })).statusCode).toBe(200);
  });
});

describe('archive and restore', () => {
  test('a restore that works on it is 202, one that has nothing to do is 200', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    expect((await post(api, id, 'restore')).statusCode).toBe(200);
    expect((await post(api, id, 'archive')).json()).toMatchObject({ artifact: { status: 'ARCHIVED', tier: 'COLD' } });
    const restoring = await post(api, id, 'restore', { tier: 'Bulk' });
    expect(restoring.statusCode).toBe(202);
    expect(restoring.json()).toMatchObject({ artifact: { status: 'ARCHIVED', restoreState: 'in_progress' } });
    const { restoreEta } = restoring.json<{ artifact: { restoreEta: string } }>().artifact;
    expect((Date.parse(restoreEta) - Date.now()) / 3_600_000).toBeCloseTo(12, 1);
    expect(api.lifecycle.calls.at(-1)?.message).toEqual({ tier: 'Bulk', ...by });
    await api.lifecycle.finishRestore(id);
    const done = await post(api, id, 'restore');
    expect([done.statusCode, done.json()]).toMatchObject([200, { artifact: { status: 'ACTIVE', restoreState: null } }]);
  });
});

describe('deleting one', () => {
  test('may be repeated, and what changes a deleted one is gone', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    const first = await remove(api, id);
    expect(first.json()).toMatchObject({ artifact: { status: 'DELETED', deletionReason: 'requested' } });
    const sent = api.lifecycle.calls.length;
    expect((await remove(api, id)).json()).toEqual(first.json());
    const refused = [
      await put(api, id, { days: 5 }),
      await put(api, id, { permanent: true }),
      await post(api, id, 'archive'),
      await post(api, id, 'restore'),
    ];
    expect(refused.map((response) => [response.statusCode, codeOf(response)])).toEqual(
      refused.map(() => [410, 'artifact_deleted']),
    );
    expect(api.lifecycle.calls).toHaveLength(sent);
    expect((await api.send({ method: 'GET', url: `/v1/artifacts/${id}` })).statusCode).toBe(200);
  });

  test.each(['artifact_deleted', 'wrong_state'] as const)(
    'joins a deletion that ended between look and message (%s)',
    async (code) => {
      const api = await startTestApi();
      const id = await api.upload({});
      api.lifecycle.before = async () => {
        api.lifecycle.before = async () => {};
        await api.lifecycle.deleteArtifact(id, { actor: 'the other one' });
        throw new ArtifactError(code, 'the workflow has ended');
      };
      const response = await remove(api, id);
      expect([response.statusCode, response.json()]).toMatchObject([200, { artifact: { status: 'DELETED' } }]);
    },
  );
});
