import { describe, expect, test } from 'vitest';
import type { NewObject, SignedRequest, UploadedPart } from '../../../src/storage/object-store.js';
import { crc32Of } from '../../../src/storage/crc32.js';
import { bytesOf, codeOf, inParallel, MIB, newObject, openedStore, tampered } from './fixtures.js';
import type { StoreLeg, StoreUnderTest } from './suite.js';

/** Two parts: S3 wants at least 5 MiB of each but the last. */
const PARTS = [Buffer.alloc(5 * MIB, 'ab'), Buffer.from('the end')];

const signPart = (
  { store }: StoreUnderTest,
  { key, uploadId }: { key: string; uploadId: string },
  partNumber: number,
  body: Buffer,
): Promise<SignedRequest> =>
  store.presignPart({ key, uploadId, partNumber, sizeBytes: body.length, crc32: crc32Of(body) }, 60);

/** Creates an upload and sends its parts. */
async function uploadParts(
  opened: StoreUnderTest,
  object: NewObject,
  bodies = PARTS,
): Promise<{ key: string; uploadId: string; parts: UploadedPart[] }> {
  const { key } = object;
  const uploadId = await opened.store.createUpload(object);
  for (const [index, body] of bodies.entries()) {
    const request = await signPart(opened, { key, uploadId }, index + 1, body);
    expect((await opened.send(request, body)).status).toBe(200);
  }
  return { key, uploadId, parts: (await opened.store.listParts(key, uploadId)) ?? [] };
}

export function multipartTests(leg: StoreLeg): void {
  describe('a multipart upload', () => {
    const { get, can } = openedStore(leg);

    test('joins signed parts into one object with type, owner and tags', async () => {
      const { store } = get();
      const object = newObject('big.bin');
      const { key, uploadId, parts } = await uploadParts(get(), object);
      const info = await store.completeUpload({ key, uploadId, artifactId: object.owner.artifactId, parts });
      expect(info).toMatchObject({
        key,
        sizeBytes: 5 * MIB + 7,
        mimeType: object.mimeType,
        owner: object.owner,
        // A checksum of checksums is not one of the file.
        sha256: null,
      });
      expect(await store.getTags({ key })).toEqual(object.tags);
      expect((await bytesOf(await store.read({ key }))).equals(Buffer.concat(PARTS))).toBe(true);
      expect(await store.listParts(key, uploadId)).toBeNull();
      expect(await store.listUploads(key)).toEqual([]);
    });

    test('lists its parts by number with size and checksum', async () => {
      const { store } = get();
      const object = newObject('big.bin');
      const { key } = object;
      const uploadId = await store.createUpload(object);
      expect(await store.listParts(key, uploadId)).toEqual([]);
      for (const partNumber of [3, 1]) {
        const body = Buffer.from(`part ${partNumber}`);
        await get().send(await signPart(get(), { key, uploadId }, partNumber, body), body);
      }
      const crc32 = (text: string): string | null =>
        can('keep checksums of signed uploads') ? crc32Of(Buffer.from(text)) : null;
      const parts = (await store.listParts(key, uploadId)) ?? [];
      expect(parts).toMatchObject([
        { partNumber: 1, sizeBytes: 6, crc32: crc32('part 1') },
        { partNumber: 3, sizeBytes: 6, crc32: crc32('part 3') },
      ]);
      expect(parts.every((part) => part.etag.length > 0)).toBe(true);
      await store.abortUpload(key, uploadId);
    });

    test('lists more parts than fit on one page', async () => {
      const { store } = get();
      const object = newObject('many.bin');
      const { key } = object;
      const uploadId = await store.createUpload(object);
      const body = Buffer.from('x');
      await inParallel(1_001, async (index) => {
        await get().send(await signPart(get(), { key, uploadId }, index + 1, body), body);
      });
      const parts = await store.listParts(key, uploadId);
      expect(parts?.map((part) => part.partNumber)).toEqual(Array.from({ length: 1_001 }, (_, index) => index + 1));
      await store.abortUpload(key, uploadId);
    });

    test('keeps the later of two parts with the same number', async () => {
      const { store } = get();
      const object = newObject('big.bin');
      const { key, uploadId } = await uploadParts(get(), object, [Buffer.from('old')]);
      const body = Buffer.from('newer');
      await get().send(await signPart(get(), { key, uploadId }, 1, body), body);
      const parts = (await store.listParts(key, uploadId)) ?? [];
      expect(parts.map((part) => part.sizeBytes)).toEqual([5]);
      await store.completeUpload({ key, uploadId, artifactId: object.owner.artifactId, parts });
      expect(await bytesOf(await store.read({ key }))).toEqual(body);
    });

    test('refuses a part with other bytes or another length', async () => {
      const { store, send } = get();
      const object = newObject('big.bin');
      const { key } = object;
      const uploadId = await store.createUpload(object);
      const body = Buffer.from('exactly this');
      const request = await signPart(get(), { key, uploadId }, 1, body);
      const other = await send(request, tampered(body));
      const longer = await send(request, Buffer.concat([body, body]));
      expect(other.status).toBe(can('refuse other bytes') ? 400 : 200);
      expect(longer.status).toBe(can('refuse a broken signature') ? 403 : 200);
      expect(await store.listParts(key, uploadId)).toHaveLength(can('refuse other bytes') ? 0 : 1);
      await store.abortUpload(key, uploadId);
    });

    test('completed twice answers with the same object', async () => {
      const { store } = get();
      const object = newObject('big.bin');
      const upload = { ...(await uploadParts(get(), object)), artifactId: object.owner.artifactId };
      const first = await store.completeUpload(upload);
      expect(await store.completeUpload(upload)).toEqual(first);
      expect(await store.listVersions(object.key)).toHaveLength(1);
    });

    test('that is gone is complete when its object is there, and only then', async () => {
      const { store } = get();
      const object = newObject();
      const part: UploadedPart = {
        partNumber: 1,
        sizeBytes: 1,
        etag: `"${'0'.repeat(32)}"`,
        crc32: null,
        lastModifiedMs: 0,
      };
      const uploadId = await store.createUpload(object);
      await store.abortUpload(object.key, uploadId);
      const upload = { key: object.key, uploadId, parts: [part], artifactId: object.owner.artifactId };
      expect(await codeOf(store.completeUpload(upload))).toBe('upload_incomplete');
      const there = await store.put(object, Buffer.from('x'));
      expect(await store.completeUpload(upload)).toEqual(there);
      expect(await codeOf(store.completeUpload({ ...upload, artifactId: 'another' }))).toBe('upload_incomplete');
    });

    test('cannot be completed with parts that are not there', async () => {
      const { store } = get();
      const object = newObject('big.bin');
      const { key, uploadId, parts } = await uploadParts(get(), object, [Buffer.from('only')]);
      const upload = { key, uploadId, artifactId: object.owner.artifactId };
      const unknown = parts.map((part) => ({ ...part, etag: `"${'0'.repeat(32)}"` }));
      expect(await codeOf(store.completeUpload({ ...upload, parts: unknown }))).toBe('upload_incomplete');
      expect(await codeOf(store.completeUpload({ ...upload, parts: [] }))).toBe('upload_incomplete');
      expect(await store.listParts(key, uploadId)).toHaveLength(1);
      await store.abortUpload(key, uploadId);
    });

    test('aborted leaves nothing, and may be aborted again', async () => {
      const { store } = get();
      const object = newObject('big.bin');
      const { key, uploadId } = await uploadParts(get(), object);
      await store.abortUpload(key, uploadId);
      await store.abortUpload(key, uploadId);
      expect(await store.listParts(key, uploadId)).toBeNull();
      expect(await store.listUploads(key)).toEqual([]);
      expect(await store.head({ key })).toBeNull();
    });

    test('is found by its exact key or below a folder', async () => {
      const { store } = get();
      const object = newObject('a.bin');
      const sibling = { ...object, key: `${object.key}2` };
      const uploadId = await store.createUpload(object);
      const siblingId = await store.createUpload(sibling);
      const found = await store.listUploads(object.key);
      expect(found.map(({ key, uploadId: id }) => [key, id])).toEqual([[object.key, uploadId]]);
      expect(found[0]?.initiatedAtMs).toBeGreaterThan(0);
      const folder = object.key.slice(0, object.key.lastIndexOf('/') + 1);
      const below = await store.listUploads(folder);
      expect(below.map((upload) => upload.uploadId).sort()).toEqual([uploadId, siblingId].sort());
      await store.abortUpload(object.key, uploadId);
      await store.abortUpload(sibling.key, siblingId);
      expect(await store.listUploads(folder)).toEqual([]);
    });
  });
}
