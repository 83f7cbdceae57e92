import { randomUUID } from 'node:crypto';
import type { LightMyRequestResponse } from 'fastify';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import { quotaExceeded } from '../../../src/domain/quotas.js';
import { apiConfig, codeOf, sha256Of, startTestApi, tokenFor, type TestApi } from '../../support/api.js';

const MIB_BYTES = 1024 ** 2;
const SHA256 = sha256Of('x');
const small = { fileName: 'a.txt', sizeBytes: 1, sha256: SHA256 };

interface Begun {
  artifact: { id: string; path: string; mimeType: string; type: string; status: string; retention: object };
  upload: {
    kind: string;
    request?: { url: string; expiresAt: string };
    partSizeBytes?: number;
    partCount?: number | null;
  } | null;
}

const begin = (api: TestApi, executionId: string, payload: object): Promise<LightMyRequestResponse> =>
  api.send({ method: 'POST', url: `/v1/executions/${executionId}/artifacts`, payload });

describe('beginning an upload', () => {
  test('a small file gets one signed PUT that lives until the deadline at most', async () => {
    const nowMs = Date.UTC(2026, 0, 1);
    const api = await startTestApi({
      nowMs: () => nowMs,
      config: { ...apiConfig, PRESIGN_UPLOAD_SECONDS: 604_800 },
    });
    const lives: number[] = [];
    const presignPut = api.store.presignPut.bind(api.store);
    api.store.presignPut = (object, expiresInSeconds) => {
      lives.push(expiresInSeconds);
      return presignPut(object, expiresInSeconds);
    };
    const response = await begin(api, randomUUID(), { ...small, retentionDays: 7, tags: { agent: 'one' } });
    expect(response.statusCode).toBe(201);
    const { artifact, upload } = response.json<Begun>();
    expect(artifact).toMatchObject({
      path: 'output/a.txt',
      mimeType: 'text/plain',
      type: 'document',
      status: 'UPLOADING',
      tags: { agent: 'one' },
      retention: { rule: 'artifact', days: 7 },
      workflowId: `artifact/${artifact.id}`,
    });
    expect(upload?.kind).toBe('single');
    expect(lives).toEqual([3_600]);
  });

  test('a moment of expiry and tiers of its own reach the workflow, over what the deployment does', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const expiresAt = '2100-01-01T00:00:00.000Z';
    const response = await begin(api, executionId, { ...small, expiresAt, tiering: { warmAfterDays: null } });
    expect(response.statusCode).toBe(201);
    expect(response.json()).toMatchObject({
      artifact: { retention: { rule: 'date', expiresAt }, tiering: { warmAfterDays: null, coldAfterDays: 90 } },
    });
    await begin(api, executionId, { ...small, fileName: 'b', tiering: { coldAfterDays: 0 } });
    expect(api.lifecycle.calls.map(({ message }) => message)).toMatchObject([
      { retentionDays: null, expiresAtMs: Date.UTC(2100, 0, 1), tiering: { warmAfterDays: null } },
      { retentionDays: null, expiresAtMs: null, tiering: { coldAfterDays: 0 } },
    ]);
  });

  test('a file of 16 MiB is cut in parts, with or without a checksum', async () => {
    const api = await startTestApi();
    for (const payload of [
      { fileName: 'a.bin', sizeBytes: 33 * MIB_BYTES },
      { fileName: 'b.bin', sizeBytes: 33 * MIB_BYTES, sha256: SHA256 },
    ]) {
      const response = await begin(api, randomUUID(), payload);
      expect(response.statusCode).toBe(201);
      expect(response.json<Begun>().upload).toEqual({ kind: 'multipart', partSizeBytes: 8 * MIB_BYTES, partCount: 5 });
    }
  });

  test('a stream of unknown length has no part count', async () => {
    const api = await startTestApi();
    const response = await begin(api, randomUUID(), { fileName: 'logs/agent.log' });
    expect(response.json<Begun>().upload).toEqual({
      kind: 'multipart',
      partSizeBytes: 8 * MIB_BYTES,
      partCount: null,
    });
    expect(response.json<Begun>().artifact).toMatchObject({ path: 'logs/agent.log', type: 'log' });
  });

  test('the workflow is told the tenant and subject of the token, not of the body', async () => {
    const api = await startTestApi();
    await begin(api, randomUUID(), small);
    expect(api.lifecycle.calls[0]?.message).toMatchObject({ tenantId: 'acme', actor: 'agent-7' });
  });

  test('the bucket is looked at once in ten seconds', async () => {
    let nowMs = Date.now();
    const api = await startTestApi({ nowMs: () => nowMs });
    const looks = (): number => api.store.calls.get('checkBucket') ?? 0;
    await begin(api, randomUUID(), small);
    await begin(api, randomUUID(), small);
    expect(looks()).toBe(1);
    nowMs += 10_000;
    await begin(api, randomUUID(), small);
    expect(looks()).toBe(2);
  });
});

describe('beginning the same path again', () => {
  test('the same content joins the upload that runs', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const big = { fileName: 'big', sizeBytes: 20 * MIB_BYTES, sha256: 'd'.repeat(64) };
    for (const payload of [small, big]) {
      const first = (await begin(api, executionId, payload)).json<Begun>();
      const again = await begin(api, executionId, payload);
      expect(again.statusCode).toBe(200);
      expect(again.json<Begun>().artifact.id).toBe(first.artifact.id);
      expect(again.json<Begun>().upload?.kind).toBe(first.upload?.kind);
    }
    expect(api.lifecycle.calls).toHaveLength(2);
  });

  test('an upload without a hash is joined by nobody: parts of two files must not meet', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    for (const payload of [{ fileName: 'big', sizeBytes: 20 * MIB_BYTES }, { fileName: 'stream' }]) {
      expect((await begin(api, executionId, payload)).statusCode).toBe(201);
      const again = await begin(api, executionId, payload);
      expect([again.statusCode, again.json<{ code: string }>().code]).toEqual([409, 'path_taken']);
    }
  });

  test('the same content that is complete, or archived, has nothing left to send', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const bytes = Buffer.from('done');
    const id = await api.upload({ executionId, fileName: 'a.txt', bytes });
    const payload = { fileName: 'output/a.txt', sizeBytes: 4, sha256: sha256Of(bytes) };
    for (const status of ['ACTIVE', 'ARCHIVED']) {
      const again = await begin(api, executionId, payload);
      expect(again.statusCode).toBe(200);
      expect(again.json<Begun>()).toMatchObject({ artifact: { id, status }, upload: null });
      await api.send({ method: 'POST', url: `/v1/artifacts/${id}/archive` });
    }
  });

  test('other content is refused and told whose path it is', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const id = await api.upload({ executionId, fileName: 'a.txt' });
    for (const payload of [small, { fileName: 'a.txt' }, { fileName: 'a.txt', sizeBytes: 20 * MIB_BYTES }]) {
      const response = await begin(api, executionId, payload);
      expect([response.statusCode, codeOf(response)]).toEqual([409, 'path_taken']);
      expect(response.json()).toMatchObject({ details: { artifactId: id } });
    }
  });

  test('other content is replaced when that is asked for, and can be had back until something has its path', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const id = await api.upload({ executionId, fileName: 'a.txt' });
    const response = await begin(api, executionId, { ...small, replace: true });
    expect(response.statusCode).toBe(201);
    expect(response.json<Begun>().artifact.id).not.toBe(id);
    expect(api.lifecycle.calls.filter(({ verb }) => verb === 'deleteArtifact')).toMatchObject([
      { artifactId: id, message: { actor: 'agent-7', requestId: expect.any(String) as string } },
    ]);
    const old = await api.send({ method: 'GET', url: `/v1/artifacts/${id}` });
    expect(old.json()).toMatchObject({ artifact: { status: 'DELETED', deletionReason: 'requested' } });
    const again = await begin(api, executionId, { ...small, replace: true });
    expect([again.statusCode, again.json<Begun>().artifact.id]).toEqual([200, response.json<Begun>().artifact.id]);
  });

  test('what was to be replaced is back when there is no room for what replaces it', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const id = await api.upload({ executionId, fileName: 'a.txt' });
    const noRoom = quotaExceeded({ quota: 'tenantBytes', limit: 5, used: 5, asked: 1 });
    api.lifecycle.before = (verb) => (verb === 'beginUpload' ? Promise.reject(noRoom) : Promise.resolve());
    const refused = await begin(api, executionId, { ...small, replace: true });
    expect([refused.statusCode, codeOf(refused)]).toEqual([409, 'quota_exceeded']);
    const old = await api.send({ method: 'GET', url: `/v1/artifacts/${id}` });
    expect(old.json()).toMatchObject({ artifact: { status: 'ACTIVE', deletionReason: null } });
    const verbs = api.lifecycle.calls.map(({ verb }) => verb);
    expect(verbs.slice(-3)).toEqual(['deleteArtifact', 'beginUpload', 'undeleteArtifact']);
  });

  test('what is held, or still uploads, is not replaced', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const id = await api.upload({ executionId, fileName: 'a.txt' });
    await api.send({ method: 'POST', url: `/v1/artifacts/${id}/holds`, payload: { reason: 'case 17' } });
    const held = await begin(api, executionId, { ...small, replace: true });
    expect([held.statusCode, codeOf(held)]).toEqual([409, 'held']);
    await begin(api, executionId, { ...small, fileName: 'b.txt' });
    const other = { ...small, fileName: 'b.txt', sha256: sha256Of('other'), replace: true };
    expect(codeOf(await begin(api, executionId, other))).toBe('path_taken');
    expect(
      api.lifecycle.calls.map(({ verb, artifactId }) => verb === 'deleteArtifact' && artifactId !== id),
    ).not.toContain(true);
  });

  test('a path is free again after its artifact was deleted', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const id = await api.upload({ executionId, fileName: 'a.txt' });
    await api.send({ method: 'DELETE', url: `/v1/artifacts/${id}` });
    expect((await begin(api, executionId, small)).statusCode).toBe(201);
  });

  test('two at once are judged as if one came after the other', async () => {
    for (const [payload, status] of [
      [small, 200],
      [{ ...small, sha256: sha256Of('other') }, 409],
    ] as const) {
      const api = await startTestApi();
      const executionId = randomUUID();
      let winner: Promise<ArtifactRecord> | null = null;
      api.lifecycle.before = async () => {
        api.lifecycle.before = async () => {};
        winner = api.lifecycle.beginUpload({
          artifactId: randomUUID(),
          executionId,
          tenantId: 'acme',
          path: 'output/a.txt',
          sizeBytes: 1,
          sha256: SHA256,
          mimeType: 'text/plain',
          type: 'document',
          tags: {},
          retentionDays: null,
          actor: 'the other one',
        });
        await winner;
      };
      const response = await begin(api, executionId, payload);
      expect(response.statusCode).toBe(status);
      const won = await winner!;
      expect(response.body).toContain(won.id);
    }
  });

  test('a token narrowed to other executions sees no execution', async () => {
    const api = await startTestApi();
    const token = await tokenFor({ executions: [randomUUID()] });
    const url = `/v1/executions/${randomUUID()}/artifacts`;
    const response = await api.send({ method: 'POST', url, token, payload: small });
    expect([response.statusCode, codeOf(response)]).toEqual([404, 'execution_not_found']);
  });
});

describe('an Idempotency-Key', () => {
  const large = { fileName: 'a.bin', sizeBytes: 33 * MIB_BYTES, sourceModifiedAt: '2026-01-01T00:00:00.123Z' };
  const keyed = (api: TestApi, executionId: string, payload: object, key = 'turn-7'): Promise<LightMyRequestResponse> =>
    api.send({
      method: 'POST',
      url: `/v1/executions/${executionId}/artifacts`,
      payload,
      headers: { 'idempotency-key': key },
    });
  const idOf = (response: LightMyRequestResponse): string => response.json<Begun>().artifact.id;

  test('makes a repetition the same upload, without a checksum', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const first = await keyed(api, executionId, large);
    const again = await keyed(api, executionId, large);
    expect([first.statusCode, again.statusCode]).toEqual([201, 200]);
    expect(idOf(again)).toBe(idOf(first));
    expect(again.json<Begun>().upload).toMatchObject({ kind: 'multipart', partCount: 5 });
    expect([first, again].map((one) => one.json<{ created: boolean }>().created)).toEqual([true, false]);
  });

  test('joins a stream to its own begin, and no other stream', async () => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const first = await keyed(api, executionId, { fileName: 'a.bin' });
    expect(idOf(await keyed(api, executionId, { fileName: 'a.bin' }))).toBe(idOf(first));
    expect(codeOf(await keyed(api, executionId, { fileName: 'a.bin' }, 'turn-8'))).toBe('path_taken');
  });

  test.each([
    ['another size', { sizeBytes: 34 * MIB_BYTES }],
    ['another time of writing', { sourceModifiedAt: '2026-01-01T00:00:00.124Z' }],
  ])('of a file that has %s since is refused, naming the artifact and what to do', async (_what, change) => {
    const api = await startTestApi();
    const executionId = randomUUID();
    const first = await keyed(api, executionId, large);
    const changed = await keyed(api, executionId, { ...large, ...change });
    expect(changed.statusCode).toBe(422);
    const problem = changed.json<{ code: string; detail: string; remedy: string; details: object }>();
    expect(problem).toMatchObject({ code: 'source_changed', details: { artifactId: idOf(first) } });
    expect(problem.detail).toContain(idOf(first));
    expect(problem.remedy).not.toBe('');
    // What it makes of another key: the file under this path is another one.
    expect(codeOf(await keyed(api, executionId, { ...large, ...change }, 'turn-8'))).toBe('source_changed');
  });

  test.each([' ', 'two words', 'ü', 'x'.repeat(256)])('"%s" is none', async (key) => {
    const api = await startTestApi();
    const response = await keyed(api, randomUUID(), large, key);
    expect(response.statusCode).toBe(400);
  });
});
