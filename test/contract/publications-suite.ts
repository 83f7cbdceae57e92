import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecords, NewArtifact } from '../../src/db/artifact-records.js';
import type { Publication, PublicationKey } from '../../src/db/publications.js';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { newReport } from '../../src/domain/publish.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';

const AT_MS = Date.UTC(2026, 0, 3);
const FOREVER_MS = Date.UTC(2100, 0, 1);

/** What `Publications` promises, for every implementation of it. */
export function publicationsSuite(name: string, subject: () => ArtifactRecords): void {
  const begin = (key: Partial<PublicationKey> & { tenantId?: string } = {}): Promise<Publication> =>
    subject().beginPublication({
      executionId: randomUUID(),
      id: randomUUID(),
      tenantId: 'tenant-a',
      actor: 'agent-7',
      atMs: AT_MS,
      ...key,
    });
  const hiddenOf = ({ executionId, id }: PublicationKey, given: Partial<NewArtifact> = {}): Promise<ArtifactRecord> =>
    subject().register(newArtifact({ executionId, publicationId: id, ...given }));
  const complete = (id: string): Promise<ArtifactRecord> =>
    subject().change(changeOf(id, 1, { status: 'ACTIVE', expiresAtMs: FOREVER_MS }));

  /** Ids that anybody can see of an execution, by whatever read. */
  async function seenIn(executionId: string, path: string): Promise<string[]> {
    const page = await subject().list({ executionId, limit: 100 });
    const all = await subject().list({ executionId, limit: 100, status: ['UPLOADING', 'ACTIVE', 'DELETED'] });
    const upcoming = await subject().listUpcoming({
      tenantId: 'tenant-a',
      executionIds: [executionId],
      untilMs: FOREVER_MS,
      limit: 100,
    });
    const byPath = await subject().findByPath(executionId, path);
    const found = [...page.items, ...all.items, ...upcoming.items, ...(byPath === null ? [] : [byPath])];
    return [...new Set(found.map(({ id }) => id))];
  }

  describe(`${name}: publications`, () => {
    test('begin once, and open an execution for their tenant', async () => {
      const publication = await begin();
      const { executionId, id } = publication;
      expect(publication).toEqual({ executionId, id, state: 'open', begunAtMs: AT_MS, endedAtMs: null, report: null });
      expect(await begin({ executionId, id })).toEqual(publication);
      expect(await subject().getPublication({ executionId, id })).toEqual(publication);
      expect(await subject().getPublication({ executionId, id: randomUUID() })).toBeNull();
      expect(await subject().getExecution(executionId)).toMatchObject({ tenantId: 'tenant-a' });
      await expect(begin({ executionId, tenantId: 'tenant-b' })).rejects.toMatchObject({ code: 'execution_not_found' });
    });

    test('keep what waits for them from every read but that by its id, until all of it appears at once', async () => {
      const publication = await begin();
      const { executionId } = publication;
      const first = await hiddenOf(publication, { path: 'output/a.txt' });
      const second = await hiddenOf(publication, { path: 'output/b.txt' });
      expect(first).toMatchObject({ awaitsPublication: publication.id, untoldPublication: null });
      await complete(first.id);
      await complete(second.id);
      expect(await seenIn(executionId, 'output/a.txt')).toEqual([]);
      expect(await subject().get(first.id)).toMatchObject({ status: 'ACTIVE', awaitsPublication: publication.id });
      const paths = ['output/a.txt', 'output/b.txt', 'output/c.txt'];
      expect((await subject().listByPaths(executionId, paths)).map(({ id }) => id).sort()).toEqual(
        [first.id, second.id].sort(),
      );

      await subject().commitPublication({ ...publication, artifacts: 2 });
      expect((await seenIn(executionId, 'output/a.txt')).sort()).toEqual([first.id, second.id].sort());
      expect(await subject().get(first.id)).toMatchObject({
        awaitsPublication: null,
        untoldPublication: publication.id,
        revision: 1,
      });
    });

    test('do not say whose a path is that waits', async () => {
      const publication = await begin();
      const { executionId } = publication;
      const { id } = await hiddenOf(publication, { path: 'output/a.txt' });
      const taken = subject().register(newArtifact({ executionId, path: 'output/a.txt' }));
      const error: unknown = await taken.catch((refusal: unknown) => refusal);
      expect(error).toMatchObject({ code: 'path_taken', details: {} });
      expect(String(error)).not.toContain(id);
    });

    test('are committed only when every artifact is complete', async () => {
      const publication = await begin();
      const first = await hiddenOf(publication);
      const second = await hiddenOf(publication);
      await complete(first.id);
      const commit = () => subject().commitPublication({ ...publication, artifacts: 2 });
      await expect(commit()).rejects.toMatchObject({ code: 'upload_incomplete' });
      expect(await seenIn(publication.executionId, first.path)).toEqual([]);
      await complete(second.id);
      await commit();
      await commit();
      expect(await seenIn(publication.executionId, first.path)).toHaveLength(2);
      expect(await subject().abandonPublication(publication)).toBe('committed');
    });

    test('take nothing any more once they have ended; what is there is answered all the same', async () => {
      const committed = await begin();
      const artifact = newArtifact({ executionId: committed.executionId, publicationId: committed.id });
      await subject().register(artifact);
      await complete(artifact.id);
      await subject().commitPublication({ ...committed, artifacts: 1 });
      await expect(hiddenOf(committed)).rejects.toMatchObject({ code: 'publication_over' });
      expect(await subject().register(artifact)).toMatchObject({ id: artifact.id, awaitsPublication: null });

      const abandoned = await begin();
      const { id } = await hiddenOf(abandoned);
      expect(await subject().abandonPublication(abandoned)).toBe('abandoned');
      expect(await subject().abandonPublication(abandoned)).toBe('abandoned');
      await expect(hiddenOf(abandoned)).rejects.toMatchObject({ code: 'publication_over' });
      const late = subject().commitPublication({ ...abandoned, artifacts: 1 });
      await expect(late).rejects.toMatchObject({ code: 'publication_over' });
      expect(await subject().get(id)).toMatchObject({ awaitsPublication: abandoned.id });
      await expect(hiddenOf({ executionId: randomUUID(), id })).rejects.toMatchObject({ code: 'publication_over' });
    });

    test('list what waits, page by page, and what was not announced yet', async () => {
      const publication = await begin();
      const ids = [];
      for (let i = 0; i < 3; i += 1) ids.push((await hiddenOf(publication)).id);
      await subject().register(newArtifact({ executionId: publication.executionId }));
      const [first, second, third] = ids.sort();
      const page = (afterId: string | null) => subject().listAwaiting({ ...publication, afterId, limit: 2 });
      expect(await page(null)).toEqual([first, second]);
      expect(await page(second!)).toEqual([third]);
      await subject().change(changeOf(third!, 1, { status: 'DELETED' }));
      expect(await page(second!)).toEqual([]);

      await complete(first!);
      await complete(second!);
      expect(await subject().listUntold({ ...publication, limit: 10 })).toEqual([]);
      await subject().commitPublication({ ...publication, artifacts: 2 });
      expect(await page(null)).toEqual([]);
      const untold = async () => (await subject().listUntold({ ...publication, limit: 10 })).map(({ id }) => id).sort();
      expect(await untold()).toEqual([first, second]);
      await subject().markTold([first!]);
      expect(await untold()).toEqual([second]);
      expect(await subject().get(first!)).toMatchObject({ awaitsPublication: null, untoldPublication: null });
    });

    test('end with a report, and the first one counts', async () => {
      const publication = await begin();
      const { executionId, id } = publication;
      const request = { publicationId: id, executionId, tenantId: 'tenant-a', actor: 'a', hostId: 'h', folder: 'f' };
      const report = newReport(request, AT_MS);
      await subject().finishPublication({ ...publication, report, atMs: AT_MS + 5 });
      await subject().finishPublication({ ...publication, report: { ...report, folder: 'other' }, atMs: AT_MS + 9 });
      expect(await subject().getPublication(publication)).toMatchObject({ endedAtMs: AT_MS + 5, report });
    });
  });
}
