import { randomUUID } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { ArtifactError } from '../../../src/domain/errors.js';
import { packageVersion } from '../../../src/package.js';
import { codeOf, startTestApi } from '../../support/api.js';
import { eventually } from '../../support/eventually.js';

interface Page {
  items: { id: string; fileName: string }[];
  nextCursor: string | null;
}

describe('reads', () => {
  test('pages are walked newest first, without gaps or repeats', async () => {
    let nowMs = Date.now();
    const api = await startTestApi({ nowMs: () => nowMs });
    const executionId = randomUUID();
    for (let i = 0; i < 5; i += 1) {
      nowMs += 1;
      await api.upload({ executionId, fileName: `f${i}` });
    }
    const names: string[] = [];
    let cursor: string | null = '';
    do {
      const url: string = `/v1/executions/${executionId}/artifacts?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`;
      const page: Page = (await api.send({ method: 'GET', url })).json<Page>();
      names.push(...page.items.map(({ fileName }) => fileName));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(names).toEqual(['f4', 'f3', 'f2', 'f1', 'f0']);
  });

  test('type, status and every tag must match', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const a = await api.upload({ executionId, fileName: 'a.md', tags: { agent: 'one', step: '1:2' } });
    const b = await api.upload({ executionId, fileName: 'b.json', tags: { agent: 'one' } });
    const c = await api.upload({ executionId, fileName: 'c.json' });
    await api.send({ method: 'DELETE', url: `/v1/artifacts/${c}` });
    const ids = async (query: string) => {
      const response = await api.send({ method: 'GET', url: `/v1/executions/${executionId}/artifacts?${query}` });
      return new Set(response.json<Page>().items.map(({ id }) => id));
    };
    expect(await ids('')).toEqual(new Set([a, b]));
    expect(await ids('type=data')).toEqual(new Set([b]));
    expect(await ids('status=DELETED')).toEqual(new Set([c]));
    expect(await ids('tag=agent:one')).toEqual(new Set([a, b]));
    expect(await ids('tag=agent:one&tag=step:1:2')).toEqual(new Set([a]));
  });

  test('the history tells who did what, oldest first', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    await api.send({ method: 'DELETE', url: `/v1/artifacts/${id}` });
    const response = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/history` });
    const { items } = response.json<{ items: { kind: string; actor: string; at: string; detail: object }[] }>();
    expect(items.map(({ kind, actor }) => [kind, actor])).toEqual([
      ['upload_begun', 'agent-7'],
      ['upload_completed', 'agent-7'],
      ['deleted', 'agent-7'],
    ]);
    expect(items[2]?.detail).toEqual({ deletionReason: 'requested', requestId: expect.any(String) as string });
    expect(items[0]?.at).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
  });

  test('go on while workflows are down, changes say so', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const id = await api.upload({ executionId });
    api.lifecycle.failure = new ArtifactError('workflows_unavailable', 'down');
    const urls = [`/v1/artifacts/${id}`, `/v1/artifacts/${id}/content`, `/v1/executions/${executionId}/artifacts`];
    for (const url of urls) expect((await api.send({ method: 'GET', url })).statusCode).toBe(200);
    const response = await api.send({ method: 'DELETE', url: `/v1/artifacts/${id}` });
    expect([response.statusCode, codeOf(response)]).toEqual([503, 'workflows_unavailable']);
  });
});

describe('probes', () => {
  test('say ok, degraded without workflows, unavailable without database or storage', async () => {
    let nowMs = Date.now();
    let draining = false;
    const api = await startTestApi({ nowMs: () => nowMs, isDraining: () => draining });
    const ready = async () => {
      nowMs += 3_000;
      const response = await api.app.inject('/readyz');
      return [response.statusCode, response.json<{ status: string }>().status];
    };
    expect(await ready()).toEqual([200, 'ok']);
    api.lifecycle.failure = new ArtifactError('workflows_unavailable', 'connect 10.0.0.7');
    expect(await ready()).toEqual([200, 'degraded']);
    expect((await api.app.inject('/readyz')).body).not.toContain('10.0.0.7');
    nowMs += 10_000;
    api.store.outage = 'storage_unavailable';
    expect(await ready()).toEqual([503, 'unavailable']);
    api.store.outage = null;
    api.records.ping = () => Promise.reject(new ArtifactError('database_unavailable', 'down'));
    expect(await ready()).toEqual([503, 'unavailable']);
    draining = true;
    expect(await ready()).toEqual([503, 'draining']);
    expect((await api.app.inject('/livez')).json()).toEqual({ status: 'ok', build: packageVersion() });
  });

  test('ask every dependency once in three seconds, and do not wait for a silent one for ever', async () => {
    const api = await startTestApi();
    let pings = 0;
    api.records.ping = () => {
      pings += 1;
      return new Promise(() => {});
    };
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const both = Promise.all([api.app.inject('/readyz'), api.app.inject('/readyz')]);
      await eventually(async () => {
        await vi.advanceTimersByTimeAsync(3_000);
        expect(pings).toBe(1);
      });
      await vi.advanceTimersByTimeAsync(3_000);
      const [first, second] = await both;
      expect(first.json()).toMatchObject({ status: 'unavailable', checks: { database: { ok: false } } });
      expect(second.json()).toEqual(first.json());
    } finally {
      vi.useRealTimers();
    }
  });
});

test('the plan of an artifact says what comes next, when and why', async () => {
  const nowMs = Date.UTC(2026, 0, 1);
  const api = await startTestApi({ nowMs: () => nowMs });
  const id = await api.upload({});
  const plan = (await api.send({ method: 'GET', url: `/v1/artifacts/${id}/plan` })).json<Record<string, unknown>>();
  expect(plan).toMatchObject({ action: 'warn', rule: 'expiry_warning', at: '2026-01-28T00:00:00.000Z' });
});
