import { describe, expect, test } from 'vitest';
import type { ArtifactRecords, RecordChange } from '../../src/db/artifact-records.js';
import type { AuditEvent, RecordPatch } from '../../src/domain/artifact-record.js';
import { newArtifact } from '../support/new-artifact.js';

const BORN_MS = Date.UTC(2026, 0, 1);

/** What `ArtifactRecords.change` promises when attempts at one deletion overlap. */
export function lateDeletionsSuite(name: string, records: () => ArtifactRecords): void {
  describe(`${name}: attempts at one deletion that overlap`, () => {
    const change = (
      artifactId: string,
      changeNumber: number,
      [kind, patch, mark]: [AuditEvent['kind'], RecordPatch, string],
    ): RecordChange => ({
      ...{ artifactId, changeNumber, atMs: BORN_MS + changeNumber * 1_000 + mark.length, patch },
      event: { kind, actor: 'ann', detail: { mark } },
    });
    const begun = async (): Promise<string> => {
      const { id } = await records().register(newArtifact({ createdAtMs: BORN_MS }));
      await records().change(change(id, 1, ['deletion_begun', { deletionReason: 'requested' }, 'a']));
      return id;
    };

    test('delete once, and purge once', async () => {
      const id = await begun();
      const purgeAtMs = BORN_MS + 86_400_000;
      const first = await records().change(change(id, 2, ['deleted', { status: 'DELETED', purgeAtMs }, 'a']));
      expect(await records().change(change(id, 2, ['deleted', { status: 'DELETED', purgeAtMs }, 'bb']))).toEqual(first);
      const purged = await records().change(change(id, 3, ['purged', { purgeAtMs: null }, 'a']));
      expect(await records().change(change(id, 3, ['purged', { purgeAtMs: null }, 'bb']))).toEqual(purged);
      const kinds = (await records().history(id)).map(({ kind }) => kind);
      expect(kinds).toEqual(['upload_begun', 'deletion_begun', 'deleted', 'purged']);
    });

    test('do not delete what was kept meanwhile', async () => {
      const id = await begun();
      await records().change(change(id, 2, ['deletion_revoked', { deletionReason: null }, 'a']));
      const late = records().change(change(id, 2, ['deleted', { status: 'DELETED' }, 'much later']));
      await expect(late).rejects.toMatchObject({ code: 'wrong_state' });
      expect(await records().get(id)).toMatchObject({ status: 'UPLOADING', deletionReason: null });
    });
  });
}
