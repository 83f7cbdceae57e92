import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { ArtifactClient, type PlannedAction } from '../../../src/sdk/index.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { listeningApi, storedFor } from '../../support/plan-api.js';
import { codeOf } from '../../support/sdk.js';

async function all(items: AsyncIterable<PlannedAction>): Promise<PlannedAction[]> {
  const found: PlannedAction[] = [];
  for await (const item of items) found.push(item);
  return found;
}

test('previewPlan answers with the totals at once, and with what happens page after page', async () => {
  const { api, ...options } = await listeningApi();
  const client = new ArtifactClient(options);
  const executionId = randomUUID();
  for (let count = 0; count < 401; count += 1) await storedFor(api, 2, { executionId });
  const [urgent, later] = [await storedFor(api, 1), await storedFor(api, 20)];
  const preview = await client.previewPlan();
  expect(preview.until.getTime() - preview.from.getTime()).toBe(7 * DAY_MS);
  expect(preview.totals).toMatchObject({ complete: true, artifacts: 402, actions: [{ count: 402 }, { count: 402 }] });
  const items = await all(preview);
  expect(items).toHaveLength(804);
  expect(new Set(items.map(({ artifactId }) => artifactId)).size).toBe(402);
  const [warning, expiry] = items.filter(({ artifactId }) => artifactId === urgent);
  expect(warning).toMatchObject({ action: 'warn', rule: 'expiry_warning' });
  expect(expiry).toMatchObject({ action: 'expire', rule: 'artifact_retention', sizeBytes: 100, isEstimate: false });
  expect(Object.keys(expiry ?? {})).not.toContain('undeleteUntil');
  expect(expiry?.at).toBeInstanceOf(Date);
  expect(items.some(({ artifactId }) => artifactId === later)).toBe(false);
  // May be walked through again.
  expect(await all(preview)).toEqual(items);
  client.close();
});

test('previewPlan asks about one execution, some actions and any time', async () => {
  const { api, ...options } = await listeningApi();
  const client = new ArtifactClient(options);
  const executionId = randomUUID();
  const id = await storedFor(api, 50, { executionId });
  await storedFor(api, 50);
  const items = await all(await client.previewPlan({ within: '60d', executionId, actions: ['expire', 'changeTier'] }));
  expect(items.map(({ artifactId, action }) => [artifactId, action])).toEqual([
    [id, 'changeTier'],
    [id, 'expire'],
  ]);
  expect(await codeOf(client.previewPlan({ executionId: randomUUID() }))).toBe('execution_not_found');
  expect(await codeOf(client.previewPlan({ executionId: 'x' }))).toBe('invalid_id');
  expect(await codeOf(client.previewPlan({ within: 'soon' }))).toBe('invalid_request');
  client.close();
});
