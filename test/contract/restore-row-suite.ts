import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import type { ArtifactRecord, RecordPatch } from '../../src/domain/artifact-record.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';

const AT_MS = Date.UTC(2026, 0, 2);
const BY_ANN = { actor: 'ann', detail: { from: 'workflow' } };

interface Losing {
  records: ArtifactRecords;
  /** As its owner would, with the rows of its artifacts; the audit stays. */
  deleteExecution(executionId: string): Promise<void>;
}

/** What `ArtifactRecords.restoreRow` promises, for every implementation of it. */
export function restoreRowSuite(name: string, subject: () => Losing): void {
  const records = (): ArtifactRecords => subject().records;

  /** A row after one change, and then lost. */
  async function lost(patch: RecordPatch = { status: 'ACTIVE' }): Promise<ArtifactRecord> {
    const { id } = await records().register(newArtifact());
    const record = await records().change(changeOf(id, 1, patch));
    await subject().deleteExecution(record.executionId);
    expect(await records().get(id)).toBeNull();
    return record;
  }

  const STATES: [string, RecordPatch][] = [
    ['active', { status: 'ACTIVE', checksumState: 'verified', versionId: 'v1', etag: '"e"', expiresAtMs: AT_MS }],
    ['permanent', { status: 'ACTIVE', retention: { rule: 'permanent', by: 'ann', reason: 'evidence', atMs: AT_MS } }],
    [
      'held',
      { status: 'ACTIVE', holds: [{ id: randomUUID(), by: 'ann', reason: 'case', atMs: AT_MS, untilMs: null }] },
    ],
    [
      'archived and coming back',
      {
        status: 'ARCHIVED',
        tier: 'COLD',
        storageClass: 'GLACIER',
        archivedAtMs: AT_MS,
        restoreState: 'in_progress',
        restoreEtaMs: AT_MS + 1,
        restoredAtMs: AT_MS - 1,
      },
    ],
    [
      'deleted with its window open',
      { status: 'DELETED', deletionReason: 'requested', deletedAtMs: AT_MS, purgeAtMs: AT_MS + 9 },
    ],
    ['uploading in parts', { uploadId: 'u-1', partSizeBytes: 5_242_880, sizeBytes: null, sha256: null }],
    ['tagged and warned of', { status: 'ACTIVE', tags: { team: `it's "b"` }, warnedAtMs: AT_MS }],
  ];

  describe(`${name}: restoreRow`, () => {
    test.each(STATES)('makes the row of one that was %s again as it was', async (_state, patch) => {
      const record = await lost(patch);
      const restored = await records().restoreRow(record, BY_ANN);
      expect(restored).toEqual({ ...record, revision: 2 });
      expect(await records().get(record.id)).toEqual(restored);
    });

    test('keeps what is fixed with the registration: source, request and publication', async () => {
      const given = { idempotencyKey: 'turn-7', sourceModifiedAtMs: 1_790_000_000_123 };
      const { id, executionId } = await records().register(newArtifact(given));
      const record = {
        ...(await records().get(id))!,
        awaitsPublication: randomUUID(),
        untoldPublication: randomUUID(),
      };
      await subject().deleteExecution(executionId);
      expect(await records().restoreRow(record, BY_ANN)).toEqual({ ...record, revision: 1 });
    });

    test('keeps how often and when it was given out', async () => {
      const record = { ...(await lost()), downloads: 7, lastDownloadedAtMs: AT_MS + 5 };
      expect(await records().restoreRow(record, BY_ANN)).toMatchObject({ downloads: 7, lastDownloadedAtMs: AT_MS + 5 });
      expect(await records().get(record.id)).toMatchObject({ downloads: 7, lastDownloadedAtMs: AT_MS + 5 });
    });

    test('tells the audit, after all that it has, by whom and from what', async () => {
      const record = await lost();
      await records().restoreRow({ ...record, revision: 0 }, BY_ANN);
      const history = await records().history(record.id);
      expect(history.map(({ kind, changeNumber }) => [kind, changeNumber])).toEqual([
        ['upload_begun', 0],
        ['upload_completed', 1],
        ['row_restored', 2],
      ]);
      expect(history.at(-1)).toMatchObject(BY_ANN);
    });

    test('goes on from the revision of the record when the audit is lost too', async () => {
      const record = { ...(await lost()), id: randomUUID(), revision: 41 };
      expect((await records().restoreRow(record, BY_ANN)).revision).toBe(42);
      expect((await records().history(record.id)).map(({ changeNumber }) => changeNumber)).toEqual([42]);
    });

    test('repeated, also by several at once, answers with the row as it is and writes nothing', async () => {
      const record = await lost();
      const answers = await Promise.all([1, 2, 3].map(() => records().restoreRow(record, BY_ANN)));
      expect(new Set(answers.map(({ revision }) => revision))).toEqual(new Set([2]));
      const changed = await records().change({ ...changeOf(record.id, 3, { tier: 'WARM' }), atMs: Date.now() + 1_000 });
      expect(await records().restoreRow(record, BY_ANN)).toEqual(changed);
      expect(await records().history(record.id)).toHaveLength(4);
    });

    test('is followed by the change of a workflow that knows nothing of it', async () => {
      const record = await lost();
      await records().restoreRow(record, BY_ANN);
      const next = { ...changeOf(record.id, record.revision + 1, { tier: 'COLD' }), atMs: Date.now() + 1_000 };
      expect(await records().change(next)).toMatchObject({ tier: 'COLD', revision: 3 });
      expect(await records().change(next)).toMatchObject({ revision: 3 });
      expect(await records().history(record.id)).toHaveLength(4);
    });

    test('refuses a path that another living artifact has by now, and names it', async () => {
      const record = await lost();
      const { executionId, path } = record;
      const successor = await records().register(newArtifact({ executionId, path }));
      const refused = records().restoreRow(record, BY_ANN);
      await expect(refused).rejects.toMatchObject({ code: 'path_taken', details: { artifactId: successor.id } });
      expect(await records().history(record.id)).toHaveLength(2);
      const deleted: ArtifactRecord = { ...record, status: 'DELETED', purgeAtMs: AT_MS };
      expect(await records().restoreRow(deleted, BY_ANN)).toMatchObject({ status: 'DELETED', path });
    });

    test('refuses an execution that is of another tenant by now', async () => {
      const record = await lost();
      await records().register(newArtifact({ executionId: record.executionId, tenantId: 'tenant-b' }));
      await expect(records().restoreRow(record, BY_ANN)).rejects.toMatchObject({ code: 'execution_not_found' });
      expect(await records().get(record.id)).toBeNull();
    });

    test('makes the execution with the retention that is known, and leaves one that is there as it is', async () => {
      const record = await lost();
      const { executionId, tenantId, createdAtMs } = record;
      await records().restoreRow(record, { ...BY_ANN, retentionDays: 90 });
      const expected = { id: executionId, tenantId, createdAtMs, retentionDays: 90 };
      expect(await records().getExecution(executionId)).toEqual(expected);
      const sibling = { ...record, id: randomUUID(), path: 'output/b', key: `artifacts/${executionId}/output/b` };
      await records().restoreRow(sibling, { ...BY_ANN, retentionDays: 7 });
      expect(await records().getExecution(executionId)).toEqual(expected);
    });

    test('counts what is restored, each once, and nothing for what is deleted', async () => {
      const record = await lost({ status: 'ACTIVE', tier: 'WARM', sizeBytes: 700 });
      await records().restoreRow(record, BY_ANN);
      await records().restoreRow(record, BY_ANN);
      const gone: ArtifactRecord = { ...record, id: randomUUID(), status: 'DELETED', purgeAtMs: AT_MS };
      await records().restoreRow(gone, BY_ANN);
      const usage = await records().usage({ executionId: record.executionId });
      expect(usage).toEqual({
        HOT: { artifacts: 0, bytes: 0 },
        WARM: { artifacts: 1, bytes: 700 },
        COLD: { artifacts: 0, bytes: 0 },
      });
    });
  });
}
