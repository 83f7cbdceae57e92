import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecords, ExecutionRecord, ListQuery } from '../../src/db/artifact-records.js';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { MAX_ARTIFACT_BYTES } from '../../src/domain/artifact.js';
import { unregisteredRecord } from '../../src/domain/new-upload.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';
import { artifactChangesSuite } from './artifact-changes-suite.js';

/** One implementation under test. */
export interface RecordsUnderTest {
  records: ArtifactRecords;
  /** Creates or replaces an execution, as the feature that owns executions would. */
  putExecution(execution: ExecutionRecord): Promise<void>;
}

/** What `ArtifactRecords` promises, for every implementation of it. */
export function artifactRecordsSuite(name: string, subject: () => RecordsUnderTest): void {
  const records = (): ArtifactRecords => subject().records;
  const execution = (retentionDays: number | null, tenantId = 'tenant-a'): ExecutionRecord => ({
    id: randomUUID(),
    tenantId,
    retentionDays,
    createdAtMs: Date.UTC(2026, 0, 1),
  });

  describe(`${name}: register`, () => {
    test('answers with an UPLOADING record that get finds again', async () => {
      const artifact = newArtifact({
        tags: { run: 'one' },
        partSizeBytes: 16_777_216,
        path: 'logs/a b.log',
        idempotencyKey: 'turn-7',
        sourceModifiedAtMs: 1_790_000_000_123,
      });
      const record = await records().register(artifact);
      expect(record).toEqual<ArtifactRecord>({
        ...unregisteredRecord({ ...artifact, artifactId: artifact.id }, artifact.createdAtMs),
        id: artifact.id,
        revision: 0,
        executionId: artifact.executionId,
        tenantId: 'tenant-a',
        path: 'logs/a b.log',
        key: `artifacts/${artifact.executionId}/logs/a%20b.log`,
        sizeBytes: 4_096,
        sha256: 'a'.repeat(64),
        checksumState: 'claimed',
        mimeType: 'text/plain',
        type: 'document',
        tags: { run: 'one' },
        status: 'UPLOADING',
        tier: 'HOT',
        storageClass: 'STANDARD',
        retention: { rule: 'default', days: 30 },
        createdAtMs: artifact.createdAtMs,
        updatedAtMs: artifact.createdAtMs,
        policy: DEFAULT_POLICY,
        partSizeBytes: 16_777_216,
        uploadDeadlineMs: artifact.uploadDeadlineMs,
      });
      expect(await records().get(artifact.id)).toEqual(record);
      expect(await records().findByPath(artifact.executionId, 'logs/a b.log')).toEqual(record);
    });

    test('writes the event that begins the history', async () => {
      const artifact = newArtifact({ actor: 'agent-7' });
      await records().register(artifact);
      expect(await records().history(artifact.id)).toEqual([
        {
          changeNumber: 0,
          atMs: artifact.createdAtMs,
          kind: 'upload_begun',
          actor: 'agent-7',
          detail: {
            path: artifact.path,
            sizeBytes: 4_096,
            sha256: artifact.sha256,
            mimeType: 'text/plain',
            retention: { rule: 'default', days: 30 },
          },
        },
      ]);
    });

    test('repeated with the same id answers with the row as it is now and writes nothing', async () => {
      const artifact = newArtifact();
      await records().register(artifact);
      const changed = await records().change(changeOf(artifact.id, 1, { status: 'ACTIVE' }));
      expect(await records().register(artifact)).toEqual(changed);
      expect(await records().history(artifact.id)).toHaveLength(2);
    });

    test('creates the execution for the tenant and leaves an existing one as it is', async () => {
      const artifact = newArtifact();
      await records().register(artifact);
      const expected = {
        id: artifact.executionId,
        tenantId: 'tenant-a',
        retentionDays: null,
        createdAtMs: artifact.createdAtMs,
      };
      expect(await records().getExecution(artifact.executionId)).toEqual(expected);
      await records().register(newArtifact({ executionId: artifact.executionId, createdAtMs: Date.UTC(2026, 5, 1) }));
      expect(await records().getExecution(artifact.executionId)).toEqual(expected);
    });

    test('refuses a path that a living artifact has, and names it', async () => {
      const first = newArtifact();
      await records().register(first);
      const second = newArtifact({ executionId: first.executionId, path: first.path });
      await expect(records().register(second)).rejects.toMatchObject({
        code: 'path_taken',
        details: { artifactId: first.id },
      });
      expect(await records().get(second.id)).toBeNull();
      expect(await records().history(second.id)).toEqual([]);
    });

    test('takes the same path in another execution', async () => {
      const first = newArtifact();
      await records().register(first);
      expect((await records().register(newArtifact({ path: first.path }))).path).toBe(first.path);
    });

    test('takes the path of a DELETED artifact, and findByPath finds the new one', async () => {
      const first = newArtifact();
      await records().register(first);
      await records().change(changeOf(first.id, 1, { status: 'DELETED' }));
      expect(await records().findByPath(first.executionId, first.path)).toBeNull();
      const second = await records().register(newArtifact({ executionId: first.executionId, path: first.path }));
      expect(await records().findByPath(first.executionId, first.path)).toEqual(second);
    });

    test('refuses the execution of another tenant as if it did not exist', async () => {
      const first = newArtifact();
      await records().register(first);
      const foreign = newArtifact({ executionId: first.executionId, tenantId: 'tenant-b' });
      await expect(records().register(foreign)).rejects.toMatchObject({ code: 'execution_not_found' });
      expect(await records().get(foreign.id)).toBeNull();
    });

    test('prefers its own retention to its execution’s, and that to the default', async () => {
      const owner = execution(90);
      await subject().putExecution(owner);
      const own = await records().register(newArtifact({ executionId: owner.id, retentionDays: 7 }));
      expect(own.retention).toEqual({ rule: 'artifact', days: 7 });
      const inherited = await records().register(newArtifact({ executionId: owner.id }));
      expect(inherited.retention).toEqual({ rule: 'execution', days: 90 });
      const neither = await records().register(newArtifact({ defaultRetentionDays: 12 }));
      expect(neither.retention).toEqual({ rule: 'default', days: 12 });
    });

    test.each([0, 1, 2 ** 31, MAX_ARTIFACT_BYTES])('keeps a size of %d bytes exactly', async (sizeBytes) => {
      const { id } = await records().register(newArtifact({ sizeBytes }));
      expect((await records().get(id))?.sizeBytes).toBe(sizeBytes);
    });

    test('keeps an unknown size apart from an empty file', async () => {
      const { id } = await records().register(newArtifact({ sizeBytes: null, sha256: null }));
      expect(await records().get(id)).toMatchObject({ sizeBytes: null, sha256: null });
      await records().change(changeOf(id, 1, { sizeBytes: 0, sha256: 'b'.repeat(64) }));
      expect(await records().get(id)).toMatchObject({ sizeBytes: 0, sha256: 'b'.repeat(64) });
    });

    test.each([
      `output/'; DROP TABLE artifacts; --.txt`,
      'output/"quoted" $1 %s {x}.txt',
      'output/한국어 파일/日本語/😀.md',
      'output/e\u0301 and é are two names',
      `logs/${'n'.repeat(255)}`,
    ])('keeps the name %s as it is', async (path) => {
      const artifact = newArtifact({ path, tags: { ['k']: `it's` }, actor: `o'neil "x"` });
      await records().register(artifact);
      expect(await records().findByPath(artifact.executionId, path)).toMatchObject({ path, tags: { k: `it's` } });
      expect((await records().history(artifact.id))[0]).toMatchObject({ actor: `o'neil "x"`, detail: { path } });
    });
  });

  artifactChangesSuite(name, records);

  describe(`${name}: the retention of an execution`, () => {
    test('is inherited by what is registered afterwards, and finds what was registered before', async () => {
      const executionId = randomUUID();
      const before = await records().register(newArtifact({ executionId }));
      const own = await records().register(newArtifact({ executionId, retentionDays: 5 }));
      await records().setExecutionRetention({ executionId, tenantId: 'tenant-a', days: 90 });
      const after = await records().register(newArtifact({ executionId }));
      expect(after.retention).toEqual({ rule: 'execution', days: 90 });
      const query = { executionId, days: 90, afterId: null, limit: 10 };
      expect(await records().listInheritors(query)).toEqual([before.id]);
      expect(await records().listInheritors({ ...query, afterId: before.id })).toEqual([]);
      const all = await records().listInheritors({ ...query, days: 30 });
      expect(all).toEqual([before.id, after.id].sort());
      expect(all).not.toContain(own.id);
    });

    test('does not look for what is deleted, or about to be', async () => {
      const { id, executionId } = await records().register(newArtifact());
      await records().change(changeOf(id, 1, { deletionReason: 'requested' }));
      expect(await records().listInheritors({ executionId, days: 9, afterId: null, limit: 10 })).toEqual([]);
    });

    test('makes the execution when it is not there yet, and refuses a foreign one', async () => {
      const executionId = randomUUID();
      await records().setExecutionRetention({ executionId, tenantId: 'tenant-a', days: 7 });
      expect(await records().getExecution(executionId)).toMatchObject({ tenantId: 'tenant-a', retentionDays: 7 });
      const foreign = records().setExecutionRetention({ executionId, tenantId: 'tenant-b', days: 1 });
      await expect(foreign).rejects.toMatchObject({ code: 'execution_not_found' });
      expect(await records().getExecution(executionId)).toMatchObject({ retentionDays: 7 });
    });
  });

  describe(`${name}: attachUpload`, () => {
    test('keeps the first upload id, however many come', async () => {
      const { id } = await records().register(newArtifact());
      const answers = await Promise.all(['u1', 'u2', 'u3'].map((uploadId) => records().attachUpload(id, uploadId)));
      expect(new Set(answers).size).toBe(1);
      expect((await records().get(id))?.uploadId).toBe(answers[0]);
    });

    test('refuses an artifact that is no longer uploading, or was never there', async () => {
      const { id } = await records().register(newArtifact());
      await records().change(changeOf(id, 1, { status: 'DELETED' }));
      await expect(records().attachUpload(id, 'late')).rejects.toMatchObject({ code: 'not_uploading' });
      await expect(records().attachUpload(randomUUID(), 'u')).rejects.toMatchObject({ code: 'artifact_not_found' });
    });
  });

  describe(`${name}: list`, () => {
    /** All pages, walked to the end. */
    async function pages(query: ListQuery): Promise<ArtifactRecord[][]> {
      const found: ArtifactRecord[][] = [];
      for (let cursor: string | null | undefined; cursor !== null;) {
        const page = await records().list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
        found.push(page.items);
        cursor = page.nextCursor;
      }
      return found;
    }

    test.each<[string, Partial<ListQuery>]>([
      ['newest first', {}],
      ['oldest first when that is asked for', { sort: 'oldest' }],
    ])('walks through all pages %s, rows of one instant included', async (_order, wanted) => {
      const executionId = randomUUID();
      const artifacts = Array.from({ length: 25 }, (_, index) =>
        newArtifact({ executionId, createdAtMs: Date.UTC(2026, 0, 1) + Math.floor(index / 10) }),
      );
      for (const artifact of artifacts) await records().register(artifact);
      const found = await pages({ executionId, limit: 10, ...wanted });
      expect(found.map((page) => page.length)).toEqual([10, 10, 5]);
      const newestFirst = artifacts
        .toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1))
        .map(({ id }) => id);
      const expected = wanted.sort === 'oldest' ? newestFirst.reverse() : newestFirst;
      expect(found.flat().map(({ id }) => id)).toEqual(expected);
    });

    test('has no cursor on a last page that is exactly full', async () => {
      const executionId = randomUUID();
      for (let count = 0; count < 4; count += 1) await records().register(newArtifact({ executionId }));
      expect((await pages({ executionId, limit: 2 })).map((page) => page.length)).toEqual([2, 2]);
    });

    test('of an unknown execution is one empty page', async () => {
      expect(await records().list({ executionId: randomUUID(), limit: 10 })).toEqual({ items: [], nextCursor: null });
    });

    test('leaves DELETED rows out unless they are asked for', async () => {
      const executionId = randomUUID();
      const kept = await records().register(newArtifact({ executionId }));
      const gone = await records().register(newArtifact({ executionId }));
      await records().change(changeOf(kept.id, 1, { status: 'ACTIVE' }));
      await records().change(changeOf(gone.id, 1, { status: 'DELETED' }));
      const ids = async (query: Partial<ListQuery>): Promise<string[]> =>
        (await records().list({ executionId, limit: 10, ...query })).items.map(({ id }) => id);
      expect(await ids({})).toEqual([kept.id]);
      expect(await ids({ status: 'DELETED' })).toEqual([gone.id]);
      expect(await ids({ status: 'ACTIVE' })).toEqual([kept.id]);
      expect(await ids({ status: 'ARCHIVED' })).toEqual([]);
      expect(await ids({ status: ['ARCHIVED', 'UPLOADING'] })).toEqual([]);
      expect((await ids({ status: ['ACTIVE', 'DELETED'] })).sort()).toEqual([kept.id, gone.id].sort());
    });

    test('filters by type and by tags, all of which must match', async () => {
      const executionId = randomUUID();
      const put = async (type: 'code' | 'log', tags: Record<string, string>): Promise<string> =>
        (await records().register(newArtifact({ executionId, type, tags }))).id;
      const code = await put('code', { team: 'a', stage: 'final' });
      const log = await put('log', { team: 'a' });
      const quoted = await put('log', { team: `it's "b"` });
      const ids = async (query: Partial<ListQuery>): Promise<string[]> =>
        (await records().list({ executionId, limit: 10, ...query })).items.map(({ id }) => id).sort();
      expect(await ids({ type: 'code' })).toEqual([code]);
      expect(await ids({ tags: { team: 'a' } })).toEqual([code, log].sort());
      expect(await ids({ tags: { team: 'a', stage: 'final' } })).toEqual([code]);
      expect(await ids({ tags: { team: 'a' }, type: 'log' })).toEqual([log]);
      expect(await ids({ tags: { team: `it's "b"` } })).toEqual([quoted]);
      expect(await ids({ tags: { stage: 'a' } })).toEqual([]);
      expect(await ids({ tags: {} })).toEqual([code, log, quoted].sort());
    });

    test.each([
      '',
      'x',
      '!!!!',
      Buffer.from('1.2').toString('base64url'),
      `${Buffer.from('0').toString('base64url')}=`,
    ])('refuses the cursor "%s"', async (cursor) => {
      const page = records().list({ executionId: randomUUID(), limit: 10, cursor });
      await expect(page).rejects.toMatchObject({ code: 'invalid_cursor' });
    });
  });

  test(`${name}: what is not there is null or empty`, async () => {
    await records().ping();
    expect(await records().get(randomUUID())).toBeNull();
    expect(await records().findByPath(randomUUID(), 'output/x')).toBeNull();
    expect(await records().getExecution(randomUUID())).toBeNull();
    expect(await records().history(randomUUID())).toEqual([]);
  });
}
