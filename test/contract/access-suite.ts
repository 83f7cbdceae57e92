import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';

const AT_MS = Date.UTC(2026, 1, 1);

/** What every adapter of `ArtifactRecords` must do about downloads. */
export function accessSuite(name: string, opened: () => ArtifactRecords): void {
  const added = (artifactId: string, count = 1, lastAtMs = AT_MS) =>
    opened().addDownloads([{ artifactId, count, lastAtMs }]);

  describe(`downloads, in ${name}`, () => {
    test('are added up, the latest of them is known, and the artifact has not changed', async () => {
      const registered = await opened().register(newArtifact());
      const { id } = registered;
      expect(registered).toMatchObject({ downloads: 0, lastDownloadedAtMs: null });
      await added(id, 3, AT_MS + 7);
      await added(id, 2, AT_MS);
      await added(id, 0, AT_MS + 9);
      expect(await opened().get(id)).toEqual({ ...registered, downloads: 5, lastDownloadedAtMs: AT_MS + 9 });
      expect(await opened().history(id)).toHaveLength(1);
    });

    test('of many artifacts are written at once, and those that are gone are left out', async () => {
      const [one, other] = [await opened().register(newArtifact()), await opened().register(newArtifact())];
      const batch = [other.id, randomUUID(), one.id].map((artifactId, count) => ({
        artifactId,
        count,
        lastAtMs: AT_MS,
      }));
      await opened().addDownloads(batch);
      await opened().addDownloads([]);
      expect(await opened().get(one.id)).toMatchObject({ downloads: 2 });
      expect(await opened().get(other.id)).toMatchObject({ downloads: 0, lastDownloadedAtMs: AT_MS });
    });

    test('are in every answer: of a change, also one that is repeated, in a list, by path, and in what is upcoming', async () => {
      const artifact = newArtifact({ tenantId: randomUUID() });
      const { id, executionId, path, tenantId } = await opened().register(artifact);
      await added(id, 4);
      const known = { id, downloads: 4, lastDownloadedAtMs: AT_MS };
      const change = changeOf(id, 1, { status: 'ACTIVE', expiresAtMs: AT_MS });
      expect(await opened().change(change)).toMatchObject({ ...known, revision: 1 });
      expect(await opened().change(change)).toMatchObject({ ...known, revision: 1 });
      expect((await opened().list({ executionId, limit: 5 })).items).toMatchObject([known]);
      expect(await opened().findByPath(executionId, path)).toMatchObject(known);
      const upcoming = { tenantId, executionIds: null, untilMs: AT_MS, limit: 5 };
      expect((await opened().listUpcoming(upcoming)).items).toMatchObject([known]);
    });

    test('of two batches at once about the same artifacts are both counted', async () => {
      const ids: string[] = [];
      for (let count = 0; count < 20; count += 1) ids.push((await opened().register(newArtifact())).id);
      const batch = ids.map((artifactId) => ({ artifactId, count: 1, lastAtMs: AT_MS }));
      await Promise.all(
        Array.from({ length: 10 }, (_, index) => opened().addDownloads(index % 2 === 0 ? batch : batch.toReversed())),
      );
      for (const id of ids) expect(await opened().get(id)).toMatchObject({ downloads: 10 });
    });
  });
}
