import { randomUUID } from 'node:crypto';
import { crc32Of } from '../crc32.js';
import type { NewObject, NewPart, PendingUpload, UploadedPart } from '../object-store.js';
import { md5Of } from './bucket.js';

interface StoredPart extends UploadedPart {
  body: Buffer;
}

type PartName = Pick<NewPart, 'key' | 'uploadId' | 'partNumber'>;

interface StoredUpload {
  object: NewObject;
  initiatedAtMs: number;
  parts: Map<number, StoredPart>;
}

/** Multipart uploads that are under way. */
export class MemoryUploads {
  readonly #uploads = new Map<string, StoredUpload>();

  create(object: NewObject, initiatedAtMs: number): string {
    const uploadId = randomUUID();
    this.#uploads.set(uploadId, { object, initiatedAtMs, parts: new Map() });
    return uploadId;
  }

  /** The same part number again replaces the part. @returns its ETag; null when there is no such upload. */
  addPart({ key, uploadId, partNumber }: PartName, body: Buffer, lastModifiedMs: number): string | null {
    const upload = this.#find(key, uploadId);
    if (upload === null) return null;
    const etag = `"${md5Of(body)}"`;
    upload.parts.set(partNumber, {
      partNumber,
      sizeBytes: body.length,
      etag,
      crc32: crc32Of(body),
      lastModifiedMs,
      body,
    });
    return etag;
  }

  parts(key: string, uploadId: string): UploadedPart[] | null {
    const upload = this.#find(key, uploadId);
    if (upload === null) return null;
    return [...upload.parts.values()]
      .sort((a, b) => a.partNumber - b.partNumber)
      .map(({ body: _body, ...part }) => part);
  }

  /**
   * Joins the parts and forgets the upload.
   * @returns null when there is no such upload; `incomplete` when a part is not the one that is there.
   */
  join(
    key: string,
    uploadId: string,
    parts: UploadedPart[],
  ): { object: NewObject; body: Buffer; etag: string } | 'incomplete' | null {
    const upload = this.#find(key, uploadId);
    if (upload === null) return null;
    const chosen: StoredPart[] = [];
    for (const { partNumber, etag } of parts) {
      const part = upload.parts.get(partNumber);
      if (part?.etag !== etag) return 'incomplete';
      chosen.push(part);
    }
    this.#uploads.delete(uploadId);
    chosen.sort((a, b) => a.partNumber - b.partNumber);
    const digests = Buffer.from(chosen.map((part) => part.etag.slice(1, -1)).join(''), 'hex');
    const body = Buffer.concat(chosen.map((part) => part.body));
    return { object: upload.object, body, etag: `"${md5Of(digests)}-${chosen.length}"` };
  }

  abort(key: string, uploadId: string): void {
    if (this.#find(key, uploadId) !== null) this.#uploads.delete(uploadId);
  }

  list(keyOrPrefix: string): PendingUpload[] {
    return [...this.#uploads]
      .map(([uploadId, { object, initiatedAtMs }]) => ({ key: object.key, uploadId, initiatedAtMs }))
      .filter(({ key }) => (keyOrPrefix.endsWith('/') ? key.startsWith(keyOrPrefix) : key === keyOrPrefix));
  }

  #find(key: string, uploadId: string): StoredUpload | null {
    const upload = this.#uploads.get(uploadId);
    return upload?.object.key === key ? upload : null;
  }
}

/** Cuts a stream; at least one part, if only an empty one. */
export async function* inParts(
  chunks: AsyncIterable<Buffer>,
  partSizeBytes: number,
): AsyncGenerator<{ partNumber: number; body: Buffer }> {
  let partNumber = 1;
  let waiting: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    waiting = Buffer.concat([waiting, chunk]);
    for (; waiting.length > partSizeBytes; partNumber += 1) {
      yield { partNumber, body: waiting.subarray(0, partSizeBytes) };
      waiting = waiting.subarray(partSizeBytes);
    }
  }
  yield { partNumber, body: waiting };
}
