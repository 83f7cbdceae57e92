import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { artifactKey } from '../../src/domain/keys.js';
import { connectArtifactLives } from '../../src/temporal/artifact-lives.js';
import { artifactWorkflowId } from '../../src/temporal/ids.js';
import {
  ARTIFACT_EXPIRES_AT,
  ARTIFACT_PERMANENT,
  ARTIFACT_SIZE_BYTES,
  ARTIFACT_STATE,
  EXECUTION_ID,
  TENANT_ID,
} from '../../src/workflows/search-attributes.js';
import { aRecord } from '../support/records.js';
import { createNamespace } from '../support/stack.js';

/* Against a real server and without a worker: what is started stays as it was started. */

let connection: Connection;
let client: Client;
let others: ReturnType<typeof connectArtifactLives>;

beforeAll(async () => {
  const address = inject('temporalAddress');
  connection = await Connection.connect({ address });
  const namespace = await createNamespace(connection);
  client = new Client({ connection, namespace });
  others = connectArtifactLives({ TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace, TEMPORAL_TLS: false });
});

afterAll(async () => {
  await others.close();
  await connection.close();
});

function aLostLife(overrides: Partial<ArtifactRecord> = {}): ArtifactRecord {
  const [id, executionId, path] = [randomUUID(), randomUUID(), 'output/lost.bin'];
  return aRecord({ id, executionId, path, key: artifactKey(executionId, path), ...overrides });
}

describe('revive', () => {
  it('starts a life under its id, to be found and read as any other', async () => {
    const record = aLostLife();
    expect(await others.lives.revive(record)).toBe(true);
    const life = await client.workflow.getHandle(artifactWorkflowId(record.id)).describe();
    expect([life.type, life.status.name, life.taskQueue]).toEqual([
      'artifactLifecycle',
      'RUNNING',
      'artifact-lifecycle',
    ]);
    expect(await life.staticSummary()).toBe('output/lost.bin (10 bytes)');
    expect(await life.staticDetails()).toContain(record.executionId);
    const found = life.typedSearchAttributes;
    expect(found.get(ARTIFACT_STATE)).toBe('ACTIVE');
    expect(found.get(EXECUTION_ID)).toBe(record.executionId);
    expect(found.get(TENANT_ID)).toBe('acme');
    expect(found.get(ARTIFACT_SIZE_BYTES)).toBe(10);
    expect(found.get(ARTIFACT_PERMANENT)).toBe(false);
    expect(found.get(ARTIFACT_EXPIRES_AT)).toEqual(new Date(record.expiresAtMs ?? 0));
  });

  it('starts one, whoever asks at the same moment, and none beside one that runs', async () => {
    const record = aLostLife();
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => others.lives.revive(record)));
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await others.lives.revive(record)).toBe(false);
  });

  it('takes up a life that was terminated', async () => {
    const record = aLostLife();
    await others.lives.revive(record);
    const handle = client.workflow.getHandle(artifactWorkflowId(record.id));
    await handle.terminate('by mistake');
    expect(await others.lives.isAlive(record.id)).toBe(false);
    expect(await others.lives.revive(record)).toBe(true);
    expect(await others.lives.isAlive(record.id)).toBe(true);
  });
});
