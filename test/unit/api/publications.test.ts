import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { newReport } from '../../../src/domain/publish.js';
import { codeOf, startTestApi, tokenFor, type TestApi } from '../../support/api.js';
import { changeOf, newArtifact } from '../../support/new-artifact.js';

const executionId = randomUUID();
const url = `/v1/executions/${executionId}/publish`;
const start = (api: TestApi, payload: object, token?: string) =>
  api.send({ method: 'POST', url, payload, ...(token === undefined ? {} : { token }) });
const requestId = expect.any(String) as string;
const startedBy = async (api: TestApi, payload: object): Promise<{ publicationId: string; statusUrl: string }> => {
  const response = await start(api, payload);
  expect(response.statusCode).toBe(202);
  return response.json();
};

describe('a publication', () => {
  test('is started for the tenant and in the name of the token, and can be asked about', async () => {
    const api = await startTestApi();
    const wish = { hostId: 'host-1', folder: 'turn-7', exclude: ['*.tmp'], tags: { team: 'blue' }, replace: true };
    const { publicationId, statusUrl } = await startedBy(api, wish);
    expect(api.publications.started).toEqual([
      {
        request: {
          ...wish,
          publicationId,
          executionId,
          tenantId: 'acme',
          actor: 'agent-7',
          requestId,
          allOrNothing: false,
        },
        hostTimeoutMs: 600_000,
      },
    ]);
    api.publications.sendingBytes = 7;
    const status = await api.send({ method: 'GET', url: statusUrl });
    expect(status.json()).toMatchObject({
      publication: { publicationId, phase: 'scanning', outcome: null, counts: { found: 0, sendingBytes: 7 } },
    });
    expect(status.body).not.toContain('acme');
  });

  test('that has ended is answered from its row, whatever Temporal remembers', async () => {
    const api = await startTestApi();
    const id = randomUUID();
    await api.records.beginPublication({ executionId, id, tenantId: 'acme', actor: 'a', atMs: 1 });
    const request = { publicationId: id, executionId, tenantId: 'acme', actor: 'a', hostId: 'gone', folder: 'f' };
    const report = { ...newReport(request, 1), phase: 'ended' as const, outcome: 'published' as const, endedAtMs: 2 };
    await api.records.finishPublication({ executionId, id, report, atMs: 2 });
    const status = await api.send({ method: 'GET', url: `${url}/${id}` });
    expect(status.json()).toMatchObject({ publication: { outcome: 'published', endedAt: '1970-01-01T00:00:00.002Z' } });
    const again = await start(api, { hostId: 'gone', folder: 'f', publicationId: id });
    expect([again.statusCode, api.publications.started]).toEqual([202, []]);
    const cancelled = await api.send({ method: 'DELETE', url: `${url}/${id}` });
    expect([cancelled.statusCode, api.publications.cancelled]).toEqual([200, []]);
  });

  test('for a host that nobody has seen is refused before anything is started, one that runs is joined', async () => {
    const api = await startTestApi();
    const refused = await start(api, { hostId: 'host-2', folder: 'f' });
    expect([refused.statusCode, codeOf(refused), api.publications.started]).toEqual([409, 'host_unreachable', []]);
    const { publicationId } = await startedBy(api, { hostId: 'host-1', folder: 'f' });
    await api.records.beginPublication({ executionId, id: publicationId, tenantId: 'acme', actor: 'a', atMs: 1 });
    api.publications.hosts.clear();
    await startedBy(api, { hostId: 'host-1', folder: 'f', publicationId });
  });

  test.each([
    ['no folder', { hostId: 'host-1' }, 'invalid_request'],
    ['a host that is a path', { hostId: '../x', folder: 'f' }, 'invalid_request'],
    ['an id that is no UUID', { hostId: 'host-1', folder: 'f', publicationId: 'x' }, 'invalid_id'],
    [
      'two wishes that exclude each other',
      { hostId: 'host-1', folder: 'f', replace: true, allOrNothing: true },
      'invalid_request',
    ],
    ['half a day', { hostId: 'host-1', folder: 'f', retentionDays: 0.5 }, 'invalid_retention'],
    ['a tag that is ours', { hostId: 'host-1', folder: 'f', tags: { 'artifact-x': '' } }, 'invalid_tags'],
    ['whose artifacts they shall be', { hostId: 'host-1', folder: 'f', tenantId: 'other' }, 'invalid_request'],
  ])('with %s is refused', async (_what, payload, code) => {
    const api = await startTestApi();
    const response = await start(api, payload);
    expect([response.statusCode, codeOf(response), api.publications.started]).toEqual([400, code, []]);
  });

  test('is cancelled in the name of the token', async () => {
    const api = await startTestApi();
    const { publicationId, statusUrl } = await startedBy(api, { hostId: 'host-1', folder: 'f' });
    const answer = await api.send({ method: 'DELETE', url: statusUrl });
    expect([answer.statusCode, api.publications.cancelled]).toEqual([
      202,
      [{ publicationId, actor: 'agent-7', requestId: expect.any(String) as string }],
    ]);
  });

  test('of another tenant does not exist, also while its execution does not yet', async () => {
    const api = await startTestApi();
    const { statusUrl } = await startedBy(api, { hostId: 'host-1', folder: 'f' });
    const token = await tokenFor({ tenant: 'other' });
    for (const method of ['GET', 'DELETE'] as const) {
      const response = await api.send({ method, url: statusUrl, token });
      expect([response.statusCode, codeOf(response)]).toEqual([404, 'publication_not_found']);
    }
    expect(api.publications.cancelled).toEqual([]);
    const unknown = await api.send({ method: 'GET', url: `${url}/${randomUUID()}` });
    expect(codeOf(unknown)).toBe('publication_not_found');
  });
});

describe('an artifact that waits for its publication', () => {
  /** One of two that are complete, and the publication they wait for. */
  async function hidden() {
    const api = await startTestApi();
    const id = randomUUID();
    await api.records.beginPublication({ executionId, id, tenantId: 'acme', actor: 'a', atMs: 1 });
    const given = { executionId, tenantId: 'acme', publicationId: id, createdAtMs: Date.now() };
    const artifact = await api.records.register(newArtifact({ ...given, path: 'output/hidden.txt' }));
    await api.records.change(changeOf(artifact.id, 1, { status: 'ACTIVE', versionId: 'v1' }));
    return { api, artifact, commit: () => api.records.commitPublication({ executionId, id, artifacts: 1 }) };
  }

  test('does not exist for any route about it, whatever the token may do', async () => {
    const { api, artifact } = await hidden();
    await api.app.ready();
    const token = await tokenFor({ scope: 'artifacts:admin' });
    const bodies: Record<string, object> = {
      '/v1/artifacts/:id/retention': { days: 90 },
      '/v1/artifacts/:id/holds': { reason: 'mine' },
      '/v1/artifacts/:id/tags': { tags: {} },
      '/v1/artifacts/:id/upload/complete': { sizeBytes: 1, sha256: '0'.repeat(64) },
      '/v1/artifacts/:id/upload/parts': { parts: [{ partNumber: 1, sizeBytes: 1, crc32: '0'.repeat(8) }] },
    };
    const asked: string[] = [];
    for (const { method, url: route } of api.app.accessRules) {
      if (!route.includes('/artifacts/:id') || method === 'HEAD') continue;
      const payload = ['POST', 'PUT', 'PATCH'].includes(method) ? bodies[route] : undefined;
      const target = route.replace(':id', artifact.id).replace(':holdId', randomUUID());
      const response = await api.send({ method, url: target, token, ...(payload && { payload }) });
      expect([method, route, codeOf(response)]).toEqual([method, route, 'artifact_not_found']);
      asked.push(route);
    }
    expect(asked.length).toBeGreaterThan(10);
    expect(api.lifecycle.calls).toEqual([]);
  });

  test('is in no list and no plan; its path is taken, by nobody in particular', async () => {
    const { api, artifact, commit } = await hidden();
    const list = () => api.send({ method: 'GET', url: `/v1/executions/${executionId}/artifacts` });
    const plan = () => api.send({ method: 'GET', url: `/v1/plan?within=366d&executionId=${executionId}` });
    expect((await list()).json()).toEqual({ items: [], nextCursor: null });
    expect((await plan()).json()).toMatchObject({ items: [] });
    const same = { fileName: 'hidden.txt', sizeBytes: artifact.sizeBytes, sha256: artifact.sha256 };
    const begin = () => api.send({ method: 'POST', url: `/v1/executions/${executionId}/artifacts`, payload: same });
    const refused = await begin();
    expect([refused.statusCode, codeOf(refused)]).toEqual([409, 'path_taken']);
    expect(refused.body).not.toContain(artifact.id);

    await commit();
    expect((await list()).json()).toMatchObject({ items: [{ id: artifact.id }] });
    expect((await begin()).json()).toMatchObject({ artifact: { id: artifact.id }, upload: null });
  });
});
