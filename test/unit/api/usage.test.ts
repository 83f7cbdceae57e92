import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { Usage } from '../../../src/api/schemas/usage.js';
import { startTestApi, tokenFor } from '../../support/api.js';
import { changeOf } from '../../support/new-artifact.js';
import { storedFor } from '../../support/plan-api.js';

test('usage tells what there is by tier, and what is left; a narrowed token is told of its executions alone', async () => {
  const api = await startTestApi();
  const [one, two] = [randomUUID(), randomUUID()];
  for (const executionId of [one, one, two]) await storedFor(api, 5, { executionId, sizeBytes: 600 });
  const cold = await storedFor(api, 5, { executionId: one, sizeBytes: 7 });
  await api.records.change(changeOf(cold, 2, { status: 'ARCHIVED', tier: 'COLD' }));
  const ask = async (url: string, token?: string): Promise<Usage> =>
    (await api.send({ method: 'GET', url, ...(token && { token }) })).json<Usage>();

  const nothing = { artifacts: 0, bytes: 0 };
  expect(await ask('/v1/usage')).toEqual({
    scope: 'tenant',
    total: { artifacts: 4, bytes: 1_807 },
    tiers: { HOT: { artifacts: 3, bytes: 1_800 }, WARM: nothing, COLD: { artifacts: 1, bytes: 7 } },
    quotas: { artifacts: { limit: null, left: null }, bytes: { limit: 10_000, left: 8_193 } },
  });
  expect(await ask(`/v1/executions/${one}/usage`)).toMatchObject({
    scope: 'execution',
    total: { artifacts: 3, bytes: 1_207 },
    quotas: { artifacts: { limit: 100, left: 97 }, bytes: { limit: 1_000, left: 0 } },
  });
  const narrowed = await tokenFor({ executions: [two, randomUUID()] });
  expect(await ask('/v1/usage', narrowed)).toMatchObject({
    scope: 'executions',
    total: { artifacts: 1, bytes: 600 },
    quotas: null,
  });
});
