import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecords, RecordChange } from '../../src/db/artifact-records.js';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { artifactKey } from '../../src/domain/keys.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';

interface SettingBack {
  records: ArtifactRecords;
  /** Sets the number of a row behind everybody's back; its audit stays. */
  setBack(artifactId: string, revision: number): Promise<void>;
}

/** What `ArtifactRecords.change` promises about a row that is behind what the change builds on. */
export function rowsBehindSuite(name: string, subject: () => SettingBack): void {
  const records = (): ArtifactRecords => subject().records;

  const tagged = (id: string, changeNumber: number): RecordChange => ({
    ...changeOf(id, changeNumber, { tags: { a: 'b' } }),
    event: { kind: 'tags_changed', actor: 'ann', detail: { changeNumber } },
  });

  /** A row of a backup, and what its workflow has come to know since, four changes later. */
  async function behind(): Promise<{ row: ArtifactRecord; known: ArtifactRecord }> {
    const { id } = await records().register(newArtifact());
    const row = await records().change(changeOf(id, 1, { status: 'ACTIVE', versionId: 'v1', etag: '"e"' }));
    const retention = { rule: 'permanent', by: 'ann', reason: 'case', atMs: 1 } as const;
    return { row, known: { ...row, revision: 5, retention, expiresAtMs: null, warnedAtMs: 7, versionId: 'v2' } };
  }

  const audit = async (id: string) =>
    (await records().history(id)).map(({ changeNumber, kind }) => [changeNumber, kind] as const);

  describe(`${name}: a row that is behind`, () => {
    test('is brought up to what is known of it before the change, with an event of its own, and numbers that were never used', async () => {
      const { row, known } = await behind();
      const change = { ...tagged(row.id, 6), known };
      const written = await records().change(change);
      expect(written).toEqual({ ...known, tags: { a: 'b' }, revision: 6, updatedAtMs: change.atMs });
      expect(await records().get(row.id)).toEqual(written);
      expect(await audit(row.id)).toEqual([
        [0, 'upload_begun'],
        [1, 'upload_completed'],
        [5, 'repaired'],
        [6, 'tags_changed'],
      ]);
      expect((await records().history(row.id))[2]).toMatchObject({
        actor: 'worker',
        detail: { wrong: 'row behind', rowSaid: { versionId: 'v1' }, rowSays: { versionId: 'v2' } },
      });
      expect(await records().change(change)).toEqual(written);
      expect(await audit(row.id)).toHaveLength(4);
    });

    test('is not told of twice by a repair, which says itself what was wrong', async () => {
      const { row, known } = await behind();
      const event = { kind: 'repaired', actor: 'reconcile', detail: {} } as const;
      const patch = { retention: known.retention, expiresAtMs: null };
      expect(await records().change({ ...changeOf(row.id, 6, patch), event, known })).toMatchObject({
        ...patch,
        revision: 6,
      });
      expect((await audit(row.id)).slice(2)).toEqual([[6, 'repaired']]);
    });

    test('takes numbers after its audit when only the row was set back', async () => {
      const { id } = await records().register(newArtifact());
      await records().change(changeOf(id, 1, { status: 'ACTIVE' }));
      const known = await records().change(tagged(id, 2));
      await subject().setBack(id, 0);
      expect(await records().change({ ...changeOf(id, 3, { etag: 'later' }), known })).toMatchObject({
        ...{ etag: 'later', tags: { a: 'b' }, revision: 4 },
      });
      expect((await audit(id)).slice(3)).toEqual([
        [3, 'repaired'],
        [4, 'upload_completed'],
      ]);
    });

    test('is followed by whoever knows no better, and what it once had is no repetition', async () => {
      const { id } = await records().register(newArtifact());
      await records().change(tagged(id, 1));
      await records().change(changeOf(id, 2, { etag: 'first' }));
      await subject().setBack(id, 0);
      expect(await records().change({ ...tagged(id, 1), atMs: Date.UTC(2026, 0, 3) })).toMatchObject({ revision: 3 });
      expect(await audit(id)).toHaveLength(4);
    });

    test('is given another path, and not one that is taken', async () => {
      const { id, executionId, key, path } = await records().register(newArtifact());
      const taken = await records().register(newArtifact({ executionId }));
      const other = artifactKey(executionId, `output/${randomUUID()}/보고서.txt`);
      expect(await records().change(changeOf(id, 1, { key: other }))).toMatchObject({
        key: other,
        path: expect.stringMatching(/보고서\.txt$/) as string,
      });
      expect(await records().change(changeOf(id, 2, { key }))).toMatchObject({ key, path });
      await expect(records().change(changeOf(id, 3, { key: taken.key }))).rejects.toMatchObject({ code: 'path_taken' });
    });
  });
}
