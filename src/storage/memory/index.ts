import { create as contentDisposition } from 'content-disposition';
import { Readable } from 'node:stream';
import type { Tags } from '../../domain/artifact.js';
import { ArtifactError, type ErrorCode } from '../../domain/errors.js';
import { tierOfClass, type RestoreTier, type StorageClass } from '../../domain/tiers.js';
import { DAY_MS } from '../../domain/units.js';
import type * as port from '../object-store.js';
import { MemoryBucket, md5Of, sha256Of, type StoredVersion } from './bucket.js';
import { uploadsPage, versionsPage, type ListingOrder } from './pages.js';
import { respond, SignedRequests, type SignedResponse } from './signed-requests.js';
import { inParts, MemoryUploads } from './uploads.js';

/** What the fake is able to do; the default is everything that S3 does. */
export interface MemoryStoreOptions {
  /** Default `artifacts`. */
  bucket?: string;
  /** Keeps old versions. Default true. */
  versioning?: boolean;
  /** Has storage classes and restores. Default true. */
  storageClasses?: boolean;
  /** Refuses signed uploads with other bytes of the same length. Default true. */
  enforcesChecksums?: boolean;
  /** Of its inventory. Default `keys`. */
  listingOrder?: ListingOrder;
  /** The clock, epoch milliseconds. Default `Date.now`. */
  now?: () => number;
}

/**
 * An object store in the memory of this process, for tests. Signed requests are delivered with {@link receive}, restores end
 * with {@link finishRestores}, and {@link outage} makes every call fail.
 */
export class MemoryObjectStore implements port.ObjectStore {
  readonly bucket: string;
  /** While set, every call is answered with this error and signed requests with status 503. */
  outage: ErrorCode | null = null;
  /** How often each verb was called. */
  readonly calls = new Map<string, number>();
  readonly #objects: MemoryBucket;
  readonly #uploads = new MemoryUploads();
  readonly #signed: SignedRequests;
  readonly #storageClasses: boolean;
  readonly #listingOrder: ListingOrder;
  readonly #now: () => number;

  constructor(options: MemoryStoreOptions = {}) {
    this.bucket = options.bucket ?? 'artifacts';
    // Looked up each time: a test may put another clock in its place.
    this.#now = options.now ?? (() => Date.now());
    this.#listingOrder = options.listingOrder ?? 'keys';
    this.#storageClasses = options.storageClasses ?? true;
    this.#objects = new MemoryBucket(options.versioning ?? true, this.#now);
    this.#signed = new SignedRequests(this.#now, options.enforcesChecksums ?? true);
  }

  async checkBucket(): Promise<void> {
    await this.#enter('checkBucket');
  }

  close(): void {
    // Nothing is open.
  }

  async presignPut(
    object: port.NewObject & { sizeBytes: number; sha256: string },
    expiresInSeconds: number,
  ): Promise<port.SignedRequest> {
    await this.#enter('presignPut');
    const owner = { ...object.owner, sha256: object.owner.sha256 ?? object.sha256 };
    const headers = {
      'content-length': String(object.sizeBytes),
      'content-type': object.mimeType,
      'x-memory-sha256': object.sha256,
    };
    return this.#signed.issue({ kind: 'put', object: { ...object, owner } }, headers, expiresInSeconds);
  }

  async createUpload(object: port.NewObject): Promise<string> {
    await this.#enter('createUpload');
    return this.#uploads.create(object, this.#now());
  }

  async presignPart(part: port.NewPart, expiresInSeconds: number): Promise<port.SignedRequest> {
    await this.#enter('presignPart');
    const headers = { 'content-length': String(part.sizeBytes), 'x-memory-crc32': part.crc32 };
    return this.#signed.issue({ kind: 'part', part }, headers, expiresInSeconds);
  }

  async listParts(key: string, uploadId: string): Promise<port.UploadedPart[] | null> {
    await this.#enter('listParts');
    return this.#uploads.parts(key, uploadId);
  }

  async completeUpload({ key, uploadId, artifactId, parts }: port.UploadToComplete): Promise<port.ObjectInfo> {
    await this.#enter('completeUpload');
    const joined = parts.length === 0 ? 'incomplete' : this.#uploads.join(key, uploadId, parts);
    const existing = this.#objects.find({ key });
    if (joined === null && existing?.owner?.artifactId === artifactId) return this.#objects.info(existing);
    if (joined === null || joined === 'incomplete')
      throw this.#error('upload_incomplete', `completeUpload on ${key}: parts are missing`, key);
    return this.#objects.info(this.#store(joined.object, joined.body, { etag: joined.etag, sha256: null }));
  }

  async abortUpload(key: string, uploadId: string): Promise<void> {
    await this.#enter('abortUpload');
    this.#uploads.abort(key, uploadId);
  }

  async listUploads(keyOrPrefix: string): Promise<port.PendingUpload[]> {
    await this.#enter('listUploads');
    return this.#uploads.list(keyOrPrefix);
  }

  async put(object: port.NewObject, body: Buffer): Promise<port.ObjectInfo> {
    await this.#enter('put');
    return this.#objects.info(this.#storeWhole(object, body));
  }

  async putStream(
    object: port.NewObject,
    chunks: AsyncIterable<Buffer>,
    replaces: string | null,
  ): Promise<port.ObjectInfo | null> {
    await this.#enter('putStream');
    const parts: Buffer[] = [];
    for await (const chunk of chunks) parts.push(chunk);
    if ((this.#objects.find(object)?.etag ?? null) !== replaces) return null;
    return this.#objects.info(this.#storeWhole(object, Buffer.concat(parts)));
  }

  async sendParts(upload: port.PartsToSend, chunks: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
    await this.#enter('sendParts', { signal });
    for await (const { partNumber, body } of inParts(chunks, upload.partSizeBytes)) {
      this.#refuse('sendParts', signal);
      if (this.#uploads.addPart({ ...upload, partNumber }, body, this.#now()) === null)
        throw this.#error('upload_incomplete', `there is no upload ${upload.uploadId}`, upload.key);
    }
  }

  async presignGet(
    object: port.ObjectRef & { fileName: string },
    expiresInSeconds: number,
  ): Promise<port.SignedRequest> {
    await this.#enter('presignGet');
    return this.#signed.issue({ kind: 'get', object }, {}, expiresInSeconds);
  }

  async read(
    object: port.ObjectRef,
    { range, signal }: { range?: port.ByteRange; signal?: AbortSignal } = {},
  ): Promise<Readable | null> {
    await this.#enter('read');
    if (signal?.aborted === true) throw this.#error('aborted', 'the read was aborted', object.key);
    const found = this.#objects.find(object);
    if (found === null) return null;
    this.#requireReadable(found);
    const { body } = found;
    if (range !== undefined && range.start >= body.length)
      throw this.#error('range_not_satisfiable', `byte ${range.start} is past the end`, object.key);
    // In pieces, as from a network.
    const bytes = range === undefined ? body : body.subarray(range.start, range.end + 1);
    const stream = Readable.from(slices(bytes, 65_536), { objectMode: false });
    signal?.addEventListener('abort', () => {
      stream.destroy(this.#error('aborted', 'the read was aborted', object.key));
    });
    return stream;
  }

  async head(object: port.ObjectRef): Promise<port.ObjectInfo | null> {
    await this.#enter('head');
    const found = this.#objects.find(object);
    return found === null ? null : this.#objects.info(found);
  }

  async listVersions(key: string): Promise<port.ObjectVersion[]> {
    await this.#enter('listVersions');
    return this.#objects
      .list(key)
      .map(({ etag: _etag, storageClass: _class, lastModifiedMs: _modified, ...version }) => version);
  }

  async listInventory(query: port.InventoryQuery): Promise<{ versions: port.ListedVersion[]; cursor: string | null }> {
    await this.#enter('listInventory');
    return versionsPage(this.#objects, this.#listingOrder, query);
  }

  async listPendingUploads(
    query: port.InventoryQuery,
  ): Promise<{ uploads: port.PendingUpload[]; cursor: string | null }> {
    await this.#enter('listPendingUploads');
    return uploadsPage(this.#uploads, query);
  }

  async deleteVersion(key: string, versionId: string | null, options?: port.Revocable): Promise<void> {
    await this.#enter('deleteVersion', options);
    this.#objects.remove(key, versionId);
  }

  async addDeleteMarker(key: string, options?: port.Revocable): Promise<string | null> {
    await this.#enter('addDeleteMarker', options);
    return this.#objects.addDeleteMarker(key);
  }

  async copyToClass(object: port.ObjectRef, storageClass: StorageClass): Promise<port.ObjectInfo> {
    await this.#enter('copyToClass');
    const source = this.#require(object);
    const current = this.#objects.find({ key: object.key });
    const isSame = current?.owner?.artifactId === source.owner?.artifactId;
    if (current?.storageClass === storageClass && isSame) return this.#objects.info(current);
    this.#requireClasses('copyToClass', object.key);
    this.#requireReadable(source);
    return this.#objects.info(this.#objects.add({ ...source, storageClass, restore: null }));
  }

  async restore(object: port.ObjectRef, options: { tier: RestoreTier; days: number }): Promise<void> {
    await this.#enter('restore');
    const found = this.#require(object);
    this.#requireClasses('restore', object.key);
    if (tierOfClass(found.storageClass) !== 'COLD') return;
    found.restoreDays = options.days;
    if (!this.#objects.isReadable(found)) found.restore = { inProgress: true, expiresAtMs: null };
    else found.restore = { inProgress: false, expiresAtMs: this.#now() + options.days * DAY_MS };
  }

  async getTags(object: port.ObjectRef): Promise<Tags | null> {
    await this.#enter('getTags');
    const found = this.#objects.find(object);
    return found === null ? null : { ...found.tags };
  }

  async putTags(object: port.ObjectRef, tags: Tags, options?: port.Revocable): Promise<void> {
    await this.#enter('putTags', options);
    this.#require(object).tags = { ...tags };
  }

  /** Delivers a signed request, as a client would send it over the wire. */
  async receive(request: port.SignedRequest, body: Buffer = Buffer.alloc(0)): Promise<SignedResponse> {
    await Promise.resolve();
    if (this.outage !== null) return respond(503);
    const grant = this.#signed.check(request, body);
    if ('status' in grant) return grant;
    if (grant.kind === 'put') return this.#accepted(this.#storeWhole(grant.object, body).etag);
    if (grant.kind === 'get') return this.#answerGet(grant.object);
    const etag = this.#uploads.addPart(grant.part, body, this.#now());
    return etag === null ? respond(404) : this.#accepted(etag);
  }

  /** Ends every restore that is under way: the bytes can be read for as many days as were asked for. */
  finishRestores(): void {
    for (const version of this.#objects.all()) {
      if (version.restore?.inProgress !== true) continue;
      version.restore = { inProgress: false, expiresAtMs: this.#now() + version.restoreDays * DAY_MS };
    }
  }

  /** Puts a version into another class where it is, as a rule of the bucket does. */
  moveByRule(object: port.ObjectRef, storageClass: StorageClass): void {
    this.#require(object).storageClass = storageClass;
  }

  /** Keys that have at least one version or marker. */
  keys(): string[] {
    return this.#objects.keys();
  }

  #answerGet(object: port.ObjectRef & { fileName: string }): SignedResponse {
    const found = this.#objects.find(object);
    if (found === null) return respond(404);
    if (!this.#objects.isReadable(found)) return respond(403);
    const headers = {
      etag: found.etag,
      'content-type': 'application/octet-stream',
      'content-disposition': contentDisposition(object.fileName),
    };
    return respond(200, { etag: found.etag, headers, body: found.body });
  }

  #accepted(etag: string): SignedResponse {
    return respond(200, { etag, headers: { etag } });
  }

  #storeWhole(object: port.NewObject, body: Buffer): StoredVersion {
    return this.#store(object, body, { etag: `"${md5Of(body)}"`, sha256: sha256Of(body) });
  }

  #store(object: port.NewObject, body: Buffer, sums: { etag: string; sha256: string | null }): StoredVersion {
    const { key, mimeType, owner, tags } = structuredClone(object);
    return this.#objects.add({
      ...{ key, mimeType, owner, tags, ...sums, body: Buffer.from(body) },
      ...{ isDeleteMarker: false, storageClass: 'STANDARD', restore: null, restoreDays: 0 },
    });
  }

  /** Every verb begins here: counted, asynchronous like the real thing, and refused during an outage. */
  async #enter(verb: string, { signal }: port.Revocable = {}): Promise<void> {
    this.calls.set(verb, (this.calls.get(verb) ?? 0) + 1);
    await Promise.resolve();
    this.#refuse(verb, signal);
  }

  #refuse(verb: string, signal: AbortSignal | undefined): void {
    if (signal?.aborted === true) throw this.#error('aborted', `${verb}: the call was given up`);
    if (this.outage !== null) throw this.#error(this.outage, `${verb}: the store is made to fail`);
  }

  #require(object: port.ObjectRef): StoredVersion {
    const found = this.#objects.find(object);
    if (found === null) throw this.#error('artifact_not_found', `there is no object at ${object.key}`, object.key);
    return found;
  }

  #requireReadable(version: StoredVersion): void {
    if (!this.#objects.isReadable(version))
      throw this.#error('not_downloadable', `${version.key} is in ${version.storageClass}`, version.key);
  }

  #requireClasses(verb: string, key: string): void {
    if (!this.#storageClasses) throw this.#error('not_supported', `${verb}: no storage classes here`, key);
  }

  #error(code: ErrorCode, message: string, key?: string): ArtifactError {
    return new ArtifactError(code, message, {
      details: { bucket: this.bucket, ...(key === undefined ? {} : { key }) },
    });
  }
}

function* slices(bytes: Buffer, sizeBytes: number): Generator<Buffer> {
  for (let start = 0; start < bytes.length; start += sizeBytes) yield bytes.subarray(start, start + sizeBytes);
}
