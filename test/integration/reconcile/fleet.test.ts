import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createFleet } from '../../../src/temporal/fleet.js';
import { artifactWorkflowId } from '../../../src/temporal/ids.js';
import { createNamespace } from '../../support/stack.js';

/* Workflows that run are enough here: no worker ever takes them up. */

let connection: Connection;
let client: Client;
const started: string[] = [];

beforeAll(async () => {
  connection = await Connection.connect({ address: inject('temporalAddress') });
  client = new Client({ connection, namespace: await createNamespace(connection) });
  for (let count = 0; count < 7; count += 1) {
    const id = randomUUID();
    await start('artifactLifecycle', artifactWorkflowId(id));
    started.push(id);
  }
  // What is no life, and a life that has ended.
  await start('webhookDelivery', `${artifactWorkflowId(started[0] ?? '')}/webhooks`);
  const ended = randomUUID();
  await (await start('artifactLifecycle', artifactWorkflowId(ended))).terminate();
});

afterAll(() => connection.close());

const start = (type: string, workflowId: string) =>
  client.workflow.start(type, { workflowId, taskQueue: 'nobody-works-here' });

async function everyLife(limit: number): Promise<string[]> {
  const fleet = createFleet(client);
  const ids: string[] = [];
  for (let cursor: string | null = null; ;) {
    const page: Awaited<ReturnType<typeof fleet.listRunning>> = await fleet.listRunning({ cursor, limit });
    ids.push(...page.lives.map(({ artifactId }) => artifactId));
    cursor = page.cursor;
    if (cursor === null) return ids;
  }
}

test('every life that runs is listed once, whatever the size of the pages', async () => {
  await expect.poll(async () => (await everyLife(1_000)).sort()).toEqual([...started].sort());
  expect((await everyLife(2)).sort()).toEqual([...started].sort());
});

test('of a thousand ids those whose life runs are found, in questions that the server takes', async () => {
  const fleet = createFleet(client);
  const others = Array.from({ length: 1_000 - started.length }, () => randomUUID());
  const find = async (): Promise<string[]> => (await fleet.findRunning([...others, ...started])).sort();
  await expect.poll(find).toEqual([...started].sort());
  expect(await fleet.findRunning([])).toEqual([]);
});

test('a life that has ended, or never was, does not run', async () => {
  const fleet = createFleet(client);
  expect(await fleet.look(randomUUID())).toBeNull();
});
