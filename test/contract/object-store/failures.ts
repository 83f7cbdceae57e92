import { describe, expect, test } from 'vitest';
import type { ObjectStore } from '../../../src/storage/object-store.js';
import { chunksOf, codeOf, newObject, openedStore } from './fixtures.js';
import type { StoreLeg } from './suite.js';

const BODY = Buffer.from('x');
const object = newObject();
const { key } = object;

/** Every verb that talks to the store. */
const verbs: [string, (store: ObjectStore) => Promise<unknown>][] = [
  ['checkBucket', (store) => store.checkBucket()],
  ['createUpload', (store) => store.createUpload(object)],
  ['listUploads', (store) => store.listUploads(key)],
  ['put', (store) => store.put(object, BODY)],
  ['putStream', (store) => store.putStream(object, chunksOf(BODY), null)],
  ['read', (store) => store.read({ key })],
  ['head', (store) => store.head({ key })],
  ['listVersions', (store) => store.listVersions(key)],
  ['deleteVersion', (store) => store.deleteVersion(key, null)],
  ['getTags', (store) => store.getTags({ key })],
  ['putTags', (store) => store.putTags({ key }, {})],
  ['copyToClass', (store) => store.copyToClass({ key }, 'GLACIER')],
];

export function failureTests(leg: StoreLeg): void {
  describe('a bucket', () => {
    const { get } = openedStore(leg);

    test('that exists passes the check', async () => {
      expect(await codeOf(get().store.checkBucket())).toBe('no error');
    });

    test.for(verbs)('that does not exist is never taken for an absent object by %s', async ([, run]) => {
      expect(await codeOf(run(get().withoutBucket))).toBe('bucket_not_found');
    });
  });

  describe('a server that is not there', () => {
    const { get } = openedStore(leg);

    test.for(verbs)('is reported as unavailable within ten seconds by %s', async ([, run]) => {
      const startMs = Date.now();
      expect(await codeOf(run(get().unreachable))).toBe('storage_unavailable');
      expect(Date.now() - startMs).toBeLessThan(10_000);
    });
  });
}
