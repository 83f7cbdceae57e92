import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import type { ArtifactClient } from '../../src/sdk/index.js';
import { aFile, bucketOf, clientOf } from '../support/e2e.js';
import { startTestStack, type TestStack } from '../support/stack.js';

const run = promisify(execFile);

let stack: TestStack;
let client: ArtifactClient;
beforeAll(async () => {
  stack = await startTestStack();
  client = clientOf(stack, await stack.token());
});
afterAll(async () => {
  client.close();
  await stack.stop();
});

const temporal = async (...args: string[]): Promise<string> => {
  const where = ['--address', stack.temporalAddress, '--namespace', stack.namespace];
  return (await run(inject('temporalBinary'), [...args, ...where])).stdout;
};

describe('an operator with the Temporal command line', () => {
  it('keeps an artifact for ever by a signal', async () => {
    const artifact = await client.uploadArtifact(randomUUID(), aFile(10).bytes, { fileName: 'keep.txt' });
    expect(artifact.expiresAt).toBeInstanceOf(Date);
    await temporal('workflow', 'signal', '--workflow-id', artifact.workflowId, '--name', 'keepForever');
    await expect
      .poll(() => client.getArtifact(artifact.id), { timeout: 15_000 })
      .toMatchObject({ retention: { rule: 'permanent', by: 'signal' } });
    expect((await client.getArtifact(artifact.id)).expiresAt).toBeUndefined();
  });

  it('says who and why in the signal', async () => {
    const artifact = await client.uploadArtifact(randomUUID(), aFile(10).bytes, { fileName: 'why.txt' });
    const input = JSON.stringify({ reason: 'case 17', actor: 'ops' });
    await temporal(
      'workflow',
      'signal',
      '--workflow-id',
      artifact.workflowId,
      '--name',
      'keepForever',
      '--input',
      input,
    );
    await expect
      .poll(() => client.getArtifact(artifact.id), { timeout: 15_000 })
      .toMatchObject({ retention: { rule: 'permanent', by: 'ops', reason: 'case 17' } });
  });

  it('sees every tag on the object, also those too long for the header of an upload', async () => {
    const long = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`slashes-${i}`, '/'.repeat(256)]));
    const korean = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`한글-${i}`, '가'.repeat(85)]));
    const tags = { ...long, ...korean };
    const artifact = await client.uploadArtifact(randomUUID(), aFile(10).bytes, { fileName: 'tagged.txt', tags });
    const bucket = bucketOf(stack);
    expect(await bucket.getTags({ key: artifact.filePath })).toEqual({ ...tags, 'artifact-retention': 'expiring' });
    bucket.close();
  });

  it('finds artifacts by execution and state, and reads what comes next', async () => {
    const executionId = randomUUID();
    const artifact = await client.uploadArtifact(executionId, aFile(10).bytes, { fileName: 'find.txt' });
    await expect
      .poll(() => temporal('workflow', 'list', '--query', `ExecutionId="${executionId}" AND ArtifactState="ACTIVE"`), {
        timeout: 20_000,
        interval: 500,
      })
      .toContain(artifact.workflowId);
    const described = await temporal('workflow', 'query', '--workflow-id', artifact.workflowId, '--type', 'describe');
    expect(described).toContain('default_retention');
    expect(await client.getPlan(artifact.id)).toMatchObject({ action: 'expire', at: artifact.expiresAt });
  });
});
