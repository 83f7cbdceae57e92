import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Reconciliation } from '../../../src/api/schemas/reconciliations.js';
import { NOTHING_INSPECTED, type Finding } from '../../../src/domain/drift.js';
import { startTestApi, tokenFor, type TestApi } from '../../support/api.js';

const AT_MS = Date.UTC(2026, 0, 3);
const aFinding = (given: Partial<Finding>): Finding => ({
  ...{ kind: 'tags_differ', subject: randomUUID(), artifactId: randomUUID(), executionId: randomUUID() },
  ...{ tenantId: 'acme', key: 'a/b.txt', versionId: null, uploadId: null, sizeBytes: 5, sinceMs: AT_MS, detail: {} },
  ...given,
});

/** A report with these findings. */
async function reported(api: TestApi, findings: Finding[], startedAtMs = AT_MS): Promise<string> {
  const id = randomUUID();
  await api.reconciliations.begin({ id, mode: 'repair', startedAtMs });
  await api.reconciliations.addFindings(id, findings);
  return id;
}

const admin = (claims: object = {}) => tokenFor({ scope: 'artifacts:admin', ...claims });
const ask = async (api: TestApi, query = '', token?: string) =>
  api.send({ method: 'GET', url: `/v1/reconciliations/latest${query}`, token: token ?? (await admin()) });
const pageOf = async (...given: Parameters<typeof ask>): Promise<Reconciliation> =>
  (await ask(...given)).json<Reconciliation>();

describe('GET /v1/reconciliations/latest', () => {
  test('says when there was none, and is for administrators', async () => {
    const api = await startTestApi();
    expect((await ask(api)).json()).toMatchObject({ status: 404, code: 'reconciliation_not_found' });
    expect((await ask(api, '', await tokenFor({ scope: 'artifacts:read' }))).statusCode).toBe(403);
  });

  test('tells of the last one, and only what is about the tenant', async () => {
    const api = await startTestApi();
    await reported(api, [aFinding({})], AT_MS - 1);
    const own = aFinding({ sinceMs: null, sizeBytes: null });
    const id = await reported(api, [aFinding({ tenantId: 'other' }), own, aFinding({ tenantId: null })]);
    expect(await pageOf(api)).toEqual({
      ...{ id, mode: 'repair', startedAt: new Date(AT_MS).toISOString(), finishedAt: null, isComplete: false },
      totals: [{ kind: 'tags_differ', outcome: 'open', findings: 1, sizeBytes: 0 }],
      items: [
        {
          ...{ number: 2, kind: 'tags_differ', artifactId: own.artifactId, executionId: own.executionId },
          ...{ key: 'a/b.txt', sizeBytes: null, since: null, outcome: 'open', note: null },
        },
      ],
      nextCursor: null,
    });
    await api.reconciliations.finish(id, { finishedAtMs: AT_MS + 5, inspected: NOTHING_INSPECTED, failure: null });
    expect(await pageOf(api)).toMatchObject({ isComplete: true, finishedAt: new Date(AT_MS + 5).toISOString() });
  });

  test('does not tell the numbers of others by the reason why something is withheld', async () => {
    const api = await startTestApi();
    const id = await reported(api, [aFinding({}), aFinding({})]);
    await api.reconciliations.settle(id, 1, 'withheld', 'withheld: 999 artifacts of everybody');
    await api.reconciliations.settle(id, 2, 'failed', 'no answer');
    expect((await pageOf(api)).items).toMatchObject([
      { outcome: 'withheld', note: null },
      { outcome: 'failed', note: 'no answer' },
    ]);
  });

  test('goes page by page through one report, also when another one begins', async () => {
    const api = await startTestApi();
    const id = await reported(
      api,
      Array.from({ length: 5 }, () => aFinding({})),
    );
    const numbers: number[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Reconciliation = await pageOf(api, `?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(page.id).toBe(id);
      numbers.push(...page.items.map(({ number }) => number));
      cursor = page.nextCursor;
      await reported(api, [aFinding({})], AT_MS + numbers.length);
    }
    expect(numbers).toEqual([1, 2, 3, 4, 5]);
  });

  test.each(['x', 'a.b', `${randomUUID()}.1`, `${randomUUID()}.0`])('refuses the cursor %s', async (cursor) => {
    const api = await startTestApi();
    await reported(api, [aFinding({})]);
    expect((await ask(api, `?cursor=${cursor}`)).json()).toMatchObject({ status: 400, code: 'invalid_cursor' });
  });

  test('shows a narrowed token the findings of its executions, and no totals', async () => {
    const api = await startTestApi();
    const own = aFinding({});
    await reported(api, [aFinding({}), own, aFinding({ executionId: null })]);
    const page = await pageOf(api, '', await admin({ executions: [own.executionId] }));
    expect(page.totals).toBeNull();
    expect(page.items.map(({ artifactId }) => artifactId)).toEqual([own.artifactId]);
  });
});
