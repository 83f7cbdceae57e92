import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { bytesOf, codeOf, MIB, newObject, openedStore } from './fixtures.js';
import type { StoreLeg } from './suite.js';

const BODY = Buffer.from('0123456789');

export function downloadTests(leg: StoreLeg): void {
  describe('a signed GET', () => {
    const { get, can } = openedStore(leg);

    test('is answered as an attachment under the real name, whatever the type is', async () => {
      const { store, send } = get();
      const object = { ...newObject('보고서 "최종".html'), mimeType: 'text/html' };
      await store.put(object, BODY);
      const request = await store.presignGet({ key: object.key, fileName: '보고서 "최종".html' }, 60);
      expect(request).toMatchObject({ method: 'GET', headers: {} });
      const answer = await send(request);
      expect(answer.status).toBe(200);
      expect(answer.body).toEqual(BODY);
      expect(answer.headers['content-type']).toBe('application/octet-stream');
      expect(answer.headers['content-disposition']).toMatch(/^attachment; /);
      expect(answer.headers['content-disposition']).toContain(
        "filename*=UTF-8''%EB%B3%B4%EA%B3%A0%EC%84%9C%20%22%EC%B5%9C%EC%A2%85%22.html",
      );
    });

    test('reaches an older version when it was signed for one', async () => {
      const { store, send } = get();
      const object = newObject();
      const { versionId } = await store.put(object, Buffer.from('old'));
      await store.put(object, Buffer.from('new'));
      const request = await store.presignGet({ key: object.key, versionId, fileName: 'a.txt' }, 60);
      expect((await send(request)).body.toString()).toBe('old');
    });

    test('is refused after its time', async () => {
      const { store, send } = get();
      const object = newObject();
      await store.put(object, BODY);
      const request = await store.presignGet({ key: object.key, fileName: 'a.txt' }, 1);
      await sleep(2_100);
      expect((await send(request)).status).toBe(can('refuse an expired URL') ? 403 : 200);
    });

    test('of an object that is not there is refused', async () => {
      const { store, send } = get();
      const request = await store.presignGet({ key: newObject().key, fileName: 'a.txt' }, 60);
      // 403 from a store that does not tell who may not list what exists.
      expect([403, 404]).toContain((await send(request)).status);
    });
  });

  describe('read', () => {
    const { get } = openedStore(leg);

    test('gives all bytes of the newest version, or of the one that is named', async () => {
      const { store } = get();
      const object = newObject();
      const { versionId } = await store.put(object, Buffer.from('old'));
      await store.put(object, BODY);
      expect(await bytesOf(await store.read({ key: object.key }))).toEqual(BODY);
      expect((await bytesOf(await store.read({ key: object.key, versionId }))).toString()).toBe('old');
    });

    test('gives nothing of an empty object, which is not the same as none', async () => {
      const { store } = get();
      const object = newObject();
      await store.put(object, Buffer.alloc(0));
      expect(await bytesOf(await store.read({ key: object.key }))).toEqual(Buffer.alloc(0));
    });

    test.for([
      [0, 0, '0'],
      [2, 4, '234'],
      [7, 100, '789'],
    ] as const)('gives the bytes from %i to %i', async ([start, end, expected]) => {
      const { store } = get();
      const object = newObject();
      await store.put(object, BODY);
      const bytes = await bytesOf(await store.read({ key: object.key }, { range: { start, end } }));
      expect(bytes.toString()).toBe(expected);
    });

    test('refuses a range that begins past the end', async () => {
      const { store } = get();
      const object = newObject();
      await store.put(object, BODY);
      const past = store.read({ key: object.key }, { range: { start: 10, end: 12 } });
      expect(await codeOf(past)).toBe('range_not_satisfiable');
    });

    test('answers null for an object that is absent or hidden', async () => {
      const { store } = get();
      const object = newObject();
      expect(await store.read({ key: object.key })).toBeNull();
      await store.put(object, BODY);
      await store.addDeleteMarker(object.key);
      expect(await store.read({ key: object.key })).toBeNull();
    });

    test('stops when the caller gives up, before and in the middle', async () => {
      const { store } = get();
      const object = newObject('big.bin');
      await store.put(object, Buffer.alloc(8 * MIB));
      const signal = AbortSignal.abort();
      expect(await codeOf(store.read({ key: object.key }, { signal }))).toBe('aborted');
      const controller = new AbortController();
      const body = await store.read({ key: object.key }, { signal: controller.signal });
      const reading = (async () => {
        for await (const chunk of body ?? []) {
          expect(chunk).toBeInstanceOf(Buffer);
          controller.abort();
        }
      })();
      expect(await codeOf(reading)).toBe('aborted');
      expect(body?.destroyed).toBe(true);
    });
  });
}
