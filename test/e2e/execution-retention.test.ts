import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactClient } from '../../src/sdk/index.js';
import { aFile, clientOf, request } from '../support/e2e.js';
import { startTestStack, type TestStack } from '../support/stack.js';

const DAY_MS = 86_400_000;
const BEFORE = 40;
const MEANWHILE = 20;

let stack: TestStack;
let token: string;
let client: ArtifactClient;
beforeAll(async () => {
  stack = await startTestStack();
  token = await stack.token();
  client = clientOf(stack, token);
});
afterAll(async () => {
  client.close();
  await stack.stop();
});

const setRetention = (executionId: string, body: object) =>
  request(stack, token, { method: 'PUT', path: `/v1/executions/${executionId}/retention`, body });
const upload = (executionId: string, count: number, retentionDays?: number) =>
  Promise.all(
    Array.from({ length: count }, () =>
      client.uploadArtifact(executionId, aFile(20).bytes, {
        fileName: randomUUID(),
        ...(retentionDays === undefined ? {} : { retentionDays }),
      }),
    ),
  );

describe('the retention of an execution', () => {
  it('reaches every artifact that inherits, also those being uploaded right then, and survives a killed worker', async () => {
    const executionId = randomUUID();
    await upload(executionId, BEFORE);
    const [own] = await upload(executionId, 1, 5);
    const meanwhile = upload(executionId, MEANWHILE);
    expect(await setRetention(executionId, { days: 100 })).toMatchObject({ status: 200, body: { retentionDays: 100 } });
    await stack.kill9Worker();
    await stack.startWorker();
    await meanwhile;

    const wrong = async (): Promise<number> => {
      const all = await client.listArtifacts(executionId);
      return all.filter((artifact) => {
        const days = artifact.id === own?.id ? 5 : 100;
        return artifact.expiresAt?.getTime() !== artifact.createdAt.getTime() + days * DAY_MS;
      }).length;
    };
    await expect.poll(wrong, { interval: 500 }).toBe(0);
    expect(await client.listArtifacts(executionId)).toHaveLength(BEFORE + MEANWHILE + 1);
  });

  it('may be said before the first upload, and belongs to its tenant', async () => {
    const executionId = randomUUID();
    expect(await client.setExecutionRetention(executionId, 3)).toBe(3);
    const [artifact] = await upload(executionId, 1);
    expect(artifact?.retention).toEqual({ rule: 'execution', days: 3 });
    const foreign = await request(stack, await stack.token({ tenant: 'other' }), {
      method: 'PUT',
      path: `/v1/executions/${executionId}/retention`,
      body: { days: 1 },
    });
    expect(foreign.status).toBe(404);
    expect(await setRetention(executionId, { days: 0.5 })).toMatchObject({
      status: 400,
      body: { code: 'invalid_retention' },
    });
  });
});
