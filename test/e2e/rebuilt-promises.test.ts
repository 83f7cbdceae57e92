import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RebuildReport } from '../../src/domain/rebuild.js';
import { publicationGuardWorkflowId } from '../../src/temporal/ids.js';
import { connectRunningLives } from '../../src/temporal/running-lives.js';
import { aFile, clientOf } from '../support/e2e.js';
import { openLifeWorld, type LifeWorld } from '../support/life-world.js';
import { anotherTemporal, rebuildOf } from '../support/lost-servers.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import type { TestProcess } from '../support/test-process.js';

/* What was accepted about executions, and not carried out when Temporal was lost. */

const ACTOR = 'agent-7';
const BY_ITSELF = { timeout: 40_000, interval: 200 };

let stack: TestStack;
let world: LifeWorld;
let namespace: string;
let worker: TestProcess | undefined;
let made: RebuildReport;
/** One of which all is to be deleted, and one that is to be kept for other days. */
const [deleted, kept] = [randomUUID(), randomUUID()];
const [first, joined] = [randomUUID(), randomUUID()];
const publication = { executionId: kept, id: randomUUID() };
const ids: string[] = [];
let later: string;

beforeAll(async () => {
  stack = await startTestStack();
  world = await openLifeWorld(stack);
  const client = clientOf(stack, await stack.token());
  const upload = async (executionId: string, fileName: string): Promise<string> =>
    (await client.uploadArtifact(executionId, aFile(2_000).bytes, { fileName })).id;
  for (const name of ['a.bin', 'b.bin', 'held.bin']) ids.push(await upload(deleted, name));
  await client.addHold(ids[2]!, { reason: 'case 17' });
  const request = { executionId: deleted, runId: first, actor: ACTOR, atMs: Date.now() };
  await world.records.beginExecutionDeletion({ ...request, id: first });
  await world.records.beginExecutionDeletion({ ...request, id: joined });
  later = await upload(deleted, 'later.bin');
  ids.push(await upload(kept, 'kept.bin'));
  await world.records.setExecutionRetention({ executionId: kept, tenantId: 'acme', days: 90 });
  await world.records.beginPublication({ ...publication, tenantId: 'acme', actor: ACTOR, atMs: Date.now() });
  client.close();
  await Promise.all([stack.kill9Api(), stack.kill9Worker()]);
  namespace = await anotherTemporal(stack);
});

afterAll(async () => {
  await worker?.stop();
  await world.close();
  await stack.stop();
});

describe('what was promised about an execution, with Temporal lost', () => {
  it('is told before anything is done', async () => {
    const plan = await rebuildOf(stack, namespace);
    expect(plan).toMatchObject({ applied: false, takenUp: 3, prepared: [] });
    made = await rebuildOf(stack, namespace, '--apply');
    expect(made).toMatchObject({ takenUp: 3, interrupted: plan.interrupted });
    expect(made.interrupted).toMatchObject([
      {
        kind: 'execution_deletion',
        executionId: deleted,
        id: first,
        requests: [first, joined].sort(),
      },
      { kind: 'execution_retention', executionId: kept, days: 90 },
      { kind: 'publication', ...publication, actor: ACTOR },
    ]);
    // Each has its workflow by now, though no worker runs.
    expect(await rebuildOf(stack, namespace, '--apply')).toMatchObject({ takenUp: 0, interrupted: [] });
  }, 90_000);

  it('goes on once workers run: all requests for a deletion, of what there was, and the retention', async () => {
    worker = stack.anotherWorker({ TEMPORAL_NAMESPACE: namespace });
    await worker.start();
    const end = (id: string) => world.records.getExecutionDeletion(deleted, id);
    for (const id of [first, joined]) {
      await expect.poll(async () => (await end(id))?.finishedAtMs ?? null, BY_ITSELF).not.toBeNull();
      expect((await end(id))?.counts).toEqual({ deleted: 2, held: 1, underWay: 0, orphaned: 0 });
    }
    const statusOf = async (id: string) => (await world.records.get(id))?.status;
    expect(await Promise.all([...ids.slice(0, 3), later].map(statusOf))).toEqual([
      ...['DELETED', 'DELETED'],
      ...['ACTIVE', 'ACTIVE'],
    ]);
    await expect
      .poll(async () => (await world.records.get(ids[3]!))?.retention, BY_ITSELF)
      .toMatchObject({ rule: 'execution', days: 90 });
  }, 90_000);

  it('has a guard if it is a publication, which waits for whoever asks for it again', async () => {
    const running = connectRunningLives({
      TEMPORAL_ADDRESS: stack.temporalAddress,
      TEMPORAL_NAMESPACE: namespace,
      TEMPORAL_TLS: false,
    });
    expect(await running.runs(publicationGuardWorkflowId(publication.executionId, publication.id))).toBe(true);
    expect(await world.records.getPublication(publication)).toMatchObject({ state: 'open', report: null });
    await running.close();
  });
});
