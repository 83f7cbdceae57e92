import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { newObject, openedStore, sha256Of, signPut, tampered, withHeader } from './fixtures.js';
import type { StoreLeg } from './suite.js';

const BODY = Buffer.from('hello, durable world\n');

export function singlePutTests(leg: StoreLeg): void {
  describe('a signed PUT', () => {
    const { get, can } = openedStore(leg);

    test('stores the bytes with type, owner, checksum and tags', async () => {
      const { store, send } = get();
      const object = newObject();
      const request = await signPut(store, object, BODY);
      expect((await send(request, BODY)).status).toBe(200);
      expect(await store.head({ key: object.key })).toMatchObject({
        key: object.key,
        sizeBytes: BODY.length,
        mimeType: object.mimeType,
        storageClass: 'STANDARD',
        owner: { ...object.owner, sha256: sha256Of(BODY) },
        sha256: can('keep checksums of signed uploads') ? sha256Of(BODY) : null,
        restore: null,
      });
      expect(await store.getTags({ key: object.key })).toEqual(object.tags);
    });

    test('lives as long as was asked for and carries no header that is not signed', async () => {
      // A signature knows whole seconds.
      const beforeMs = Date.now() - 1_000;
      const request = await signPut(get().store, newObject(), BODY, 90);
      expect(request.method).toBe('PUT');
      expect(request.expiresAtMs).toBeGreaterThanOrEqual(beforeMs + 90_000);
      expect(request.expiresAtMs).toBeLessThanOrEqual(Date.now() + 90_000);
      expect(request.headers).toMatchObject({ 'content-length': String(BODY.length) });
      expect(Object.keys(request.headers)).not.toContain('host');
    });

    test('stores an empty object', async () => {
      const { store, send } = get();
      const object = newObject('empty.txt');
      const empty = Buffer.alloc(0);
      expect((await send(await signPut(store, object, empty), empty)).status).toBe(200);
      expect(await store.head({ key: object.key })).toMatchObject({ sizeBytes: 0 });
    });

    test('stores an object without tags', async () => {
      const { store, send } = get();
      const object = { ...newObject(), tags: {} };
      expect((await send(await signPut(store, object, BODY), BODY)).status).toBe(200);
      expect(await store.getTags({ key: object.key })).toEqual({});
    });

    test('with other bytes of the same length is refused', async () => {
      const { store, send } = get();
      const object = newObject();
      const request = await signPut(store, object, BODY);
      const { status } = await send(request, tampered(BODY));
      // Where it is not refused, the store must at least not claim the signed checksum: uploads are read back then.
      expect(status).toBe(can('refuse other bytes') ? 400 : 200);
      const stored = await store.head({ key: object.key });
      if (can('refuse other bytes')) expect(stored).toBeNull();
      else expect(stored?.sha256).not.toBe(sha256Of(BODY));
    });

    test('with another length is refused', async () => {
      const { store, send } = get();
      const object = newObject();
      const request = await signPut(store, object, BODY);
      const longer = Buffer.concat([BODY, Buffer.from('!')]);
      const { status } = await send(request, longer);
      expect(status).toBe(can('refuse a broken signature') ? 403 : 200);
      const stored = await store.head({ key: object.key });
      expect(stored?.sizeBytes ?? null).toBe(can('refuse a broken signature') ? null : longer.length);
    });

    test('is refused when any of its headers is missing or different', async () => {
      const { store, send } = get();
      const expected = can('refuse a broken signature') ? 403 : 200;
      const object = newObject();
      const request = await signPut(store, object, BODY);
      // The client writes the length by itself.
      const names = Object.keys(request.headers).filter((name) => name !== 'content-length');
      expect(names).toContain('content-type');
      const dropped = await Promise.all(names.map((name) => send(withHeader(request, name, undefined), BODY)));
      expect(dropped.map((answer) => answer.status)).toEqual(names.map(() => expected));
      const other = await send(withHeader(request, 'content-type', 'text/html'), BODY);
      expect(other.status).toBe(expected);
      expect((await store.head({ key: object.key })) === null).toBe(can('refuse a broken signature'));
    });

    test('is refused after its time', async () => {
      const { store, send } = get();
      const object = newObject();
      const request = await signPut(store, object, BODY, 1);
      await sleep(2_100);
      expect((await send(request, BODY)).status).toBe(can('refuse an expired URL') ? 403 : 200);
      expect((await store.head({ key: object.key })) === null).toBe(can('refuse an expired URL'));
    });

    test.for([
      'a b.txt',
      'a+b&c=d.txt',
      '100%.txt',
      "it's (1)!*.md",
      '보고서 최종.pdf',
      'café~x.txt',
      '🚀.bin',
      'q?x#y.txt',
    ])('works under the key of the file name %s', async (fileName) => {
      const { store, send } = get();
      const object = newObject(fileName);
      expect((await send(await signPut(store, object, BODY), BODY)).status).toBe(200);
      expect((await store.head({ key: object.key }))?.owner?.artifactId).toBe(object.owner.artifactId);
      const [version, ...others] = await store.listVersions(object.key);
      expect(version?.key).toBe(object.key);
      expect(others).toEqual([]);
      const download = await send(await store.presignGet({ key: object.key, fileName }, 60));
      expect(download.body).toEqual(BODY);
      await store.deleteVersion(object.key, version?.versionId ?? null);
      expect(await store.head({ key: object.key })).toBeNull();
    });

    test('of a name of more than 255 bytes reaches the store', async () => {
      const { store, send } = get();
      const object = newObject(`${'가'.repeat(90)}.txt`);
      const { status } = await send(await signPut(store, object, BODY), BODY);
      expect(status).toBe(can('names of more than 255 bytes') ? 200 : 409);
    });

    test('below the name of another object reaches the store', async () => {
      const { store, send } = get();
      const object = newObject('results');
      const below = { ...object, key: `${object.key}/table.csv` };
      await send(await signPut(store, object, BODY), BODY);
      const { status } = await send(await signPut(store, below, BODY), BODY);
      expect(status).toBe(can('an object below another object') ? 200 : 409);
    });
  });

  describe('put', () => {
    const { get } = openedStore(leg);

    test('writes the bytes with type, owner and tags, and tells what is there', async () => {
      const { store } = get();
      const object = newObject('metadata.json');
      const info = await store.put(object, BODY);
      expect(info).toMatchObject({ key: object.key, sizeBytes: BODY.length, owner: object.owner });
      expect(info.versionId).not.toBeNull();
      expect(await store.head({ key: object.key })).toEqual(info);
      expect(await store.getTags({ key: object.key })).toEqual(object.tags);
    });

    test('replaces what was there and keeps it as an older version', async () => {
      const { store } = get();
      const object = newObject();
      const first = await store.put(object, Buffer.from('1'));
      const second = await store.put(object, Buffer.from('22'));
      expect((await store.head({ key: object.key }))?.versionId).toBe(second.versionId);
      expect(await store.head({ key: object.key, versionId: first.versionId })).toEqual(first);
    });
  });
}
