import { describe, expect, test } from 'vitest';
import { ArtifactError } from '../../../src/domain/errors.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import { codeOf, startTestApi, type TestApi } from '../../support/api.js';

const DAY_MS = 86_400_000;

interface Answer {
  artifact: { id: string; executionId: string; status: string; purgeAt: string | null; updatedAt: string };
}

const remove = (api: TestApi, id: string, query = '') =>
  api.send({ method: 'DELETE', url: `/v1/artifacts/${id}${query}` });
const undelete = (api: TestApi, id: string) => api.send({ method: 'POST', url: `/v1/artifacts/${id}/undelete` });
const get = (api: TestApi, id: string, path = '') => api.send({ method: 'GET', url: `/v1/artifacts/${id}${path}` });
const verbsOf = (api: TestApi) => api.lifecycle.calls.map(({ verb }) => verb);

describe('a deletion', () => {
  test('says until when it can be undone, and undelete brings everything back', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    const before = (await get(api, id)).json<Answer>().artifact;
    const { artifact } = (await remove(api, id)).json<Answer>();
    expect(artifact.status).toBe('DELETED');
    expect((Date.parse(artifact.purgeAt ?? '') - Date.now()) / DAY_MS).toBeCloseTo(7, 2);
    const back = await undelete(api, id);
    expect(back.statusCode).toBe(200);
    const { artifact: after } = back.json<Answer>();
    expect(after).toEqual({ ...before, updatedAt: after.updatedAt });
    expect((await get(api, id, '/content')).body).toBe('hello artifact');
    expect((await undelete(api, id)).statusCode).toBe(200);
  });

  test('leaves what is known of the artifact to be read, and its bytes to nobody', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    const { purgeAt } = (await remove(api, id)).json<Answer>().artifact;
    expect((await get(api, id)).json()).toMatchObject({ artifact: { status: 'DELETED', purgeAt } });
    expect((await get(api, id, '/plan')).json()).toMatchObject({
      action: 'purge',
      at: purgeAt,
      rule: 'undelete_window',
    });
    expect((await get(api, id, '/history')).json<{ items: object[] }>().items).toHaveLength(3);
    expect((await get(api, id, '/upload')).json()).toMatchObject({ upload: null, receivedBytes: 0 });
    for (const response of [
      await get(api, id, '/content'),
      await api.send({ method: 'GET', url: `/v1/artifacts/${id}/content`, headers: { range: 'bytes=0-1' } }),
      await api.send({ method: 'HEAD', url: `/v1/artifacts/${id}/content` }),
      await api.send({ method: 'POST', url: `/v1/artifacts/${id}/download-url` }),
    ]) {
      expect(response.statusCode).toBe(410);
      expect(response.body).not.toContain('hello');
    }
    const refused = await get(api, id, '/content');
    expect([codeOf(refused), refused.json()]).toMatchObject(['artifact_deleted', { details: { purgeAt } }]);
  });

  test('with purge is for good, also within the window, and may be repeated', async () => {
    const api = await startTestApi();
    const [now, later] = [await api.upload({}), await api.upload({})];
    expect((await remove(api, now, '?purge=true')).json()).toMatchObject({
      artifact: { status: 'DELETED', purgeAt: null },
    });
    expect((await remove(api, later, '?purge=false')).json<Answer>().artifact.purgeAt).not.toBeNull();
    expect((await remove(api, later, '?purge=true')).json<Answer>().artifact.purgeAt).toBeNull();
    const sent = api.lifecycle.calls.length;
    for (const id of [now, later]) {
      expect((await remove(api, id, '?purge=true')).statusCode).toBe(200);
      expect((await remove(api, id)).statusCode).toBe(200);
      const response = await undelete(api, id);
      expect([response.statusCode, codeOf(response)]).toEqual([410, 'artifact_deleted']);
      expect(response.json()).toMatchObject({ detail: expect.stringContaining('purged') as string });
    }
    expect(api.lifecycle.calls).toHaveLength(sent);
    expect(api.store.keys()).toEqual([]);
  });

  test('asks the workflow of a deleted one for nothing but undelete and purge', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    await remove(api, id);
    const sent = verbsOf(api).length;
    await remove(api, id);
    const refused = await api.send({ method: 'POST', url: `/v1/artifacts/${id}/archive` });
    expect(codeOf(refused)).toBe('artifact_deleted');
    await undelete(api, id);
    await remove(api, id);
    await remove(api, id, '?purge=true');
    expect(verbsOf(api).slice(sent)).toEqual(['undeleteArtifact', 'deleteArtifact', 'purgeArtifact']);
  });

  test.each(['maybe', ''])('does not guess what purge=%s means', async (purge) => {
    const api = await startTestApi();
    const id = await api.upload({});
    expect(codeOf(await remove(api, id, `?purge=${purge}`))).toBe('invalid_request');
    expect((await get(api, id)).json()).toMatchObject({ artifact: { status: 'ACTIVE' } });
  });
});

describe('an undelete is refused', () => {
  const why = async (api: TestApi, id: string) => {
    const response = await undelete(api, id);
    return [response.statusCode, codeOf(response), response.json<{ detail: string }>().detail];
  };

  test('without a workflow where nothing can come back, and says why', async () => {
    const api = await startTestApi();
    const begun = await api.send({
      method: 'POST',
      url: '/v1/executions/7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11/artifacts',
      payload: { fileName: 'stream' },
    });
    const { id } = begun.json<Answer>().artifact;
    await remove(api, id);
    expect(await why(api, id)).toEqual([410, 'artifact_deleted', expect.stringContaining('never was complete')]);
    expect(verbsOf(api)).not.toContain('undeleteArtifact');
  });

  test('in a bucket that keeps no versions', async () => {
    const api = await startTestApi({}, new MemoryObjectStore({ versioning: false }));
    const id = await api.upload({});
    expect((await remove(api, id)).json<Answer>().artifact.purgeAt).toBeNull();
    expect(await why(api, id)).toEqual([410, 'artifact_deleted', expect.stringContaining('keeps no versions')]);
  });

  test('while another artifact has the path', async () => {
    const api = await startTestApi();
    const a = await api.upload({});
    const { executionId } = (await remove(api, a)).json<Answer>().artifact;
    const b = await api.upload({ executionId, bytes: Buffer.from('another') });
    expect(await why(api, a)).toEqual([409, 'path_taken', expect.stringContaining('has its path')]);
    await remove(api, b);
    api.lifecycle.failure = new ArtifactError('wrong_state', 'the bytes of another one lie above');
    expect(await why(api, a)).toEqual([409, 'wrong_state', 'the bytes of another one lie above']);
  });

  test('when the window closes between our look and the message', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    await remove(api, id);
    api.lifecycle.before = async () => {
      api.lifecycle.before = () => Promise.resolve();
      await api.lifecycle.purgeArtifact(id, { actor: 'worker' });
      throw new ArtifactError('wrong_state', 'the workflow has ended');
    };
    expect(await why(api, id)).toEqual([410, 'artifact_deleted', expect.stringContaining('window is over')]);
  });
});
