import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import type { DeletionScope } from '../../src/db/execution-deletions.js';
import type { AuditKind, RecordPatch } from '../../src/domain/artifact-record.js';
import { newArtifact } from '../support/new-artifact.js';
import type { RecordsUnderTest } from './artifact-records-suite.js';

const AT_MS = Date.UTC(2026, 0, 3);

/** What `ExecutionDeletions` promises, for every implementation of it. */
export function executionDeletionsSuite(name: string, subject: () => RecordsUnderTest): void {
  const records = (): ArtifactRecords => subject().records;

  /** An execution of so many artifacts, with their ids in the order of their registration. */
  async function filled(count: number): Promise<{ executionId: string; ids: string[] }> {
    const executionId = randomUUID();
    const ids: string[] = [];
    for (let i = 0; i < count; i += 1) ids.push((await records().register(newArtifact({ executionId }))).id);
    return { executionId, ids };
  }

  const begin = (executionId: string, id: string = randomUUID(), runId = id): Promise<DeletionScope> =>
    records().beginExecutionDeletion({ executionId, id, runId, actor: 'agent-7', atMs: AT_MS });
  const left = async (scope: DeletionScope): Promise<string[]> =>
    (await records().listUndeleted({ ...scope, afterOrdinal: 0, limit: 100 })).map(({ id }) => id);

  async function change(id: string, kind: AuditKind, patch: RecordPatch, detail: object = {}): Promise<void> {
    const revision = (await records().get(id))?.revision ?? 0;
    const event = { kind, actor: 'agent-7', detail: { ...detail } };
    await records().change({ artifactId: id, changeNumber: revision + 1, atMs: AT_MS, patch, event });
  }
  /** As an artifact's own workflow deletes it, told by a deletion or by somebody else. */
  const deleted = (id: string, executionDeletionId?: string): Promise<void> =>
    change(id, 'deleted', { status: 'DELETED' }, executionDeletionId === undefined ? {} : { executionDeletionId });
  const hold = (id: string): Promise<void> =>
    change(id, 'hold_added', {
      holds: [{ id: randomUUID(), by: 'ann', reason: 'case 17', atMs: AT_MS, untilMs: null }],
    });

  describe(`${name}: deletion of an execution`, () => {
    test('has what is registered when it begins, and nothing that is registered later', async () => {
      const { executionId, ids } = await filled(3);
      await filled(1);
      const scope = await begin(executionId);
      await records().register(newArtifact({ executionId }));
      expect(await left(scope)).toEqual(ids);
      expect(await records().countDeletion(scope)).toEqual({ deleted: 0, held: 0, underWay: 3, orphaned: 0 });
      const [first] = await records().listUndeleted({ ...scope, afterOrdinal: 0, limit: 1 });
      const next = await records().listUndeleted({ ...scope, afterOrdinal: first?.ordinal ?? 0, limit: 1 });
      expect(next.map(({ id }) => id)).toEqual([ids[1]]);
    });

    test('begins once: asked for again it has what it had', async () => {
      const { executionId } = await filled(1);
      const scope = await begin(executionId, 'a0000000-0000-4000-8000-000000000000');
      await records().register(newArtifact({ executionId }));
      expect(await begin(executionId, scope.runId, randomUUID())).toEqual(scope);
      const other = await filled(1);
      expect((await begin(other.executionId, scope.runId)).executionId).toBe(other.executionId);
    });

    test('counts what was deleted under its id, once each, and not what others deleted', async () => {
      const { executionId, ids } = await filled(4);
      await deleted(ids[0]!);
      const scope = await begin(executionId);
      await deleted(ids[1]!, scope.runId);
      await deleted(ids[2]!);
      expect(await records().countDeletion(scope)).toEqual({ deleted: 1, held: 0, underWay: 1, orphaned: 0 });
      const stranger = await filled(1);
      await deleted(stranger.ids[0]!, scope.runId);
      expect(await records().countDeletion(scope)).toMatchObject({ deleted: 1 });
    });

    test('leaves alone what is held, and what somebody brought back after it was deleted or about to be', async () => {
      const { executionId, ids } = await filled(4);
      const scope = await begin(executionId);
      await hold(ids[0]!);
      await deleted(ids[1]!, scope.runId);
      await change(ids[1]!, 'undeleted', { status: 'ACTIVE' });
      await change(ids[2]!, 'deletion_revoked', { deletionReason: null }, { executionDeletionId: scope.runId });
      expect(await left(scope)).toEqual([ids[3]]);
      expect(await records().countDeletion(scope)).toEqual({ deleted: 1, held: 1, underWay: 1, orphaned: 0 });
    });

    test('is answered as of now while it runs, and as of its end afterwards', async () => {
      const { executionId, ids } = await filled(3);
      const scope = await begin(executionId);
      await deleted(ids[0]!, scope.runId);
      const counts = { deleted: 1, held: 0, underWay: 2, orphaned: 0 };
      const running = await records().getExecutionDeletion(executionId, scope.runId);
      expect(running).toEqual({ ...scope, id: scope.runId, begunAtMs: AT_MS, finishedAtMs: null, counts });
      const { lastOrdinal } = scope;
      await records().finishExecutionDeletions({ executionId, lastOrdinal, orphaned: 1, atMs: AT_MS + 1 });
      await deleted(ids[1]!, scope.runId);
      await records().finishExecutionDeletions({ executionId, lastOrdinal, orphaned: 0, atMs: AT_MS + 2 });
      expect(await records().getExecutionDeletion(executionId, scope.runId)).toMatchObject({
        finishedAtMs: AT_MS + 1,
        counts: { deleted: 1, held: 0, underWay: 1, orphaned: 1 },
      });
      expect(await records().getExecutionDeletion(executionId, randomUUID())).toBeNull();
    });

    test('that joined another one counts with it, and ends when a run has covered it', async () => {
      const { executionId, ids } = await filled(1);
      const first = await begin(executionId);
      const late = await records().register(newArtifact({ executionId }));
      const joined = randomUUID();
      const scope = await begin(executionId, joined, first.runId);
      expect(scope).toMatchObject({ runId: first.runId });
      expect(await left(scope)).toEqual([ids[0], late.id]);
      await deleted(ids[0]!, first.runId);
      await deleted(late.id, first.runId);
      const finish = (lastOrdinal: number) =>
        records().finishExecutionDeletions({ executionId, lastOrdinal, orphaned: 0, atMs: AT_MS });
      await finish(first.lastOrdinal);
      const ends = async () => {
        const both = [first.runId, joined].map((id) => records().getExecutionDeletion(executionId, id));
        return (await Promise.all(both)).map((deletion) => [deletion?.finishedAtMs, deletion?.counts.deleted]);
      };
      expect(await ends()).toEqual([
        [AT_MS, 2],
        [null, 2],
      ]);
      await finish(scope.lastOrdinal);
      expect(await ends()).toEqual([
        [AT_MS, 2],
        [AT_MS, 2],
      ]);
    });

    test('needs an execution', async () => {
      await expect(begin(randomUUID())).rejects.toMatchObject({ code: 'execution_not_found' });
    });
  });
}
