import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DAY_MS } from '../../src/domain/units.js';
import type { ArtifactClient, PlannedAction } from '../../src/sdk/index.js';
import type { Description } from '../../src/workflows/messages.js';
import { runArtifacts } from '../support/cli.js';
import { aFile, clientOf } from '../support/e2e.js';
import { startTestStack, type TestStack } from '../support/stack.js';

let stack: TestStack;
let token: string;
let client: ArtifactClient;
let connection: Connection;
beforeAll(async () => {
  stack = await startTestStack({ env: { UNDELETE_EXPIRED_DAYS: '2' } });
  token = await stack.token();
  client = clientOf(stack, token);
  connection = await Connection.connect({ address: stack.temporalAddress });
});
afterAll(async () => {
  client.close();
  await connection.close();
  await stack.stop();
});

const upload = (executionId: string, fileName: string, retentionDays: number) =>
  client.uploadArtifact(executionId, aFile(1_000).bytes, { fileName, retentionDays });

async function planned(executionId: string, within: string): Promise<PlannedAction[]> {
  const items: PlannedAction[] = [];
  for await (const item of await client.previewPlan({ executionId, within })) items.push(item);
  return items;
}

it('the preview is what the workflows say themselves, and what is kept is no longer in it', async () => {
  const executionId = randomUUID();
  const artifacts = [await upload(executionId, 'one.txt', 1), await upload(executionId, 'hundred.txt', 100)];
  const items = await planned(executionId, '366d');
  const told = (index: number): [string, number][] =>
    items
      .filter(({ artifactId }) => artifactId === artifacts[index]?.id)
      .map(({ action, at }) => [action, (at.getTime() - (artifacts[index]?.createdAt.getTime() ?? 0)) / DAY_MS]);
  expect(told(0)).toEqual([
    ['warn', 0.5],
    ['expire', 1],
    ['purge', 3],
  ]);
  expect(told(1)).toEqual([
    ['changeTier', 30],
    ['changeTier', 90],
    ['warn', 97],
    ['expire', 100],
    ['purge', 102],
  ]);

  const { workflow } = new Client({ connection, namespace: stack.namespace });
  for (const { id, workflowId } of artifacts) {
    const { next } = await workflow.getHandle(workflowId).query<Description>('describe');
    const first = items.find(({ artifactId }) => artifactId === id);
    expect({ kind: first?.action, atMs: first?.at.getTime(), rule: first?.rule }).toEqual(next);
  }

  await client.keepForever(artifacts[0]?.id ?? '', 'evidence');
  expect((await planned(executionId, '2d')).map(({ path }) => path)).toEqual([]);
});

it('artifacts plan --within shows a person what goes soon', async () => {
  const executionId = randomUUID();
  await upload(executionId, 'soon.txt', 1);
  await upload(executionId, 'later.txt', 30);
  const env = { ARTIFACTS_URL: stack.apiUrl, ARTIFACTS_TOKEN: token };
  const { code, out } = await runArtifacts(['plan', '--within', '2d', '--execution', executionId], {
    cwd: tmpdir(),
    env,
  });
  expect(code).toBe(0);
  expect(out).toMatch(/warning of expiry +1000 B {2}output\/soon.txt {2}expiry warning/);
  expect(out).toMatch(/expires \(undelete: \d{4}-\d\d-\d\d\) +1000 B {2}output\/soon.txt {2}artifact retention/);
  expect(out).not.toContain('later.txt');
  expect(out).toMatch(/1 artifact: 1 warn \(1000 B\), 1 expire \(1000 B\)\n$/);
});
