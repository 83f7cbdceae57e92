import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { codeOf, startTestApi, tokenFor, type TestApi } from '../../support/api.js';
import { storedFor } from '../../support/plan-api.js';

interface Page {
  items: { id: string; path: string }[];
  nextCursor: string | null;
}

const NOW_MS = Date.UTC(2026, 0, 10);

async function ask(api: TestApi, query: string, token?: string): Promise<Page> {
  const response = await api.send({ method: 'GET', url: `/v1/artifacts?${query}`, ...(token && { token }) });
  if (response.statusCode !== 200) throw new Error(response.body);
  return response.json<Page>();
}
const ids = async (...args: Parameters<typeof ask>): Promise<string[]> =>
  (await ask(...args)).items.map(({ id }) => id);

describe('GET /v1/artifacts', () => {
  test('finds by every filter, alone and together, in the order that is asked for', async () => {
    const api = await startTestApi({ nowMs: () => NOW_MS });
    const executionId = randomUUID();
    const a = await storedFor(api, 5, { nowMs: NOW_MS, path: 'output/charts/a.png', type: 'image', sizeBytes: 10 });
    const b = await storedFor(api, 50, { nowMs: NOW_MS - 1_000, path: 'logs/b.log', type: 'log', executionId });
    const c = await storedFor(api, 9, { nowMs: NOW_MS - 2_000, path: 'output/c d.png', tags: { agent: 'x:y' } });
    await storedFor(api, 1, { tenantId: 'other' });

    const found: [string, string[]][] = [
      ['', [a, b, c]],
      ['sort=oldest', [c, b, a]],
      ['sort=smallest', [a, ...[b, c].sort()]],
      ['sort=expiring', [a, c, b]],
      [`executionId=${executionId}`, [b]],
      ['type=log', [b]],
      ['status=ACTIVE&status=DELETED', [a, b, c]],
      ['status=DELETED', []],
      ['tier=HOT', [a, b, c]],
      ['tier=COLD', []],
      ['tag=agent:x:y', [c]],
      ['name=*.png', [a, c]],
      ['name=b.log', [b]],
      ['path=output/c%20', [c]],
      ['minBytes=11', [b, c]],
      ['maxBytes=10', [a]],
      ['createdAfter=2026-01-09T23:59:59Z', [a, b]],
      ['createdBefore=2026-01-10T00:59:59%2B01:00', [c]],
      ['expiresBefore=2026-01-20T00:00:00Z', [a, c]],
      ['name=*.png&minBytes=11&sort=expiring&type=document', [c]],
    ];
    for (const [query, expected] of found) expect([query, await ids(api, query)]).toEqual([query, expected]);
  });

  test('is walked by a cursor that counts for the same filters and order only', async () => {
    const api = await startTestApi();
    for (let n = 0; n < 5; n += 1) await storedFor(api, 5 + n, { nowMs: NOW_MS + n });
    const first = await ask(api, 'limit=2&type=document');
    const cursor = `cursor=${first.nextCursor ?? ''}`;
    const second = await ask(api, `limit=3&type=document&${cursor}`);
    expect(second).toMatchObject({ nextCursor: null, items: [{}, {}, {}] });
    for (const other of ['', 'type=log', 'type=document&sort=oldest', 'type=document&minBytes=1']) {
      const response = await api.send({ method: 'GET', url: `/v1/artifacts?${other}&${cursor}` });
      expect([other, codeOf(response)]).toEqual([other, 'invalid_cursor']);
    }
  });

  test('shows a token what it may see', async () => {
    const api = await startTestApi();
    const [one, two] = [randomUUID(), randomUUID()];
    const id = await storedFor(api, 5, { executionId: one });
    await storedFor(api, 5, { executionId: two });
    const foreign = randomUUID();
    await storedFor(api, 5, { executionId: foreign, tenantId: 'other' });
    const token = await tokenFor({ executions: [one, foreign] });
    expect(await ids(api, '', token)).toEqual([id]);
    expect(await ids(api, '', await tokenFor({ tenant: 'new' }))).toEqual([]);
    for (const hidden of [two, foreign, randomUUID()]) {
      const response = await api.send({ method: 'GET', url: `/v1/artifacts?executionId=${hidden}`, token });
      expect(codeOf(response)).toBe('execution_not_found');
    }
  });

  test.each([
    ['executionId=x', 'invalid_id'],
    ['type=film', 'invalid_request'],
    ['status=GONE', 'invalid_request'],
    ['tier=ICE', 'invalid_request'],
    ['tag=nocolon', 'invalid_request'],
    ['tag=n:1&tag=n:2', 'invalid_request'],
    ['name=', 'invalid_request'],
    ['path=', 'invalid_request'],
    [`name=${'x'.repeat(1_025)}`, 'invalid_request'],
    ['minBytes=-1', 'invalid_request'],
    ['minBytes=2&maxBytes=1', 'invalid_request'],
    ['createdAfter=yesterday', 'invalid_request'],
    ['createdAfter=2026-01-02T00:00:00Z&createdBefore=2026-01-02T00:00:00Z', 'invalid_request'],
    ['expiresBefore=2026-02-30T00:00:00Z', 'invalid_request'],
    ['sort=best', 'invalid_request'],
    ['limit=0', 'invalid_request'],
    ['limit=201', 'invalid_request'],
    ['cursor=x', 'invalid_cursor'],
    ['colour=red', 'invalid_request'],
  ])('refuses %s', async (query, code) => {
    const api = await startTestApi();
    expect(codeOf(await api.send({ method: 'GET', url: `/v1/artifacts?${query}` }))).toBe(code);
  });
});
