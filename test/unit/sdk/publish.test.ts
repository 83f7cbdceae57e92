import { randomUUID } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { beforeEach, expect, test } from 'vitest';
import { ArtifactClient, ArtifactError, type Publication } from '../../../src/sdk/index.js';
import { FakePublications } from '../../support/fake-publications.js';
import { startTestApi, tokenFor, type TestApi } from '../../support/api.js';

const executionId = randomUUID();
const wish = { hostId: 'host-1', folder: 'turn-7' };
let api: TestApi;
let client: ArtifactClient;

beforeEach(async () => {
  api = await startTestApi();
  const baseUrl = await api.app.listen({ port: 0, host: '127.0.0.1' });
  client = new ArtifactClient({ baseUrl, token: await tokenFor() });
  return () => client.close();
});

/** What the publication says of itself when it is asked the next times; the last word stays. */
function script(...changes: Parameters<TestApi['publications']['progress']>[1][]): void {
  const { publications } = api;
  const answer = FakePublications.prototype.getPublication.bind(publications);
  let look = 0;
  publications.getPublication = (id, publicationId) => {
    publications.progress(publicationId, changes[Math.min(look++, changes.length - 1)] ?? {});
    return answer(id, publicationId);
  };
}
const ended = (outcome: 'published' | 'partial' | 'cancelled' | 'failed') =>
  ({ phase: 'ended', outcome, endedAtMs: 5 }) as const;

test('a publication is started, watched to its end, and answered with', async () => {
  script({ phase: 'scanning' }, { phase: 'uploading' }, ended('published'));
  const phases: string[] = [];
  const publication = await client.publish(executionId, {
    ...wish,
    exclude: ['*.tmp'],
    tags: { team: 'blue' },
    onProgress: ({ phase }) => phases.push(phase),
  });
  expect(publication).toMatchObject({ outcome: 'published', endedAt: new Date(5), hostId: 'host-1' });
  expect(publication).not.toHaveProperty('problem');
  expect(phases).toEqual(['scanning', 'uploading', 'ended']);
  const [started] = api.publications.started;
  expect(started?.request).toMatchObject({ ...wish, exclude: ['*.tmp'], tags: { team: 'blue' }, executionId });
  expect(await client.getPublication(executionId, publication.publicationId)).toEqual<Publication>(publication);
});

test('the id of the caller is the id of the publication', async () => {
  script(ended('published'));
  const publicationId = randomUUID();
  expect(await client.startPublication(executionId, { ...wish, publicationId })).toBe(publicationId);
  expect(await client.publish(executionId, { ...wish, publicationId })).toMatchObject({ publicationId });
});

test('workflows that are too busy to answer are asked again, and it stays the same publication', async () => {
  script(ended('published'));
  const { publications } = api;
  const answer = publications.getPublication.bind(publications);
  let failures = 1;
  publications.getPublication = (id, publicationId) => {
    failures -= 1;
    if (failures >= 0) throw new ArtifactError('not_yet_answered', 'no answer in time');
    return answer(id, publicationId);
  };
  // One that does not try again by itself.
  const retry = { tries: 1, budgetMs: 0, firstDelayMs: 1, maxDelayMs: 1 };
  const { port } = api.app.server.address() as AddressInfo;
  const once = new ArtifactClient({ baseUrl: `http://127.0.0.1:${port}`, token: await tokenFor(), retry });
  expect(await once.publish(executionId, wish)).toMatchObject({ outcome: 'published' });
  expect([failures, publications.started.length]).toEqual([-1, 1]);
  once.close();
});

test('one that failed as a whole fails with its reason; one in part is answered with', async () => {
  const failures = [{ file: 'a.md', code: 'source_changed' as const, message: 'it changed' }];
  script({ ...ended('failed'), problem: { code: 'host_unreachable', message: 'gone' }, failures });
  await expect(client.publish(executionId, wish)).rejects.toMatchObject({
    code: 'host_unreachable',
    message: 'gone',
    details: { failures: ['a.md: source_changed: it changed'] },
  });
  script({ ...ended('partial'), problem: null, failures });
  expect(await client.publish(executionId, wish)).toMatchObject({ outcome: 'partial', failures });
});

test('a signal cancels it', async () => {
  const controller = new AbortController();
  const running = client.publish(executionId, {
    ...wish,
    signal: controller.signal,
    onProgress: () => controller.abort(),
  });
  await expect(running).rejects.toMatchObject({ code: 'aborted' });
  expect(api.publications.cancelled).toMatchObject([{ actor: 'agent-7' }]);
});

test('a host that nobody has seen is told at once', async () => {
  await expect(client.publish(executionId, { ...wish, hostId: 'host-2' })).rejects.toMatchObject({
    code: 'host_unreachable',
  });
});
