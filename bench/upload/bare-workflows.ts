import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Connection as Stack } from '../../src/dev/connection.js';
import { inFlight } from './in-flight.js';

const IN_FLIGHT = 48;

/**
 * A peer: so many workflows a second with two ordinary activities that do nothing, on the same server. Nothing that puts a file by two
 * activities of a workflow can be faster.
 */
export async function bareWorkflows({ temporalAddress: address, namespace }: Stack, count: number): Promise<number> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const taskQueue = `bench-${randomUUID()}`;
  const native = await NativeConnection.connect({ address });
  const connection = await Connection.connect({ address });
  const workflow = new Client({ connection, namespace }).workflow;
  const worker = await Worker.create({
    connection: native,
    namespace,
    taskQueue,
    workflowsPath: fileURLToPath(new URL('./bare-workflow.ts', import.meta.url)),
    activities: { first: (text: string) => Promise.resolve(text), second: (text: string) => Promise.resolve(text) },
    workflowTaskPollerBehavior: { type: 'autoscaling' },
    activityTaskPollerBehavior: { type: 'autoscaling' },
  });
  try {
    return await worker.runUntil(async () => {
      const one = () => workflow.execute('twoActivities', { taskQueue, workflowId: randomUUID(), args: ['x'] });
      await inFlight(IN_FLIGHT, IN_FLIGHT, one);
      const started = performance.now();
      await inFlight(count, IN_FLIGHT, one);
      return (performance.now() - started) / 1_000;
    });
  } finally {
    await connection.close();
    await native.close();
  }
}
