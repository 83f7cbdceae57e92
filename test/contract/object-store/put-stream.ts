import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { NewObject, ObjectInfo, ObjectStore } from '../../../src/storage/object-store.js';
import { bytesOf, chunksOf, MIB, newObject, openedStore, sha256Of } from './fixtures.js';
import type { StoreLeg } from './suite.js';

const SMALL = Buffer.from('{"version":1}\n');
/** Three parts on a real store. */
const LARGE = randomBytes(20 * MIB);
const MULTIPART_ETAG = /-\d+"?$/;

export function putStreamTests(leg: StoreLeg): void {
  describe('putStream', () => {
    const { get, can } = openedStore(leg);

    const write = async (store: ObjectStore, object: NewObject, body: Buffer, replaces: string | null = null) => {
      const info = await store.putStream(object, chunksOf(body), replaces);
      if (info === null) throw new Error('nothing was written');
      return info;
    };
    const contentOf = async (store: ObjectStore, { key }: NewObject) => bytesOf(await store.read({ key }));

    test('writes few bytes in one request, with type, owner and tags, and tells what is there', async () => {
      const { store } = get();
      const object = newObject();
      const info = await write(store, object, SMALL);
      expect(info).toMatchObject({ key: object.key, sizeBytes: SMALL.length, mimeType: object.mimeType });
      expect(info.owner).toEqual(object.owner);
      expect(info.etag).not.toMatch(MULTIPART_ETAG);
      expect(info.sha256).toBe(sha256Of(SMALL));
      expect(await store.head({ key: object.key })).toEqual(info);
      expect(await store.getTags({ key: object.key })).toEqual(object.tags);
      expect(await contentOf(store, object)).toEqual(SMALL);
    });

    test('writes nothing at all as an empty object', async () => {
      const { store } = get();
      expect(await write(store, newObject(), Buffer.alloc(0))).toMatchObject({ sizeBytes: 0 });
    });

    test('writes many bytes whole, and leaves no upload behind', async () => {
      const { store } = get();
      const object = newObject('large.bin');
      const info = await write(store, object, LARGE);
      expect(info).toMatchObject({ sizeBytes: LARGE.length, owner: object.owner });
      expect(sha256Of(await contentOf(store, object))).toBe(sha256Of(LARGE));
      expect(await store.listUploads(object.key)).toEqual([]);
    });

    test.for([
      ['before its first byte', 0],
      ['in the middle of the first part', 3 * MIB],
      ['when parts were sent already', 19 * MIB],
    ] as const)('that breaks off %s throws what its source threw, and nothing stays', async ([, afterBytes]) => {
      const { store } = get();
      const object = newObject('broken.bin');
      const broken = new Error('the rows cannot be read');
      async function* source(): AsyncGenerator<Buffer> {
        yield* chunksOf(LARGE.subarray(0, afterBytes));
        throw broken;
      }
      await expect(store.putStream(object, source(), null)).rejects.toBe(broken);
      expect(await store.head({ key: object.key })).toBeNull();
      expect(await store.listUploads(object.key)).toEqual([]);
    });

    const buckets: [string, () => ObjectStore][] = [
      ['with versions', () => get().store],
      ['without versions', () => get().unversioned],
    ];
    describe.each(buckets)('in a bucket %s', (_, storeOf) => {
      test('replaces the object that it was told of', async () => {
        const store = storeOf();
        const object = newObject();
        const first = await write(store, object, SMALL);
        const second = await write(store, object, Buffer.from('2'), first.etag);
        expect(await store.head({ key: object.key })).toEqual(second);
        expect(await contentOf(store, object)).toEqual(Buffer.from('2'));
      });

      /** What must not be replaced, tried with few bytes and with many. */
      async function isRefused(there: ObjectInfo | null, replaces: string | null, object: NewObject): Promise<void> {
        const store = storeOf();
        const bodies = can('compare with the current object when parts are joined') ? [SMALL, LARGE] : [SMALL];
        for (const body of bodies) expect(await store.putStream(object, chunksOf(body), replaces)).toBeNull();
        expect(await store.head({ key: object.key })).toEqual(there);
        expect(await store.listUploads(object.key)).toEqual([]);
      }

      test('writes nothing over an object when there should be none', async () => {
        const object = newObject();
        await isRefused(await write(storeOf(), object, Buffer.from('there')), null, object);
      });

      test('writes nothing over another object than it was told of', async () => {
        const object = newObject();
        const first = await write(storeOf(), object, Buffer.from('first'));
        const there = await write(storeOf(), object, Buffer.from('second'), first.etag);
        await isRefused(there, first.etag, object);
      });

      test('writes nothing when the object that it was told of is gone', async () => {
        const object = newObject();
        const first = await write(storeOf(), object, Buffer.from('first'));
        await storeOf().deleteVersion(object.key, first.versionId);
        await isRefused(null, first.etag, object);
      });

      test('of ten that would replace the same object writes one', async () => {
        const store = storeOf();
        const object = newObject();
        const first = await write(store, object, SMALL);
        const tries = Array.from({ length: 10 }, (_each, index) =>
          store.putStream(object, chunksOf(Buffer.from(`try ${index}`)), first.etag),
        );
        const written = (await Promise.all(tries)).filter((info) => info !== null);
        expect(written).toEqual([await store.head({ key: object.key })]);
      });
    });
  });
}
