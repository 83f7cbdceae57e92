import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mintToken } from '../../src/api/plugins/token.js';
import { loadConfig } from '../../src/config.js';
import { openRecords, openStore } from '../../src/deps.js';
import { freePort } from '../../src/dev/servers/ports.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { ruleKeyOf, RULES } from '../support/access/rules.js';
import type { Place } from '../support/access/states.js';
import { apiEnvironment, launchApi, urlOf } from '../support/api-process.js';
import { sha256Of, startTestApi } from '../support/api.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';
import type { TestDatabase } from '../support/postgres.js';

/*
 * Every route of the app, over real servers of which one is gone: Temporal, the database or the store. What does not need it goes on; what does
 * is refused with 503, a code that names it, and Retry-After.
 */

const SECRET = 'a secret of the outage tests, 32 or more';
const BYTES = Buffer.from('the bytes of an artifact');

/** Changes that a workflow decides on. All else, reads above all, goes on without Temporal. */
const NEED_WORKFLOWS = new Set([
  'POST /v1/executions/:executionId/artifacts',
  'PUT /v1/executions/:executionId/files/:folder/*',
  'DELETE /v1/executions/:executionId/artifacts',
  'PUT /v1/executions/:executionId/retention',
  'POST /v1/executions/:executionId/publish',
  // What has ended is read from its row; this one is not known there, so it may be one that runs.
  'GET /v1/executions/:executionId/publish/:publicationId',
  'DELETE /v1/executions/:executionId/publish/:publicationId',
  'POST /v1/artifacts/:id/upload/complete',
  'POST /v1/artifacts/:id/upload/abort',
  'PUT /v1/artifacts/:id/retention',
  'PUT /v1/artifacts/:id/tags',
  'PATCH /v1/artifacts/:id/tags',
  'POST /v1/artifacts/:id/holds',
  'DELETE /v1/artifacts/:id/holds/:holdId',
  'POST /v1/artifacts/:id/archive',
  'POST /v1/artifacts/:id/restore',
  'DELETE /v1/artifacts/:id',
  'POST /v1/artifacts/:id/undelete',
]);
/** The bytes, and links to them. */
const NEED_STORE = new Set([
  'GET /v1/artifacts/:id/content',
  'POST /v1/artifacts/:id/download-url',
  'GET /v1/executions/:executionId/bundle.zip',
]);
/** Their answers tell of the outage in words of their own. */
const REPORTS = ['GET /readyz'];

let database: TestDatabase;
let env: Record<string, string>;
let place: Place;
let authorization: string;

beforeAll(async () => {
  ({ env, database } = await apiEnvironment(SECRET));
  place = await storeArtifact();
  authorization = `Bearer ${await mintToken({
    ...{ secret: SECRET, issuer: 'durable-artifacts', audience: 'durable-artifacts' },
    ...{ sub: 'agent-7', tenant: place.tenantId, scope: 'artifacts:admin', expiresInSeconds: 600 },
  })}`;
});

afterAll(() => database.drop());

/** An ACTIVE artifact, written past the workflow. */
async function storeArtifact(): Promise<Place> {
  const config = loadConfig(env);
  const store = openStore(config);
  const database = openRecords(config);
  try {
    const sha256 = sha256Of(BYTES);
    const record = await database.records.register(
      newArtifact({ tenantId: 'acme', sizeBytes: BYTES.length, sha256, createdAtMs: Date.now() }),
    );
    const { versionId } = await store.put(objectAtCreation(record), BYTES);
    await database.records.change(changeOf(record.id, 1, { status: 'ACTIVE', checksumState: 'verified', versionId }));
    const { id: artifactId, executionId, tenantId, path } = record;
    const ids = { holdId: randomUUID(), publicationId: randomUUID() };
    return { state: 'active', tenantId, executionId, artifactId, path, sizeBytes: BYTES.length, sha256, ...ids };
  } finally {
    store.close();
    await database.close();
  }
}

interface Answered {
  status: number;
  retryAfter: string | null;
  code: string | null;
}

/** Asks every route at once, by the rules of the access matrix. */
async function askAll(outage: Record<string, string>): Promise<Map<string, Answered>> {
  const { app } = await startTestApi();
  await app.ready();
  const origin = await urlOf(launchApi(env, outage));
  const answers = await Promise.all(
    app.accessRules.map(async (route): Promise<[string, Answered]> => [
      `${route.method} ${route.url}`,
      await ask(origin, route),
    ]),
  );
  return new Map(answers);
}

async function ask(origin: string, { method, url }: { method: string; url: string }): Promise<Answered> {
  const request = RULES[ruleKeyOf({ method, url }) ?? '']?.request?.(place) ?? {};
  const { payload } = request;
  const named = url
    .replace(':id', place.artifactId)
    .replace(':executionId', place.executionId)
    .replace(':holdId', place.holdId)
    .replace(':publicationId', place.publicationId);
  const isJson = typeof payload === 'object';
  const answer = await fetch(origin + (request.url ?? named), {
    method,
    redirect: 'manual',
    headers: { authorization, ...(isJson ? { 'content-type': 'application/json' } : {}), ...request.headers },
    ...(payload === undefined ? {} : { body: isJson ? JSON.stringify(payload) : payload }),
  });
  const text = await answer.text();
  const isProblem = answer.headers.get('content-type')?.startsWith('application/problem+json') === true;
  return {
    status: answer.status,
    retryAfter: answer.headers.get('retry-after'),
    code: isProblem && text !== '' ? (JSON.parse(text) as { code: string }).code : null,
  };
}

const isOurs = (key: string): boolean => key.includes(' /v1/');
const baseOf = (key: string): string => key.replace(/^HEAD /, 'GET ');

/** Routes that answered 503, each with its code; a HEAD has none. */
function refused(answers: Map<string, Answered>): Record<string, string | null> {
  const entries = [...answers].filter(([key, { status }]) => status === 503 && !REPORTS.includes(baseOf(key)));
  for (const [key, { retryAfter }] of entries) expect({ key, retryAfter }).toEqual({ key, retryAfter: '2' });
  return Object.fromEntries(entries.map(([key, { code }]) => [key, code]));
}

/** Nothing was answered with another 5xx. */
function expectNoFault(answers: Map<string, Answered>): void {
  const faults = [...answers].filter(([, { status }]) => status >= 500 && status !== 503);
  expect(Object.fromEntries(faults)).toEqual({});
}

const expected = (keys: Iterable<string>, code: string): Record<string, string | null> =>
  Object.fromEntries([...keys].map((key) => [key, key.startsWith('HEAD ') ? null : code]));

describe('every route while a server is gone', () => {
  test('without Temporal reads go on, and changes are refused', async () => {
    const answers = await askAll({});
    expectNoFault(answers);
    expect(refused(answers)).toEqual(
      expected(
        [...answers.keys()].filter((key) => NEED_WORKFLOWS.has(baseOf(key))),
        'workflows_unavailable',
      ),
    );
    expect(answers.get('GET /v1/artifacts/:id/content')).toMatchObject({ status: 200 });
    expect(answers.size).toBeGreaterThan(40);
  });

  test('without the database everything is refused that needs to know anything', async () => {
    const answers = await askAll({ DATABASE_URL: `postgresql://nobody:x@127.0.0.1:${await freePort()}/none` });
    expectNoFault(answers);
    expect(refused(answers)).toEqual(expected([...answers.keys()].filter(isOurs), 'database_unavailable'));
  });

  test('without the store everything goes on that is not about the bytes', async () => {
    const answers = await askAll({ S3_ENDPOINT: `http://127.0.0.1:${await freePort()}` });
    expectNoFault(answers);
    const { [`PUT /v1/executions/:executionId/files/:folder/*`]: put, ...rest } = refused(answers);
    expect(put).toMatch(/^(storage|workflows)_unavailable$/);
    const aboutBytes = [...answers.keys()].filter((key) => NEED_STORE.has(key));
    expect(rest).toMatchObject(expected(aboutBytes, 'storage_unavailable'));
    expect(answers.get('GET /v1/artifacts/:id')).toMatchObject({ status: 200 });
  });
});
