import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { connectArtifactLives } from '../../src/temporal/artifact-lives.js';
import { LIFECYCLE_TASK_QUEUE } from '../../src/temporal/ids.js';
import { createNamespace } from '../support/stack.js';

const EXECUTIONS = 60;
const CHANGES = 4;

/*
 * The real workflow, the real messages and a real server; the activity only notes what a read of the rows would have seen. A row is a
 * counter here: a change counts it up and tells.
 */
const counters = new Map<string, number>();
const written = new Map<string, number>();
/** Resolves with every end of a write, which is when a run is about to end. */
const ends = new Map<string, () => void>();

const writeManifest = (executionId: string): Promise<number> => {
  const count = counters.get(executionId) ?? 0;
  written.set(executionId, count);
  setImmediate(() => ends.get(executionId)?.());
  return Promise.resolve(count);
};

let namespace: string;
let connection: Connection;
let native: NativeConnection;
let endWorker: () => Promise<void>;
let others: ReturnType<typeof connectArtifactLives>;

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const address = inject('temporalAddress');
  connection = await Connection.connect({ address });
  namespace = await createNamespace(connection);
  native = await NativeConnection.connect({ address });
  endWorker = await startWorker();
  others = connectArtifactLives({
    TEMPORAL_ADDRESS: address,
    TEMPORAL_NAMESPACE: namespace,
    TEMPORAL_TLS: false,
  });
});

afterAll(async () => {
  await endWorker();
  await others.close();
  await native.close();
  await connection.close();
});

/** @returns what ends it. */
async function startWorker(): Promise<() => Promise<void>> {
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue: LIFECYCLE_TASK_QUEUE,
    workflowBundle: { codePath: inject('workflowBundle') },
    activities: { writeManifest },
  });
  const running = worker.run();
  return async () => {
    worker.shutdown();
    await running;
  };
}

async function change(executionId: string): Promise<void> {
  counters.set(executionId, (counters.get(executionId) ?? 0) + 1);
  await others.lives.executionChanged(executionId);
}

/** Changes, and returns within the milliseconds in which the run decides that it is at its end. */
async function changeUntilTheEnd(executionId: string): Promise<void> {
  const ended = new Promise<void>((resolve) => ends.set(executionId, resolve));
  await change(executionId);
  await ended;
  await sleep(Math.random() * 40);
}

describe('a change of an execution', () => {
  it('is written also when it comes just while the run that writes is about to end', async () => {
    const executions = Array.from({ length: EXECUTIONS }, () => randomUUID());
    await Promise.all(
      executions.map(async (executionId) => {
        for (let count = 1; count < CHANGES; count += 1) await changeUntilTheEnd(executionId);
        await change(executionId);
      }),
    );
    const behind = (): string[] => executions.filter((id) => written.get(id) !== CHANGES);
    await expect.poll(behind, { interval: 200 }).toEqual([]);
  });

  it('is written once for a thousand that come together', async () => {
    const executionId = randomUUID();
    let writes = 0;
    ends.set(executionId, () => (writes += 1));
    // Who would write sees them all at once, however long it takes to send them.
    await endWorker();
    await Promise.all(Array.from({ length: 1_000 }, () => change(executionId)));
    endWorker = await startWorker();
    await expect.poll(() => written.get(executionId)).toBe(1_000);
    expect(writes).toBe(1);
  });
});
