import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ArtifactError } from '../../../src/domain/errors.js';
import { crc32Of } from '../../../src/storage/crc32.js';
import { bytesOf, chunksOf, codeOf, MIB, newObject, openedStore, sha256Of } from './fixtures.js';
import type { StoreLeg } from './suite.js';

const PART_BYTES = 5 * MIB;

/** Bytes that differ from part to part, without the cost of random ones. */
const someBytes = (sizeBytes: number): Buffer => {
  const bytes = Buffer.alloc(sizeBytes, 'durable artifacts');
  for (let start = 0; start < sizeBytes; start += MIB) bytes.writeUInt32BE(start, Math.min(start, sizeBytes - 4));
  return bytes;
};

/** Bytes on their way into a multipart upload that somebody has opened already. */
export function sendPartsTests(leg: StoreLeg): void {
  const { get, can } = openedStore(leg);
  const never = new AbortController().signal;

  const opened = async () => {
    const { store } = get();
    const object = newObject('stream.bin');
    return { store, object, key: object.key, uploadId: await store.createUpload(object), partSizeBytes: PART_BYTES };
  };

  describe('a multipart upload that is sent from a stream', () => {
    test.each([
      ['of some parts and a rest', 2 * PART_BYTES + 12_345, [PART_BYTES, PART_BYTES, 12_345]],
      ['that ends with a whole part', 2 * PART_BYTES, [PART_BYTES, PART_BYTES]],
      ['that fits into one part', 1_000, [1_000]],
    ])('%s has these parts with their checksums and times, and can be joined', async (_title, sizeBytes, sizes) => {
      const { store, object, ...upload } = await opened();
      const bytes = someBytes(sizeBytes);
      const beganAtMs = Date.now();

      await store.sendParts(upload, chunksOf(bytes, MIB), never);

      const parts = (await store.listParts(upload.key, upload.uploadId)) ?? [];
      expect(parts.map((part) => part.sizeBytes)).toEqual(sizes);
      // Stores tell whole seconds.
      for (const part of parts) expect(part.lastModifiedMs).toBeGreaterThan(beganAtMs - 2_000);
      const [first] = parts;
      if (first?.crc32 !== null) expect(first?.crc32).toBe(crc32Of(bytes.subarray(0, sizes[0])));
      expect(await store.head({ key: upload.key })).toBeNull();
      await store.completeUpload({ ...upload, artifactId: object.owner.artifactId, parts });
      const hash = createHash('sha256').update(await bytesOf(await store.read({ key: upload.key })));
      expect(hash.digest('hex')).toBe(sha256Of(bytes));
    });

    test('passes on what its source throws, and leaves the upload to its owner', async () => {
      const { store, object: _object, ...upload } = await opened();
      async function* breaking(): AsyncGenerator<Buffer> {
        yield* chunksOf(someBytes(PART_BYTES + 1), MIB);
        throw new ArtifactError('size_mismatch', 'it ends too early');
      }
      expect(await codeOf(store.sendParts(upload, breaking(), never))).toBe('size_mismatch');
      expect(await store.listParts(upload.key, upload.uploadId)).not.toBeNull();
      await store.abortUpload(upload.key, upload.uploadId);
      expect(await store.listUploads(upload.key)).toEqual([]);
    });

    test('fails when the upload is gone', async () => {
      const { store, object: _object, ...upload } = await opened();
      await store.abortUpload(upload.key, upload.uploadId);
      expect(await codeOf(store.sendParts(upload, chunksOf(someBytes(1_000), MIB), never))).toBe(
        can('say that an upload is gone') ? 'upload_incomplete' : 'storage_unavailable',
      );
    });

    test('ends when it is given up, also while its source says nothing', async () => {
      const { store, object: _object, ...upload } = await opened();
      const giveUp = new AbortController();
      async function* silent(): AsyncGenerator<Buffer> {
        yield* chunksOf(someBytes(2 * PART_BYTES + 1), MIB);
        giveUp.abort();
        yield* chunksOf(someBytes(PART_BYTES), MIB);
      }
      expect(await codeOf(store.sendParts(upload, silent(), giveUp.signal))).toBe('aborted');
      await store.abortUpload(upload.key, upload.uploadId);
    });
  });
}
