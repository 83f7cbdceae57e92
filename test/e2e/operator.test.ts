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
      .poll(() => client.getArtifact(artifact.id))
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
      .poll(() => client.getArtifact(artifact.id))
      .toMatchObject({ retention: { rule: 'permanent', by: 'ops', reason: 'case 17' } });
  });

  it('holds, lets go, deletes, brings back, purges and dates by signals', async () => {
    const { id, workflowId } = await client.uploadArtifact(randomUUID(), aFile(10).bytes, { fileName: 'all.txt' });
    const signal = (name: string, input?: object): Promise<string> =>
      temporal(
        ...['workflow', 'signal', '--workflow-id', workflowId, '--name', name],
        ...(input === undefined ? [] : ['--input', JSON.stringify(input)]),
      );
    const becomes = async (facts: object): Promise<void> => {
      await expect.poll(() => client.getArtifact(id)).toMatchObject(facts);
    };
    await signal('setRetention', { expiresAt: '2100-01-01T00:00:00Z' });
    await becomes({ retention: { rule: 'date', expiresAt: new Date('2100-01-01T00:00:00Z') } });
    const holdId = randomUUID();
    await signal('addHold', { id: holdId, reason: 'case 17', until: '2100-01-01T00:00:00Z', actor: 'ops' });
    await becomes({ holds: [{ id: holdId, by: 'ops', reason: 'case 17', until: new Date('2100-01-01T00:00:00Z') }] });
    await signal('endHold', { holdId });
    await becomes({ holds: [] });
    await signal('deleteArtifact');
    await becomes({ status: 'DELETED', purgeAt: expect.any(Date) as Date });
    await signal('undeleteArtifact', { actor: 'ops' });
    await becomes({ status: 'ACTIVE' });
    await signal('purgeArtifact');
    await becomes({ status: 'DELETED' });
    expect(await client.getArtifact(id)).not.toHaveProperty('purgeAt');
  });

  it('sees every tag on the object, also those too long for the header of an upload', async () => {
    const long = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`slashes-${i}`, '/'.repeat(256)]));
    const korean = Object.fromEntries(Array.from({ length: 4 }, (_, i) => [`한글-${i}`, '가'.repeat(85)]));
    const tags = { ...long, ...korean };
    const artifact = await client.uploadArtifact(randomUUID(), aFile(10).bytes, { fileName: 'tagged.txt', tags });
    const bucket = bucketOf(stack);
    expect(await bucket.getTags({ key: artifact.filePath })).toEqual({
      ...tags,
      'artifact-retention': 'expiring',
      'artifact-tiers': '30-90',
    });
    bucket.close();
  });

  it('finds artifacts by execution and state, and reads what comes next', async () => {
    const executionId = randomUUID();
    const artifact = await client.uploadArtifact(executionId, aFile(10).bytes, { fileName: 'find.txt' });
    await expect
      .poll(() => temporal('workflow', 'list', '--query', `ExecutionId="${executionId}" AND ArtifactState="ACTIVE"`), {
        interval: 500,
      })
      .toContain(artifact.workflowId);
    const described = await temporal('workflow', 'query', '--workflow-id', artifact.workflowId, '--type', 'describe');
    expect(described).toContain('expiry_warning');
    const warnsAt = new Date((artifact.expiresAt?.getTime() ?? 0) - 3 * 86_400_000);
    expect(await client.getPlan(artifact.id)).toMatchObject({ action: 'warn', at: warnsAt });
  });
});
