import { expect, test } from 'vitest';
import { codeOf, startTestApi } from '../../support/api.js';

/** An artifact with two tags, and a way to change them. */
async function tagged() {
  const api = await startTestApi();
  const id = await api.upload({ tags: { agent: 'plotter', draft: 'yes' } });
  const change = (method: 'PUT' | 'PATCH', tags: unknown) =>
    api.send({ method, url: `/v1/artifacts/${id}/tags`, payload: { tags } });
  const tags = async () => (await api.records.get(id))?.tags;
  return { api, id, change, tags };
}

test('PUT gives an artifact other tags, and PATCH some, with null to remove one', async () => {
  const { api, id, change, tags } = await tagged();
  const patched = await change('PATCH', { step: '3', draft: null });
  expect(patched.statusCode).toBe(200);
  expect(patched.json()).toMatchObject({ artifact: { id, tags: { agent: 'plotter', step: '3' } } });
  expect((await change('PUT', { only: '1' })).statusCode).toBe(200);
  expect(await tags()).toEqual({ only: '1' });
  const { items } = (await api.send({ method: 'GET', url: `/v1/artifacts/${id}/history` })).json<{ items: object[] }>();
  expect(items.at(-1)).toMatchObject({
    kind: 'tags_changed',
    actor: 'agent-7',
    detail: { from: { agent: 'plotter', step: '3' }, to: { only: '1' } },
  });
});

test('what can never be is refused before it reaches the workflow, and too many in all by it', async () => {
  const { api, change, tags } = await tagged();
  const before = api.lifecycle.calls.length;
  for (const wrong of [{ 'artifact-retention': 'permanent' }, { a: '\u0007' }, { '': 'x' }])
    expect(codeOf(await change('PATCH', wrong))).toBe('invalid_tags');
  expect(codeOf(await change('PUT', { a: null }))).toBe('invalid_request');
  expect(api.lifecycle.calls).toHaveLength(before);
  const seven = Object.fromEntries(Array.from({ length: 7 }, (_, index) => [`t${index}`, '1']));
  expect(codeOf(await change('PATCH', seven))).toBe('invalid_tags');
  expect(await tags()).toEqual({ agent: 'plotter', draft: 'yes' });
});

test('what is archived can be tagged, what is deleted cannot', async () => {
  const { api, id, change } = await tagged();
  await api.send({ method: 'POST', url: `/v1/artifacts/${id}/archive` });
  expect((await change('PATCH', { a: '1' })).statusCode).toBe(200);
  await api.send({ method: 'DELETE', url: `/v1/artifacts/${id}` });
  expect(codeOf(await change('PATCH', { a: '1' }))).toBe('artifact_deleted');
});
