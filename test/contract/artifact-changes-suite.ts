import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';

/** What `ArtifactRecords.change` promises. */
export function artifactChangesSuite(name: string, records: () => ArtifactRecords): void {
  describe(`${name}: change`, () => {
    test('sets every field that a patch may name', async () => {
      const { id, ...registered } = await records().register(newArtifact());
      const patch = {
        sizeBytes: 5,
        sha256: 'c'.repeat(64),
        checksumState: 'verified',
        mimeType: 'image/png',
        type: 'image',
        tags: { a: 'b' },
        status: 'DELETED',
        tier: 'COLD',
        storageClass: 'GLACIER',
        versionId: 'v1',
        etag: '"e"',
        retention: { rule: 'artifact', days: 3 },
        expiresAtMs: 1_800_000_000_123,
        archivedAtMs: 1_800_000_000_001,
        deletedAtMs: 1_800_000_000_002,
        deletionReason: 'requested',
        restoreState: 'in_progress',
        uploadId: 'u1',
        partSizeBytes: 8,
        uploadDeadlineMs: 1_800_000_000_003,
      } as const;
      const change = changeOf(id, 1, patch);
      const answer = await records().change(change);
      expect(answer).toEqual({ ...registered, id, ...patch, revision: 1, updatedAtMs: change.atMs });
      expect(await records().get(id)).toEqual(answer);
    });

    test('sets fields back to null', async () => {
      const { id } = await records().register(newArtifact());
      await records().change(changeOf(id, 1, { expiresAtMs: 5, archivedAtMs: 6, uploadId: 'u', etag: 'e' }));
      const nothing = { expiresAtMs: null, archivedAtMs: null, uploadId: null, etag: null };
      expect(await records().change(changeOf(id, 2, nothing))).toMatchObject(nothing);
    });

    test('makes an artifact permanent, and not permanent again', async () => {
      const { id } = await records().register(newArtifact());
      const retention = { rule: 'permanent', by: 'ann', reason: 'the paper cites it', atMs: 7 } as const;
      expect(await records().change(changeOf(id, 1, { retention, expiresAtMs: null }))).toMatchObject({ retention });
      const back = { retention: { rule: 'artifact', days: 9 }, expiresAtMs: 9 } as const;
      expect(await records().change(changeOf(id, 2, back))).toMatchObject(back);
    });

    test('repeated later changes nothing when what came in between was about something else', async () => {
      const { id } = await records().register(newArtifact());
      const event = (kind: 'retention_changed' | 'hold_added', detail: string) =>
        ({ kind, actor: 'ann', detail: { detail } }) as const;
      const kept = { ...changeOf(id, 1, { expiresAtMs: 5 }), event: event('retention_changed', 'longer') };
      const held = { ...changeOf(id, 1, { etag: 'held' }), event: event('hold_added', 'a') };
      // The answers to both were lost, so each is tried again as the first change, at another time.
      await records().change(kept);
      await records().change({ ...held, atMs: kept.atMs + 1 });
      const later = kept.atMs + 60_000;
      expect(await records().change({ ...kept, atMs: later })).toMatchObject({ revision: 2 });
      const shorter = { ...changeOf(id, 1, { expiresAtMs: 3 }), event: event('retention_changed', 'shorter') };
      await records().change({ ...shorter, atMs: later + 1 });
      // That one has to be said again: what was between was about the same.
      expect(await records().change({ ...kept, atMs: later + 2 })).toMatchObject({ revision: 4, expiresAtMs: 5 });
    });

    test('repeated changes nothing, also when others came in between', async () => {
      const { id } = await records().register(newArtifact());
      const change = changeOf(id, 1, { etag: 'first' });
      const first = await records().change(change);
      expect(await records().change(change)).toEqual(first);
      const second = await records().change(changeOf(id, 2, { etag: 'second' }));
      expect(await records().change(change)).toEqual(second);
      expect(await records().history(id)).toHaveLength(3);
    });

    test('follows a change that was written but never answered, and is known again when repeated', async () => {
      const { id } = await records().register(newArtifact());
      const lost = changeOf(id, 1, { retention: { rule: 'artifact', days: 60 } });
      await records().change(lost);
      const retention = { rule: 'permanent', by: 'ann', reason: '', atMs: 1 } as const;
      const keep = { ...changeOf(id, 1, { retention }), event: { ...lost.event, detail: { to: 'permanent' } } };
      const kept = await records().change({ ...keep, atMs: lost.atMs + 10_000 });
      expect(kept).toMatchObject({ revision: 2, retention });
      expect(await records().change({ ...keep, atMs: lost.atMs + 20_000 })).toEqual(kept);
      expect(await records().history(id)).toHaveLength(3);
    });

    test('that was overruled since is not taken for a repetition when it is asked for again', async () => {
      const { id } = await records().register(newArtifact());
      const keep = { rule: 'permanent', by: 'ann', reason: '', atMs: 1 } as const;
      const first = {
        ...changeOf(id, 1, { retention: keep }),
        event: { kind: 'retention_changed', actor: 'ann', detail: {} },
      } as const;
      await records().change(first);
      await records().change({
        ...changeOf(id, 2, { retention: { rule: 'artifact', days: 60 } }),
        atMs: first.atMs + 1,
      });
      const again = await records().change({ ...first, atMs: first.atMs + 10_000 });
      expect(again).toMatchObject({ retention: keep, revision: 3 });
    });

    test('that arrives after a later one is refused', async () => {
      const { id } = await records().register(newArtifact());
      const later = { ...changeOf(id, 1, { etag: 'later' }), atMs: Date.UTC(2026, 0, 3) };
      await records().change(later);
      const late = { ...changeOf(id, 1, { etag: 'late' }), event: { ...later.event, detail: { late: true } } };
      await expect(records().change(late)).rejects.toMatchObject({ code: 'wrong_state' });
      expect(await records().get(id)).toMatchObject({ etag: 'later', revision: 1 });
    });

    test('that knows nothing of a deletion is not written over it, unless it is about the deletion', async () => {
      const { id } = await records().register(newArtifact());
      const mark = {
        ...changeOf(id, 1, { deletionReason: 'expired' }),
        event: { kind: 'deletion_begun', actor: 'worker', detail: {} },
      } as const;
      await records().change(mark);
      const laterMs = mark.atMs + 10_000;
      const keep = { ...changeOf(id, 1, { status: 'ACTIVE' }), atMs: laterMs };
      await expect(records().change(keep)).rejects.toMatchObject({
        code: 'artifact_deleted',
        details: { deletionReason: 'expired' },
      });
      const end = {
        ...changeOf(id, 1, { status: 'DELETED' }),
        atMs: laterMs,
        event: { ...mark.event, kind: 'deleted' },
      } as const;
      expect(await records().change(end)).toMatchObject({ status: 'DELETED', revision: 2 });
      await expect(records().change({ ...keep, atMs: laterMs + 1 })).rejects.toMatchObject({
        code: 'artifact_deleted',
      });
      expect(await records().history(id)).toHaveLength(3);
    });

    test('with an empty patch still writes its event', async () => {
      const { id } = await records().register(newArtifact());
      await records().change(changeOf(id, 1, {}));
      expect((await records().history(id))[1]).toEqual({
        changeNumber: 1,
        atMs: changeOf(id, 1, {}).atMs,
        kind: 'upload_completed',
        actor: 'worker',
        detail: { changeNumber: 1 },
      });
    });

    test('of an unknown artifact is artifact_not_found and writes no event', async () => {
      const id = randomUUID();
      await expect(records().change(changeOf(id, 1, {}))).rejects.toMatchObject({ code: 'artifact_not_found' });
      expect(await records().history(id)).toEqual([]);
    });

    test('that revives an artifact whose path is taken by now is path_taken and writes no event', async () => {
      const first = await records().register(newArtifact());
      await records().change(changeOf(first.id, 1, { status: 'DELETED' }));
      await records().register(newArtifact({ executionId: first.executionId, path: first.path }));
      const revive = records().change(changeOf(first.id, 2, { status: 'ACTIVE' }));
      await expect(revive).rejects.toMatchObject({ code: 'path_taken' });
      expect((await records().get(first.id))?.status).toBe('DELETED');
      expect(await records().history(first.id)).toHaveLength(2);
    });

    test('tells its history in the order of the change numbers', async () => {
      const { id } = await records().register(newArtifact());
      for (const changeNumber of [1, 2, 3]) await records().change(changeOf(id, changeNumber, {}));
      expect((await records().history(id)).map((event) => event.changeNumber)).toEqual([0, 1, 2, 3]);
    });
  });
}
