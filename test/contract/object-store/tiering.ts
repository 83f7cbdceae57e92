import { describe, expect, test } from 'vitest';
import { bytesOf, codeOf, newObject, openedStore } from './fixtures.js';
import type { StoreLeg } from './suite.js';

const BODY = Buffer.from('to be archived');

export function tieringTests(leg: StoreLeg): void {
  describe('a copy to another class', () => {
    const { get, can } = openedStore(leg);

    test('keeps bytes, owner, type and tags', async () => {
      const { store } = get();
      const object = newObject('보고서 100%.txt');
      const before = await store.put(object, BODY);
      if (!can('storage classes')) {
        expect(await codeOf(store.copyToClass({ key: object.key }, 'STANDARD_IA'))).toBe('not_supported');
        expect(await store.head({ key: object.key })).toEqual(before);
        expect(await store.listVersions(object.key)).toHaveLength(1);
        return;
      }
      const copy = await store.copyToClass({ key: object.key }, 'STANDARD_IA');
      expect(copy).toMatchObject({ storageClass: 'STANDARD_IA', owner: object.owner, mimeType: object.mimeType });
      expect(copy.sizeBytes).toBe(before.sizeBytes);
      expect(await store.head({ key: object.key })).toEqual(copy);
      expect(await store.getTags({ key: object.key })).toEqual(object.tags);
      expect(await bytesOf(await store.read({ key: object.key }))).toEqual(BODY);
    });

    test('asked for again makes no further version', async () => {
      const { store } = get();
      const object = newObject();
      const { versionId } = await store.put(object, BODY);
      const target = can('storage classes') ? 'GLACIER' : 'STANDARD';
      const copy = await store.copyToClass({ key: object.key, versionId }, target);
      const { length } = await store.listVersions(object.key);
      expect(await store.copyToClass({ key: object.key, versionId }, target)).toEqual(copy);
      expect(await store.listVersions(object.key)).toHaveLength(length);
    });

    test('of an absent object fails', async () => {
      const { store } = get();
      expect(await codeOf(store.copyToClass({ key: newObject().key }, 'GLACIER'))).toBe('artifact_not_found');
    });
  });

  describe('an archived object', () => {
    const { get, can } = openedStore(leg);

    test('refuses reads until it is restored, and can then be copied back', async () => {
      const opened = get();
      const { store } = opened;
      const object = newObject();
      const { key } = object;
      await store.put(object, BODY);
      if (!can('storage classes')) {
        expect(await codeOf(store.restore({ key }, { tier: 'Standard', days: 1 }))).toBe('not_supported');
        expect(await bytesOf(await store.read({ key }))).toEqual(BODY);
        return;
      }
      await store.copyToClass({ key }, 'GLACIER');
      expect(await store.head({ key })).toMatchObject({ storageClass: 'GLACIER', restore: null });
      expect(await codeOf(store.read({ key }))).toBe('not_downloadable');
      expect((await opened.send(await store.presignGet({ key, fileName: 'a' }, 60))).status).toBe(403);
      expect(await codeOf(store.copyToClass({ key }, 'STANDARD'))).toBe('not_downloadable');

      await store.restore({ key }, { tier: 'Expedited', days: 2 });
      await opened.holdRestore(key);
      await store.restore({ key }, { tier: 'Expedited', days: 2 });
      expect((await store.head({ key }))?.restore).toEqual({ inProgress: true, expiresAtMs: null });
      expect(await codeOf(store.read({ key }))).toBe('not_downloadable');

      await opened.finishRestores();
      const restored = await store.head({ key });
      expect(restored).toMatchObject({ storageClass: 'GLACIER', restore: { inProgress: false } });
      expect(restored?.restore?.expiresAtMs).toBeGreaterThan(Date.now());
      expect(await bytesOf(await store.read({ key }))).toEqual(BODY);
      await store.restore({ key }, { tier: 'Standard', days: 1 });

      const back = await store.copyToClass({ key }, 'STANDARD');
      expect(back).toMatchObject({ storageClass: 'STANDARD', owner: object.owner, restore: null });
      expect(await store.getTags({ key })).toEqual(object.tags);
    });

    test('that is not archived needs no restore', async () => {
      const { store } = get();
      const object = newObject();
      await store.put(object, BODY);
      const code = await codeOf(store.restore({ key: object.key }, { tier: 'Bulk', days: 1 }));
      expect(code).toBe(can('storage classes') ? 'no error' : 'not_supported');
    });

    test('that is absent cannot be restored', async () => {
      const code = await codeOf(get().store.restore({ key: newObject().key }, { tier: 'Bulk', days: 1 }));
      expect(code).toBe(can('storage classes') ? 'artifact_not_found' : 'not_supported');
    });
  });
}
