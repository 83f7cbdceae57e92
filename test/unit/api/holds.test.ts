import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ArtifactError } from '../../../src/domain/errors.js';
import { codeOf, startTestApi, tokenFor, type TestApi } from '../../support/api.js';

interface Answer {
  artifact: { id: string; status: string; holds: object[] };
  hold: { id: string };
}

const add = (api: TestApi, id: string, payload: object) =>
  api.send({ method: 'POST', url: `/v1/artifacts/${id}/holds`, payload });
const end = (api: TestApi, id: string, holdId: string) =>
  api.send({ method: 'DELETE', url: `/v1/artifacts/${id}/holds/${holdId}` });
const remove = (api: TestApi, id: string, query = '') =>
  api.send({ method: 'DELETE', url: `/v1/artifacts/${id}${query}` });

describe('a hold', () => {
  test('is answered with who, why and until when, and listed', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    const added = await add(api, id, { reason: 'case 17', until: '2100-01-01T01:00:00+01:00' });
    expect(added.statusCode).toBe(201);
    const { artifact, hold } = added.json<Answer>();
    expect(hold).toMatchObject({ by: 'agent-7', reason: 'case 17', until: '2100-01-01T00:00:00.000Z' });
    expect(artifact.holds).toEqual([hold]);
    const list = await api.send({ method: 'GET', url: `/v1/artifacts/${id}/holds` });
    expect([list.statusCode, list.json()]).toEqual([200, { items: [hold] }]);
  });

  test('with an id of the caller is added once: 201, then 200', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    const holdId = randomUUID();
    const first = await add(api, id, { id: holdId, reason: 'case 17' });
    const again = await add(api, id, { id: holdId, reason: 'case 17' });
    expect([first.statusCode, again.statusCode]).toEqual([201, 200]);
    expect(again.json<Answer>().hold).toEqual(first.json<Answer>().hold);
    expect(again.json<Answer>().artifact.holds).toHaveLength(1);
    expect((await add(api, id, { reason: 'case 18' })).json<Answer>().hold).not.toMatchObject({ id: holdId });
  });

  test.each(['', '?purge=true'])('keeps everybody from deleting (%s), and says who holds it and why', async (query) => {
    const api = await startTestApi();
    const id = await api.upload({});
    const { hold } = (await add(api, id, { reason: 'case 17' })).json<Answer>();
    const token = await tokenFor({ sub: 'somebody', scope: 'artifacts:admin' });
    const refused = await api.send({ method: 'DELETE', url: `/v1/artifacts/${id}${query}`, token });
    expect([refused.statusCode, codeOf(refused)]).toEqual([409, 'held']);
    const { detail, details } = refused.json<{ detail: string; details: object }>();
    expect(detail).toContain(`${hold.id} by agent-7: case 17`);
    expect(details).toEqual({ artifactId: id, holds: [hold.id] });
    expect((await api.send({ method: 'GET', url: `/v1/artifacts/${id}/content` })).statusCode).toBe(200);
    await end(api, id, hold.id);
    expect((await remove(api, id, query)).statusCode).toBe(200);
  });

  test('that has ended may be ended again, one that never was is 404', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    const { hold } = (await add(api, id, { reason: 'case 17' })).json<Answer>();
    expect((await end(api, id, hold.id)).json<Answer>().artifact).toMatchObject({ id, holds: [] });
    const sent = api.lifecycle.calls.length;
    expect((await end(api, id, hold.id)).statusCode).toBe(200);
    await remove(api, id);
    const ofDeleted = await end(api, id, hold.id);
    expect([ofDeleted.statusCode, ofDeleted.json<Answer>().artifact.status]).toEqual([200, 'DELETED']);
    const unknown = await end(api, id, randomUUID());
    expect([unknown.statusCode, codeOf(unknown)]).toEqual([404, 'hold_not_found']);
    expect(codeOf(await end(api, id, 'one'))).toBe('invalid_id');
    expect(api.lifecycle.calls.map(({ verb }) => verb).slice(sent)).toEqual(['deleteArtifact']);
  });

  test('that nobody knows is asked of the workflow, where one may wait to be placed', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    const holdId = randomUUID();
    expect(codeOf(await end(api, id, holdId))).toBe('hold_not_found');
    expect(api.lifecycle.calls.at(-1)).toEqual({
      verb: 'endHold',
      artifactId: id,
      message: { holdId, actor: 'agent-7', requestId: expect.any(String) as string },
    });
  });

  test('needs an artifact that is stored and not deleted', async () => {
    const api = await startTestApi();
    const url = `/v1/executions/${randomUUID()}/artifacts`;
    const begun = await api.send({ method: 'POST', url, payload: { fileName: 'stream' } });
    const uploading = begun.json<Answer>().artifact.id;
    expect(codeOf(await add(api, uploading, { reason: 'x' }))).toBe('wrong_state');
    const id = await api.upload({});
    await remove(api, id);
    const refused = await add(api, id, { reason: 'x' });
    expect([refused.statusCode, codeOf(refused)]).toEqual([410, 'artifact_deleted']);
    expect((await api.send({ method: 'GET', url: `/v1/artifacts/${id}/holds` })).json()).toEqual({ items: [] });
  });

  test('is one of twenty at most', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    for (let i = 0; i < 20; i += 1) await add(api, id, { reason: `case ${i}` });
    const refused = await add(api, id, { reason: 'one more' });
    expect([refused.statusCode, codeOf(refused)]).toEqual([409, 'too_many_holds']);
  });

  test('that is accepted and waits for the store says so in its own words', async () => {
    const api = await startTestApi();
    const id = await api.upload({});
    api.lifecycle.failure = new ArtifactError('not_yet_answered', 'It is accepted, and carried out later');
    const response = await add(api, id, { reason: 'case 17' });
    expect([response.statusCode, codeOf(response)]).toEqual([503, 'not_yet_answered']);
    expect(response.json()).toMatchObject({ detail: 'It is accepted, and carried out later' });
  });
});
