import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { ArtifactError } from '../../../src/domain/errors.js';
import { codeOf, startTestApi, tokenFor, type TestApi } from '../../support/api.js';

const removeAll = (
  api: TestApi,
  executionId: string,
  { query = {}, token }: { query?: Record<string, string | number>; token?: string } = {},
) =>
  api.send({
    method: 'DELETE',
    url: `/v1/executions/${executionId}/artifacts`,
    query: Object.fromEntries(Object.entries(query).map(([name, value]) => [name, String(value)])),
    ...(token === undefined ? {} : { token }),
  });

async function filled(count: number): Promise<{ api: TestApi; executionId: string }> {
  const api = await startTestApi();
  const executionId = randomUUID();
  for (let i = 0; i < count; i += 1) await api.upload({ executionId, fileName: `file-${i}.txt` });
  return { api, executionId };
}

/** From the given artifact on, nothing is deleted in time. */
function slowFrom(api: TestApi, nth: number): void {
  let seen = 0;
  api.lifecycle.before = (verb) => {
    seen += verb === 'deleteOneOfMany' ? 1 : 0;
    return seen >= nth ? Promise.reject(new ArtifactError('not_yet_answered', 'slow')) : Promise.resolve();
  };
}

const NOTHING_LEFT = { held: 0, underWay: 0, orphaned: 0, finished: true };

test('answers with the number, once, and by whom', async () => {
  const { api, executionId } = await filled(3);
  const first = await removeAll(api, executionId);
  expect([first.statusCode, first.json()]).toMatchObject([200, { deleted: 3, ...NOTHING_LEFT }]);
  const [sent] = api.lifecycle.calls.slice(-1);
  expect(sent).toMatchObject({
    verb: 'deleteExecutionArtifacts',
    message: { actor: 'agent-7', requestId: expect.any(String) as string, waitMs: 50_000 },
  });
  const again = await removeAll(api, executionId);
  expect([again.statusCode, again.json()]).toMatchObject([200, { deleted: 0, ...NOTHING_LEFT }]);
});

test('what takes longer than the wait is 202 with how far it is, and the same id gets the rest', async () => {
  const { api, executionId } = await filled(3);
  slowFrom(api, 2);
  const deletionId = randomUUID();
  const late = await removeAll(api, executionId, { query: { deletionId, waitSeconds: 1 } });
  expect([late.statusCode, late.json()]).toEqual([
    202,
    { deletionId, finished: false, deleted: 1, held: 0, underWay: 2, orphaned: 0 },
  ]);
  expect(api.lifecycle.calls.at(-1)?.message).toMatchObject({ deletionId, waitMs: 1_000 });
  api.lifecycle.before = async () => {};
  const done = await removeAll(api, executionId, { query: { deletionId } });
  expect([done.statusCode, done.json()]).toMatchObject([200, { deletionId, deleted: 3, ...NOTHING_LEFT }]);
});

test('an answer that was lost is answered again with the same number, also without workflows', async () => {
  const { api, executionId } = await filled(2);
  const query = { deletionId: randomUUID() };
  const first = await removeAll(api, executionId, { query });
  await api.upload({ executionId, fileName: 'later.txt' });
  api.lifecycle.failure = new ArtifactError('workflows_unavailable', 'down');
  expect((await removeAll(api, executionId, { query })).json()).toEqual(first.json());
});

test('what was not accepted is an error', async () => {
  const { api, executionId } = await filled(1);
  for (const code of ['not_yet_answered', 'workflows_unavailable'] as const) {
    api.lifecycle.failure = new ArtifactError(code, 'no worker');
    const refused = await removeAll(api, executionId);
    expect([refused.statusCode, codeOf(refused)]).toEqual([503, code]);
  }
  expect((await api.records.list({ executionId, limit: 10 })).items).toHaveLength(1);
});

test('says how many are held and stay', async () => {
  const { api, executionId } = await filled(2);
  const [artifact] = (await api.records.list({ executionId, limit: 1 })).items;
  const hold = { id: randomUUID(), reason: 'case 17', untilMs: null };
  await api.lifecycle.addHold(artifact!.id, { hold, actor: 'ann' });
  expect((await removeAll(api, executionId)).json()).toMatchObject({ deleted: 1, ...NOTHING_LEFT, held: 1 });
});

test('a wish that is not well formed is refused', async () => {
  const { api, executionId } = await filled(0);
  await api.upload({ executionId });
  const bad = await Promise.all(
    [{ deletionId: 'x' }, { waitSeconds: 51 }, { waitSeconds: -1 }, { other: 1 }].map(
      (query: Record<string, string | number>) => removeAll(api, executionId, { query }),
    ),
  );
  expect(bad.map(codeOf)).toEqual(['invalid_id', 'invalid_request', 'invalid_request', 'invalid_request']);
});

test('an execution that does not exist has nothing to delete', async () => {
  const { api, executionId } = await filled(1);
  expect(codeOf(await removeAll(api, randomUUID()))).toBe('execution_not_found');
  const token = await tokenFor({ tenant: 'other', scope: 'artifacts:admin' });
  expect(codeOf(await removeAll(api, executionId, { token }))).toBe('execution_not_found');
});
