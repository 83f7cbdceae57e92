import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ArtifactClient, DeletionCounts } from '../../../src/sdk/index.js';
import { FakeApi } from '../../support/fake-api.js';
import { bytesOf, clientOf, codeOf, newExecution } from '../../support/sdk.js';

let fake: FakeApi;
let client: ArtifactClient;
let execution: string;

beforeEach(async () => {
  fake = await FakeApi.start();
  client = clientOf(fake);
  execution = newExecution();
  for (const fileName of ['a', 'b']) await client.uploadArtifact(execution, bytesOf(3), { fileName });
});
afterEach(async () => {
  client.close();
  await fake.close();
});

const DELETE = { method: 'DELETE', path: /artifacts$/ };

test('the number comes when the deletion has ended, however often it was not', async () => {
  fake.artifacts.unfinishedDeletions = 3;
  const seen: DeletionCounts[] = [];
  const onProgress = (counts: DeletionCounts): void => void seen.push(counts);
  expect(await client.deleteExecutionArtifacts(execution, { onProgress })).toBe(2);
  expect(fake.count(/^DELETE/)).toBe(4);
  expect(seen).toEqual(Array(4).fill({ deleted: 2, held: 0, underWay: 0, orphaned: 0 }));
  expect(await client.deleteExecutionArtifactsWithReport(execution)).toEqual({
    deleted: 0,
    held: 0,
    underWay: 0,
    orphaned: 0,
  });
});

test('the number is right although its first answer was lost', async () => {
  fake.faults.push({ ...DELETE, nth: 1, answer: 'lost' }, { ...DELETE, nth: 2, answer: { code: 'not_yet_answered' } });
  expect(await client.deleteExecutionArtifacts(execution)).toBe(2);
  expect(fake.count(/^DELETE/)).toBe(3);
});

test('the wait can be given up', async () => {
  fake.artifacts.unfinishedDeletions = Number.MAX_SAFE_INTEGER;
  const controller = new AbortController();
  const options = { signal: controller.signal, onProgress: () => controller.abort() };
  expect(await codeOf(client.deleteExecutionArtifacts(execution, options))).toBe('aborted');
});
