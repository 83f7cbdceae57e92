import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { artifactKey } from '../../../src/domain/keys.js';
import type { ListedVersion, ObjectStore, PendingUpload } from '../../../src/storage/object-store.js';
import { newObject, openedStore } from './fixtures.js';
import type { StoreLeg } from './suite.js';

const BODY = Buffer.from('kept');

/** The folder of an execution of its own. */
const newFolder = (): string => `artifacts/${randomUUID()}/`;

/** Also what XML, URLs and file systems have a meaning for. */
const ODD_NAMES = [
  'a b',
  'a+b',
  'a&b<c>',
  'a%20b',
  '보고서.pdf',
  "it's",
  'a"b',
  'é',
  'x~y',
  'a=b;c',
  '#?',
  'emoji😀',
  '(1)*!',
];

async function everyVersion(store: ObjectStore, prefix: string, limit: number): Promise<ListedVersion[]> {
  const all: ListedVersion[] = [];
  for (let cursor: string | null = null, pages = 0; ; pages += 1) {
    expect(pages).toBeLessThan(1_000);
    const page: Awaited<ReturnType<ObjectStore['listInventory']>> = await store.listInventory({
      prefix,
      cursor,
      limit,
    });
    expect(page.versions.length).toBeLessThanOrEqual(limit);
    all.push(...page.versions);
    cursor = page.cursor;
    if (cursor === null) return all;
  }
}

/** In pages that end with whole keys. */
async function everyUpload(store: ObjectStore, prefix: string, limit: number): Promise<PendingUpload[]> {
  const all: PendingUpload[] = [];
  for (let cursor: string | null = null, pages = 0; ; pages += 1) {
    expect(pages).toBeLessThan(1_000);
    const page: Awaited<ReturnType<ObjectStore['listPendingUploads']>> = await store.listPendingUploads({
      ...{ prefix, cursor, limit },
    });
    all.push(...page.uploads);
    cursor = page.cursor;
    if (cursor === null) return all;
  }
}

const nameOf = ({ key, versionId }: Pick<ListedVersion, 'key' | 'versionId'>): string =>
  `${key}@${versionId ?? 'null'}`;

export function inventoryTests(leg: StoreLeg): void {
  describe('the inventory', () => {
    const { get, can } = openedStore(leg);

    test('of a prefix with nothing below it is one empty page', async () => {
      const { store } = get();
      const query = { prefix: newFolder(), cursor: null, limit: 10 };
      expect(await store.listInventory(query)).toEqual({ versions: [], cursor: null });
      expect(await store.listPendingUploads(query)).toEqual({ uploads: [], cursor: null });
    });

    test('tells of a version what its head tells', async () => {
      const { store } = get();
      const prefix = newFolder();
      const put = await store.put({ ...newObject(), key: `${prefix}output/one.txt` }, BODY);
      const { key, versionId, sizeBytes, etag, storageClass, lastModifiedMs } = put;
      const [listed, ...others] = await everyVersion(store, prefix, 10);
      expect(listed).toEqual({
        ...{ key, versionId, sizeBytes, etag, storageClass, isLatest: true, isDeleteMarker: false },
        lastModifiedMs: expect.any(Number) as number,
      });
      expect(others).toEqual([]);
      // Whole seconds in one of the two.
      expect(Math.abs((listed?.lastModifiedMs ?? 0) - lastModifiedMs)).toBeLessThanOrEqual(1_000);
    });

    test('has every version and marker once, whatever the size of its pages', async () => {
      const { store } = get();
      const prefix = newFolder();
      const expected: string[] = [];
      for (const name of ['output/a', 'output/b', 'output/c.d', 'output/c/d', 'logs/e']) {
        const object = { ...newObject(), key: prefix + name };
        // On some stores, where a folder is cannot be a file.
        for (let count = 0; count < 3; count += 1) expected.push(nameOf(await store.put(object, BODY)));
      }
      for (const key of [`${prefix}output/a`, `${prefix}logs/e`])
        expected.push(nameOf({ key, versionId: await store.addDeleteMarker(key) }));
      for (const limit of [2, 3, 4, 7, 1_000]) {
        const listed = await everyVersion(store, prefix, limit);
        expect(listed.map(nameOf).sort()).toEqual(expected.sort());
        expect(
          listed.filter(({ isDeleteMarker }) => isDeleteMarker).map(({ key, isLatest }) => [key, isLatest]),
        ).toEqual(
          expect.arrayContaining([
            [`${prefix}output/a`, true],
            [`${prefix}logs/e`, true],
          ]),
        );
        expect(listed.filter(({ isLatest }) => isLatest)).toHaveLength(5);
      }
    });

    test('keeps the versions of a key together when they fill several pages', async () => {
      const { store } = get();
      const prefix = newFolder();
      const object = { ...newObject(), key: `${prefix}output/often.txt` };
      for (let count = 0; count < 11; count += 1) await store.put(object, Buffer.from(String(count)));
      await store.put({ ...object, key: `${prefix}output/z.txt` }, BODY);
      const listed = await everyVersion(store, prefix, 4);
      expect(listed.map(({ key }) => key)).toEqual([
        ...Array.from({ length: 11 }, () => object.key),
        `${prefix}output/z.txt`,
      ]);
      expect(new Set(listed.map(nameOf)).size).toBe(12);
    });

    test('names keys as they are, whatever characters they have', async () => {
      const { store } = get();
      const prefix = newFolder();
      const executionId = prefix.split('/')[1] ?? '';
      const keys = [
        ...ODD_NAMES.map((name) => artifactKey(executionId, `output/${name}`)),
        // Not as we would write them.
        ...ODD_NAMES.filter((name) => name !== '#?').map((name) => `${prefix}logs/${name}`),
      ];
      for (const key of keys) await store.put({ ...newObject(), key }, BODY);
      for (const limit of [2, 1_000])
        expect((await everyVersion(store, prefix, limit)).map(({ key }) => key).sort()).toEqual([...keys].sort());
    });

    test('of a bucket that keeps no versions has each object once, without an id', async () => {
      const { unversioned } = get();
      const prefix = newFolder();
      const keys = ['a', 'b', 'c'].map((name) => `${prefix}output/${name}`);
      for (const key of [...keys, ...keys]) await unversioned.put({ ...newObject(), key }, BODY);
      for (const limit of [2, 3, 1_000]) {
        const listed = await everyVersion(unversioned, prefix, limit);
        expect(listed.map(nameOf)).toEqual(keys.map((key) => `${key}@null`));
        expect(listed.every(({ isLatest }) => isLatest)).toBe(true);
      }
    });

    test('tells the class of what was moved', async () => {
      const { store } = get();
      const prefix = newFolder();
      const object = { ...newObject(), key: `${prefix}output/cold.txt` };
      await store.put(object, BODY);
      if (can('storage classes')) await store.copyToClass(object, 'GLACIER');
      const [latest] = await everyVersion(store, prefix, 10);
      expect(latest?.storageClass).toBe(can('storage classes') ? 'GLACIER' : 'STANDARD');
    });

    test('of uploads has every one once, whatever the size of its pages', async () => {
      const { store } = get();
      const prefix = newFolder();
      const expected: string[] = [];
      for (const name of ['a', 'a', 'a', 'b c', 'd%20e']) {
        const key = `${prefix}output/${name}`;
        expected.push(`${key}@${await store.createUpload({ ...newObject(), key })}`);
      }
      for (const limit of [2, 3, 1_000]) {
        const listed = await everyUpload(store, prefix, limit);
        expect(listed.map(({ key, uploadId }) => `${key}@${uploadId}`).sort()).toEqual(expected.sort());
        // moto says the same of all.
        expect(listed.every(({ initiatedAtMs }) => initiatedAtMs > 0 && initiatedAtMs < Date.now() + 60_000)).toBe(
          true,
        );
      }
      for (const { key, uploadId } of await everyUpload(store, prefix, 1_000)) await store.abortUpload(key, uploadId);
    });
  });
}
