import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ArtifactClient } from '../../../src/sdk/index.js';
import { FakeApi } from '../../support/fake-api.js';
import { bytesOf, clientOf, codeOf, newExecution } from '../../support/sdk.js';

let fake: FakeApi;
let client: ArtifactClient;
beforeEach(async () => {
  fake = await FakeApi.start();
  client = clientOf(fake);
});
afterEach(async () => {
  client.close();
  await fake.close();
});

test('tags are replaced, or merged with those that are there', async () => {
  const { id } = await client.uploadArtifact(newExecution(), bytesOf(10), { fileName: 'a', tags: { a: '1', b: '2' } });
  expect((await client.setTags(id, { b: null, c: '3' }, { merge: true })).tags).toEqual({ a: '1', c: '3' });
  expect((await client.setTags(id, { d: '4', e: null })).tags).toEqual({ d: '4' });
  expect((await client.setTags(id, {})).tags).toEqual({});
});

test('what the store would refuse is refused before it is sent', async () => {
  const { id } = await client.uploadArtifact(newExecution(), bytesOf(10), { fileName: 'a' });
  const before = fake.requests.length;
  expect(await codeOf(client.setTags(id, { 'artifact-sha256': 'x' }, { merge: true }))).toBe('invalid_tags');
  expect(fake.requests).toHaveLength(before);
});
