import { type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { afterEach, beforeEach, expect, expectTypeOf, test } from 'vitest';
import { ArtifactAnswer, ArtifactPage, ArtifactSchema, History } from '../../../src/api/schemas/artifact.js';
import { SignedRequestSchema } from '../../../src/api/schemas/atoms.js';
import { DownloadUrl } from '../../../src/api/schemas/downloads.js';
import { HoldAnswer, Holds } from '../../../src/api/schemas/holds.js';
import { ExecutionDeletion } from '../../../src/api/schemas/lifecycle.js';
import type { PlanPage } from '../../../src/api/schemas/plan.js';
import { BegunUpload, SignedParts, UploadStatus } from '../../../src/api/schemas/uploads.js';
import type { Usage } from '../../../src/api/schemas/usage.js';
import type { StorageUsage } from '../../../src/sdk/lists.js';
import type { Reconciliation } from '../../../src/api/schemas/reconciliations.js';
import type { ReconciliationJson } from '../../../src/sdk/reconciliation.js';
import type { PlanPageJson } from '../../../src/sdk/plan-ahead.js';
import type {
  ArtifactAnswerJson,
  ArtifactJson,
  ArtifactPageJson,
  BeginUploadJson,
  DownloadUrlJson,
  ExecutionDeletionJson,
  HistoryJson,
  HoldAnswerJson,
  HoldsJson,
  SignedPartsJson,
  UploadStatusJson,
} from '../../../src/sdk/wire.js';
import type { PublicationSchema } from '../../../src/api/schemas/publications.js';
import type { PublicationJson } from '../../../src/sdk/publish.js';
import type { MadeShare, ShareAnswer, ShareList } from '../../../src/api/schemas/shares.js';
import type { MadeShareJson, ShareAnswerJson, ShareListJson } from '../../../src/sdk/shares.js';
import { FAKE_TOKEN, FakeApi } from '../../support/fake-api.js';
import { bytesOf, clientOf, newExecution } from '../../support/sdk.js';

// The type checker holds the client's types against the API's schemas; the tests below hold the fake API against them.
expectTypeOf<Static<typeof ArtifactSchema>>().toEqualTypeOf<ArtifactJson>();
expectTypeOf<Static<typeof ArtifactAnswer>>().toEqualTypeOf<ArtifactAnswerJson>();
expectTypeOf<Static<typeof ArtifactPage>>().toEqualTypeOf<ArtifactPageJson>();
expectTypeOf<Static<typeof History>>().toEqualTypeOf<HistoryJson>();
expectTypeOf<Static<typeof PlanPage>>().toEqualTypeOf<PlanPageJson>();
expectTypeOf<Static<typeof HoldAnswer>>().toEqualTypeOf<HoldAnswerJson>();
expectTypeOf<Static<typeof Holds>>().toEqualTypeOf<HoldsJson>();
expectTypeOf<Static<typeof MadeShare>>().toEqualTypeOf<MadeShareJson>();
expectTypeOf<Static<typeof ShareList>>().toEqualTypeOf<ShareListJson>();
expectTypeOf<Static<typeof ShareAnswer>>().toEqualTypeOf<ShareAnswerJson>();
expectTypeOf<Static<typeof DownloadUrl>>().toEqualTypeOf<DownloadUrlJson>();
expectTypeOf<Static<typeof ExecutionDeletion>>().toEqualTypeOf<ExecutionDeletionJson>();
expectTypeOf<Static<typeof PublicationSchema>>().toExtend<PublicationJson>();
expectTypeOf<Static<typeof BegunUpload>>().toEqualTypeOf<BeginUploadJson>();
expectTypeOf<Static<typeof SignedParts>>().toEqualTypeOf<SignedPartsJson>();
expectTypeOf<Static<typeof Usage>>().toEqualTypeOf<StorageUsage>();
expectTypeOf<Static<typeof Reconciliation>>().toEqualTypeOf<ReconciliationJson>();
expectTypeOf<Static<typeof UploadStatus>>().toExtend<UploadStatusJson>();

let fake: FakeApi;
beforeEach(async () => {
  fake = await FakeApi.start();
});
afterEach(() => fake.close());

async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(`${fake.url}${path}`, {
    method,
    headers: { authorization: `Bearer ${FAKE_TOKEN}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return answer.json();
}

const referred: Record<string, TSchema> = { 'Artifact#': ArtifactSchema, 'SignedRequest#': SignedRequestSchema };

/** The schema with what it refers to in its place, which Fastify does by itself. */
function inlined(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(inlined);
  if (typeof schema !== 'object' || schema === null) return schema;
  if ('$ref' in schema && typeof schema.$ref === 'string') return inlined(referred[schema.$ref]);
  return Object.fromEntries(
    Object.entries(schema)
      .filter(([key]) => key !== '$id')
      .map(([key, value]) => [key, inlined(value)]),
  );
}

const misfits = (schema: TSchema, value: unknown): unknown[] => [...Value.Errors(inlined(schema) as TSchema, value)];

test('the fake API answers in the shapes of the real one', async () => {
  const execution = newExecution();
  const stored = await clientOf(fake).uploadArtifact(execution, bytesOf(10), { fileName: 'a', tags: { k: 'v' } });
  const of = `/v1/artifacts/${stored.id}`;
  expect(misfits(ArtifactAnswer, await ask('GET', of))).toEqual([]);
  expect(misfits(ArtifactPage, await ask('GET', `/v1/executions/${execution}/artifacts`))).toEqual([]);
  expect(misfits(History, await ask('GET', `${of}/history`))).toEqual([]);
  expect(misfits(DownloadUrl, await ask('POST', `${of}/download-url`, {}))).toEqual([]);
  expect(misfits(ArtifactAnswer, await ask('PUT', `${of}/retention`, { permanent: true, reason: 'x' }))).toEqual([]);
  expect(misfits(HoldAnswer, await ask('POST', `${of}/holds`, { reason: 'x' }))).toEqual([]);
  const holds = (await ask('GET', `${of}/holds`)) as HoldsJson;
  expect(misfits(Holds, holds)).toEqual([]);
  expect(misfits(ArtifactAnswer, await ask('DELETE', `${of}/holds/${holds.items[0]?.id}`))).toEqual([]);
  expect(misfits(ArtifactAnswer, await ask('DELETE', of))).toEqual([]);
  expect(misfits(ArtifactAnswer, await ask('POST', `${of}/undelete`))).toEqual([]);
  const deletion = await ask('DELETE', `/v1/executions/${execution}/artifacts`);
  expect(misfits(ExecutionDeletion, deletion)).toEqual([]);
});

test('the fake API describes uploads in the shapes of the real one', async () => {
  const path = `/v1/executions/${newExecution()}/artifacts`;
  const sha256 = 'a'.repeat(64);
  expect(misfits(BegunUpload, await ask('POST', path, { fileName: 'a', sizeBytes: 1, sha256 }))).toEqual([]);
  const begun = await ask('POST', path, { fileName: 'b' });
  expect(misfits(BegunUpload, begun)).toEqual([]);
  const { artifact } = begun as BeginUploadJson;
  const parts = [{ partNumber: 1, sizeBytes: 1, crc32: 'cbf43926' }];
  expect(misfits(SignedParts, await ask('POST', `/v1/artifacts/${artifact.id}/upload/parts`, { parts }))).toEqual([]);
  expect(misfits(UploadStatus, await ask('GET', `/v1/artifacts/${artifact.id}/upload`))).toEqual([]);
});
