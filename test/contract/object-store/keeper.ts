import { describe, expect, test } from 'vitest';
import { codeOf, newObject, openedStore, signPut } from './fixtures.js';
import type { StoreLeg } from './suite.js';

const BODY = Buffer.from('kept');

export function keeperTests(leg: StoreLeg): void {
  describe('versions', () => {
    const { get } = openedStore(leg);

    test('of an absent key are none, and its head is null', async () => {
      const { store } = get();
      const { key } = newObject();
      expect(await store.head({ key })).toBeNull();
      expect(await store.listVersions(key)).toEqual([]);
    });

    test('are listed newest first, of exactly this key', async () => {
      const { store } = get();
      const object = newObject();
      const first = await store.put(object, Buffer.from('1'));
      const second = await store.put(object, Buffer.from('22'));
      await store.put({ ...object, key: `${object.key}.bak` }, BODY);
      const { key } = object;
      expect(await store.listVersions(key)).toEqual([
        { key, versionId: second.versionId, isLatest: true, isDeleteMarker: false, sizeBytes: 2 },
        { key, versionId: first.versionId, isLatest: false, isDeleteMarker: false, sizeBytes: 1 },
      ]);
    });

    test('hide behind a delete marker and come back when it is removed', async () => {
      const { store } = get();
      const object = newObject();
      const { key } = object;
      const { versionId } = await store.put(object, BODY);
      const markerId = await store.addDeleteMarker(key);
      expect(await store.head({ key })).toBeNull();
      expect(await store.getTags({ key })).toBeNull();
      const [marker, ...older] = await store.listVersions(key);
      expect(marker).toMatchObject({ versionId: markerId, isLatest: true, isDeleteMarker: true });
      expect(older).toMatchObject([{ versionId, isLatest: false, isDeleteMarker: false }]);
      expect(await store.head({ key, versionId: marker?.versionId ?? null })).toBeNull();
      await store.deleteVersion(key, marker?.versionId ?? null);
      expect((await store.head({ key }))?.versionId).toBe(versionId);
    });

    test('are deleted one by one, and deleting again is fine', async () => {
      const { store } = get();
      const object = newObject();
      const { key } = object;
      const first = await store.put(object, Buffer.from('1'));
      const second = await store.put(object, Buffer.from('2'));
      await store.deleteVersion(key, first.versionId);
      await store.deleteVersion(key, first.versionId);
      expect((await store.listVersions(key)).map((version) => version.versionId)).toEqual([second.versionId]);
      await store.deleteVersion(key, second.versionId);
      expect(await store.listVersions(key)).toEqual([]);
      expect(await store.head({ key, versionId: second.versionId })).toBeNull();
    });

    test('are listed completely when there are more than fit on one page', async () => {
      const { store, send } = get();
      const object = newObject('often.txt');
      const request = await signPut(store, object, BODY);
      // One after the other: moto loses versions that are written at the same time.
      for (let count = 0; count < 1_001; count += 1) await send(request, BODY);
      const versions = await store.listVersions(object.key);
      expect(new Set(versions.map((version) => version.versionId)).size).toBe(1_001);
      expect(versions.filter((version) => version.isLatest)).toHaveLength(1);
    });

    test('are one without an id in a bucket that keeps none', async () => {
      const { unversioned } = get();
      const object = newObject();
      const { key } = object;
      await unversioned.put(object, Buffer.from('1'));
      expect((await unversioned.put(object, Buffer.from('22'))).versionId).toBeNull();
      expect(await unversioned.listVersions(key)).toEqual([
        { key, versionId: null, isLatest: true, isDeleteMarker: false, sizeBytes: 2 },
      ]);
      await unversioned.deleteVersion(key, null);
      await unversioned.deleteVersion(key, null);
      expect(await unversioned.listVersions(key)).toEqual([]);
      expect(await unversioned.head({ key })).toBeNull();
    });
  });

  describe('tags', () => {
    const { get, can } = openedStore(leg);

    test('are replaced as a whole', async () => {
      const { store } = get();
      const object = newObject();
      await store.put(object, BODY);
      await store.putTags({ key: object.key }, { 'artifact-retention': 'permanent' });
      expect(await store.getTags({ key: object.key })).toEqual({ 'artifact-retention': 'permanent' });
      const code = await codeOf(store.putTags({ key: object.key }, {}));
      expect(code).toBe(can('take an empty tag set') ? 'no error' : 'storage_unavailable');
      const left = can('take an empty tag set') ? {} : { 'artifact-retention': 'permanent' };
      expect(await store.getTags({ key: object.key })).toEqual(left);
    });

    test('belong to one version', async () => {
      const { store } = get();
      const object = newObject();
      const { key } = object;
      const { versionId } = await store.put(object, BODY);
      await store.put({ ...object, tags: { a: '1' } }, BODY);
      await store.putTags({ key, versionId }, { old: 'yes' });
      expect(await store.getTags({ key, versionId })).toEqual({ old: 'yes' });
      expect(await store.getTags({ key })).toEqual({ a: '1' });
    });

    test('are not set by a call that was given up', async () => {
      const { store } = get();
      const object = newObject();
      await store.put(object, BODY);
      const givenUp = store.putTags({ key: object.key }, { late: 'yes' }, { signal: AbortSignal.abort() });
      expect(await codeOf(givenUp)).toBe('aborted');
      expect(await store.getTags({ key: object.key })).toEqual(object.tags);
    });

    test('of an absent object are null and cannot be set', async () => {
      const { store } = get();
      const { key } = newObject();
      expect(await store.getTags({ key })).toBeNull();
      expect(await codeOf(store.putTags({ key }, { a: '1' }))).toBe('artifact_not_found');
    });
  });
}
