import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import type { RowInventory, RowPlace } from '../../src/db/row-inventory.js';
import type { ArtifactRecord, RecordPatch } from '../../src/domain/artifact-record.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';

/** Where it stands in the order of bytes: not that of any language, nor of UTF-16. */
const IN_ORDER = [
  // A percent sign in its key.
  'output/😀',
  'output/A',
  'output/a',
  'output/a-b',
  'output/a.b',
  'output/a/b',
  'output/ab',
  'output/é',
  'output/가',
];

export function rowInventorySuite(name: string, open: () => { records: ArtifactRecords; rows: RowInventory }): void {
  describe(`the inventory of rows in ${name}`, () => {
    const add = async (
      executionId: string,
      path: string,
      patch: RecordPatch | null = null,
    ): Promise<ArtifactRecord> => {
      const { records } = open();
      const row = await records.register(newArtifact({ executionId, path }));
      return patch === null ? row : records.change(changeOf(row.id, 1, patch));
    };

    /** All rows of one execution, page by page. */
    async function walk(
      executionId: string,
      limit: number,
      throughKey = `artifacts/${executionId}0`,
    ): Promise<ArtifactRecord[]> {
      const { rows } = open();
      const seen: ArtifactRecord[] = [];
      for (let after: RowPlace | null = { key: `artifacts/${executionId}/`, id: randomUUID() }; ;) {
        const page: ArtifactRecord[] = await rows.listUnended({ after, throughKey, limit });
        expect(page.length).toBeLessThanOrEqual(limit);
        seen.push(...page);
        const last = page.at(-1);
        if (last === undefined) return seen;
        after = { key: last.key, id: last.id };
      }
    }

    test('goes through keys byte by byte, whatever the size of its pages', async () => {
      const executionId = randomUUID();
      for (const path of [...IN_ORDER].reverse()) await add(executionId, path);
      for (const limit of [1, 2, 1_000])
        expect((await walk(executionId, limit)).map(({ path }) => path)).toEqual(IN_ORDER);
    });

    test('is asked by keys of others, which may be of what no row has', async () => {
      const executionId = randomUUID();
      const { key } = await add(executionId, 'output/a');
      const { rows } = open();
      const odd = `artifacts/${executionId}/output/\0\ud800`;
      expect((await rows.findByKeys([odd, key])).map((row) => row.key)).toEqual([key]);
      await expect(walk(executionId, 10, odd)).resolves.toBeInstanceOf(Array);
    });

    test('ends with the key that is asked for', async () => {
      const executionId = randomUUID();
      for (const path of IN_ORDER) await add(executionId, path);
      const through = await walk(executionId, 2, `artifacts/${executionId}/output/a.b`);
      expect(through.map(({ path }) => path)).toEqual(IN_ORDER.slice(0, 5));
    });

    test('has every row of a key until it can no longer be brought back, hidden ones too', async () => {
      const executionId = randomUUID();
      const windowed = await add(executionId, 'output/a', { status: 'DELETED', purgeAtMs: Date.now() });
      await add(executionId, 'output/a', { status: 'DELETED', purgeAtMs: null });
      const living = await add(executionId, 'output/a', { status: 'ACTIVE' });
      const seen = await walk(executionId, 1);
      expect(seen.map(({ id }) => id)).toEqual([windowed.id, living.id].sort());
      expect(seen.find(({ id }) => id === living.id)).toEqual(await open().records.get(living.id));
    });

    test('finds rows by their keys and by their ids', async () => {
      const executionId = randomUUID();
      const gone = await add(executionId, 'output/a', { status: 'DELETED', purgeAtMs: null });
      const living = await add(executionId, 'output/a');
      const { rows } = open();
      expect((await rows.findByKeys([living.key, 'artifacts/none'])).map(({ id }) => id)).toEqual([living.id]);
      const ids = (await rows.findByIds([gone.id, living.id, randomUUID()])).map(({ id }) => id);
      expect(ids.sort()).toEqual([gone.id, living.id].sort());
      expect(await rows.findByKeys([])).toEqual([]);
      expect(await rows.findByIds([])).toEqual([]);
    });

    test('tells which executions have something to list, and when their rows have changed last', async () => {
      const [listed, uploading, none] = [randomUUID(), randomUUID(), randomUUID()];
      await add(listed, 'output/a');
      const { updatedAtMs } = await add(listed, 'output/b', { status: 'ARCHIVED' });
      const begun = await add(uploading, 'output/a');
      const { rows } = open();
      const found = await rows.findExecutions([listed, uploading, none]);
      expect(found.sort((a, b) => Number(b.isListed) - Number(a.isListed))).toEqual([
        { executionId: listed, isListed: true, changedAtMs: updatedAtMs },
        { executionId: uploading, isListed: false, changedAtMs: begun.updatedAtMs },
      ]);
      const seen: string[] = [];
      for (let afterId: string | null = null; ;) {
        const page = await rows.listExecutions({ afterId, limit: 2 });
        seen.push(...page.map(({ executionId }) => executionId));
        afterId = page.at(-1)?.executionId ?? null;
        if (afterId === null) break;
      }
      expect(seen).toEqual([...new Set(seen)].sort());
      expect(seen).toEqual(expect.arrayContaining([listed, uploading]));
    });
  });
}
