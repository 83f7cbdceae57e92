import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { ArtifactError } from '../domain/errors.js';
import { SECOND_MS } from '../domain/units.js';

/** Most verbs answer in a tenth of this. */
const PATIENCE_MS = 2 * SECOND_MS;
const PING_MS = 2 * SECOND_MS;

/** @throws `workflows_unavailable` when Temporal does not answer. */
export async function pingTemporal(client: Client): Promise<void> {
  try {
    const { connection, options } = client;
    const ask = () => connection.workflowService.describeNamespace({ namespace: options.namespace });
    await client.withDeadline(Date.now() + PING_MS, ask);
  } catch (cause) {
    throw new ArtifactError('workflows_unavailable', 'Temporal does not answer', { cause });
  }
}

/**
 * Runs calls of a client with a deadline. The SDK tries again until then when the server is gone, which looks like slow work: so whoever waits
 * unusually long asks whether anybody is there, and gives up at once when not.
 * @throws `workflows_unavailable`, and what the calls throw.
 */
export async function withPatience<T>(client: Client, timeoutMs: number, run: () => Promise<T>): Promise<T> {
  const settled = new AbortController();
  const nobodyThere = new Promise<never>((_, reject) => {
    sleep(PATIENCE_MS, undefined, { signal: settled.signal })
      .then(() => pingTemporal(client))
      .catch(reject);
  });
  try {
    return await Promise.race([client.withDeadline(Date.now() + timeoutMs, run), nobodyThere]);
  } finally {
    settled.abort();
  }
}
