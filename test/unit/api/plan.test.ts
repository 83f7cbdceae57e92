import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { PlanPage } from '../../../src/api/schemas/plan.js';
import { DEFAULT_POLICY } from '../../../src/domain/policy.js';
import { DAY_MS, HOUR_MS } from '../../../src/domain/units.js';
import { codeOf, startTestApi, tokenFor, type TestApi } from '../../support/api.js';
import { storedFor } from '../../support/plan-api.js';

const NOW_MS = Date.UTC(2026, 0, 1);
const after = (days: number): string => new Date(NOW_MS + days * DAY_MS).toISOString();

const stored: typeof storedFor = (api, days, given = {}) => storedFor(api, days, { nowMs: NOW_MS, ...given });

const ask = (api: TestApi, query = '', token?: string) =>
  api.send({ method: 'GET', url: `/v1/plan?${query}`, ...(token === undefined ? {} : { token }) });
const planOf = async (api: TestApi, query = '', token?: string): Promise<PlanPage> => {
  const response = await ask(api, query, token);
  if (response.statusCode !== 200) throw new Error(response.body);
  return response.json<PlanPage>();
};
const open = (): Promise<TestApi> => startTestApi({ nowMs: () => NOW_MS });

describe('GET /v1/plan', () => {
  test('tells everything that happens within a week, when, by which rule and why, with totals', async () => {
    const api = await open();
    const policy = { ...DEFAULT_POLICY, undeleteExpiredDays: 2 };
    const id = await stored(api, 4, { path: 'output/a.pdf', policy });
    await stored(api, 30);
    const plan = await planOf(api);
    expect(plan).toMatchObject({ from: after(0), until: after(7), nextCursor: null });
    expect(plan.items.map(({ action, at, rule }) => [action, at, rule])).toEqual([
      ['warn', after(2), 'expiry_warning'],
      ['expire', after(4), 'artifact_retention'],
      ['purge', after(6), 'undelete_window'],
    ]);
    expect(plan.items[1]).toMatchObject({
      artifactId: id,
      path: 'output/a.pdf',
      sizeBytes: 100,
      isEstimate: false,
      undeleteUntil: after(6),
      because: 'Its own retention counts from its creation.',
    });
    expect(plan.totals).toEqual({
      complete: true,
      artifacts: 1,
      actions: [
        { action: 'warn', count: 1, sizeBytes: 100 },
        { action: 'expire', count: 1, sizeBytes: 100 },
        { action: 'purge', count: 1, sizeBytes: 100 },
      ],
    });
  });

  test('looks as far as it is asked to, in hours or days', async () => {
    const api = await open();
    await stored(api, 100);
    const actions = async (within: string): Promise<string[]> =>
      (await planOf(api, `within=${within}`)).items.map(({ action }) => action);
    expect(await actions('719h')).toEqual([]);
    expect(await actions('720h')).toEqual(['changeTier']);
    expect(await actions('97d')).toEqual(['changeTier', 'changeTier', 'warn']);
    expect(await actions('366d')).toEqual(['changeTier', 'changeTier', 'warn', 'expire']);
    for (const within of ['367d', '9000h', '0d', '7', 'week', '-1d', '100000h'])
      expect([within, codeOf(await ask(api, `within=${within}`))]).toEqual([within, 'invalid_request']);
  });

  test('tells only the actions that are asked for, in the totals too', async () => {
    const api = await open();
    await stored(api, 3);
    await stored(api, 60);
    const plan = await planOf(api, 'within=366d&action=expire&action=purge');
    expect(plan.items.map(({ action }) => action)).toEqual(['expire', 'expire']);
    expect(plan.totals).toMatchObject({ artifacts: 2, actions: [{ action: 'expire', count: 2, sizeBytes: 200 }] });
    expect(codeOf(await ask(api, 'action=explode'))).toBe('invalid_request');
  });

  test('is walked page by page to the horizon of the first, with totals of all on the first page only', async () => {
    let nowMs = NOW_MS;
    const api = await startTestApi({ nowMs: () => nowMs });
    const executionId = randomUUID();
    for (const days of [5, 1, 3, 2, 4]) await stored(api, days, { executionId });
    const pages: PlanPage[] = [];
    for (let query = 'within=4d&limit=2'; query !== ''; nowMs += HOUR_MS) {
      const page = await planOf(api, query);
      pages.push(page);
      query = page.nextCursor === null ? '' : `limit=2&cursor=${page.nextCursor}`;
    }
    expect(pages.map(({ until }) => until)).toEqual([after(4), after(4), after(4)]);
    const expiries = pages.flatMap(({ items }) => items).filter(({ action }) => action === 'expire');
    expect(expiries.map(({ at }) => at)).toEqual([1, 2, 3, 4].map(after));
    expect(pages.map(({ totals }) => totals?.artifacts)).toEqual([5, undefined, undefined]);
    expect(pages[0]?.totals?.actions).toEqual([
      { action: 'warn', count: 5, sizeBytes: 500 },
      { action: 'expire', count: 4, sizeBytes: 400 },
    ]);
  });

  test('goes on over pages on which nothing of what is asked for happens', async () => {
    const api = await open();
    const executionId = randomUUID();
    for (let n = 0; n < 25; n += 1) await stored(api, 20 + n / 100, { executionId });
    const only = await stored(api, 40, { executionId, policy: { ...DEFAULT_POLICY, undeleteExpiredDays: 1 } });
    const first = await planOf(api, 'within=60d&action=purge&limit=2');
    expect(first).toMatchObject({ items: [], totals: { artifacts: 1 } });
    const second = await planOf(api, `action=purge&limit=2&cursor=${first.nextCursor ?? ''}`);
    expect(second).toMatchObject({ items: [{ artifactId: only, action: 'purge' }], nextCursor: null });
  });

  test.each(['x', '', Buffer.from('1.x').toString('base64url'), Buffer.from('x').toString('base64url')])(
    'refuses the cursor "%s"',
    async (cursor) => {
      expect(codeOf(await ask(await open(), `cursor=${cursor}`))).toBe('invalid_cursor');
    },
  );

  test('counts no further than it can afford, and says so', async () => {
    const api = await open();
    const id = await stored(api, 1);
    const record = await api.records.get(id);
    if (record === null) throw new Error('no row');
    let reads = 0;
    api.records.listUpcoming = ({ limit }) => {
      reads += 1;
      return Promise.resolve({ items: Array.from({ length: limit }, () => record), nextCursor: 'more' });
    };
    const { totals } = await planOf(api, 'action=expire&limit=1');
    expect(totals).toEqual({
      complete: false,
      artifacts: 50_000,
      actions: [{ action: 'expire', count: 50_000, sizeBytes: 5_000_000 }],
    });
    expect(reads).toBe(51);
  });
});

describe('GET /v1/plan and who asks', () => {
  test('needs the scope to read', async () => {
    const response = await ask(await open(), '', await tokenFor({ scope: 'artifacts:write' }));
    expect([response.statusCode, codeOf(response)]).toEqual([403, 'forbidden']);
  });

  test('sees its tenant, the executions it is narrowed to, or the one it names', async () => {
    const api = await open();
    const [one, two] = [randomUUID(), randomUUID()];
    const ids = [await stored(api, 1, { executionId: one }), await stored(api, 1, { executionId: two })];
    const foreign = randomUUID();
    await stored(api, 1, { executionId: foreign, tenantId: 'other' });
    const expiring = async (query: string, token?: string): Promise<string[]> =>
      (await planOf(api, `action=expire&${query}`, token)).items.map(({ artifactId }) => artifactId).sort();
    expect(await expiring('')).toEqual(ids.toSorted());
    expect(await expiring(`executionId=${two}`)).toEqual([ids[1]]);
    const narrowed = await tokenFor({ executions: [one, foreign] });
    expect(await expiring('', narrowed)).toEqual([ids[0]]);
    for (const hidden of [two, foreign])
      expect(codeOf(await ask(api, `executionId=${hidden}`, narrowed))).toBe('execution_not_found');
    expect(codeOf(await ask(api, 'executionId=x'))).toBe('invalid_id');
  });
});
