import type { Readable } from 'node:stream';
import type { Tags } from '../domain/artifact.js';
import type { RestoreTier, StorageClass } from '../domain/tiers.js';

/**
 * The object store as the product needs it. Adapters (`s3/`, `memory/`) translate: "absent" becomes `null`, every other
 * vendor error becomes an `ArtifactError` (`bucket_not_found`, `storage_unavailable`, `storage_rejected`, `not_supported`, …)
 * with bucket and key in its details. All adapters pass `test/contract/object-store`.
 */
export interface ObjectStore extends UploadStore, DownloadStore, ObjectKeeper, StoreInventory {
  readonly bucket: string;
  /** @throws `bucket_not_found`, `storage_unavailable`, `storage_rejected`. */
  checkBucket(): Promise<void>;
  /** Frees sockets. */
  close(): void;
}

export interface UploadStore {
  /** Signs one PUT that the store refuses for other bytes, another length, type, metadata or tags. */
  presignPut(
    object: NewObject & { sizeBytes: number; sha256: string },
    expiresInSeconds: number,
  ): Promise<SignedRequest>;
  /** Starts a multipart upload and returns its id. Parts carry a SHA-256 each. */
  createUpload(object: NewObject): Promise<string>;
  /** Signs one part that the store refuses for other bytes or another length. */
  presignPart(part: NewPart, expiresInSeconds: number): Promise<SignedRequest>;
  /** All parts the store has, by number; null when it knows no such upload. */
  listParts(key: string, uploadId: string): Promise<UploadedPart[] | null>;
  /**
   * Joins the parts. Safe to repeat: when the upload is gone but the object at `key` is the one it made
   * (its metadata has `artifactId`), answers with that object.
   * @throws `upload_incomplete` when there is neither.
   */
  completeUpload(upload: UploadToComplete): Promise<ObjectInfo>;
  /** Drops the upload and its parts; fine when there is none. */
  abortUpload(key: string, uploadId: string): Promise<void>;
  /** Unfinished uploads of exactly this key, or of every key that begins with it when it ends in `/`. */
  listUploads(keyOrPrefix: string): Promise<PendingUpload[]>;
  /** Writes a small object (at most a few MiB) in one request. */
  put(object: NewObject, body: Buffer): Promise<ObjectInfo>;
  /**
   * Writes an object of unknown length in bounded memory: up to 8 MiB in one request, more in parts, of which none stays when it fails.
   * What `chunks` throws passes through.
   * @param replaces ETag of the object that must be the current one when the new one takes its place; null: there must be none.
   * @returns null when that is not so: nothing was written. A store that does not know such conditions writes in any case.
   */
  putStream(object: NewObject, chunks: AsyncIterable<Buffer>, replaces: string | null): Promise<ObjectInfo | null>;
  /**
   * Sends all bytes of a multipart upload that is open, as its parts from 1 on, each with its SHA-256; resolves when the store has them.
   * At most five parts are in memory, if every chunk has at least 1 MiB of its own. Neither joins nor aborts. What `chunks` throws passes
   * through, and nothing is on its way any more once it has thrown.
   * @throws `upload_incomplete` when there is no such upload (any more); `aborted`.
   */
  sendParts(upload: PartsToSend, chunks: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void>;
}

export interface DownloadStore {
  /** Signs a GET that is answered as an attachment of type application/octet-stream under `fileName`. */
  presignGet(object: ObjectRef & { fileName: string }, expiresInSeconds: number): Promise<SignedRequest>;
  /**
   * Opens the bytes; null when absent. The caller must consume or destroy `body`.
   * @throws `not_downloadable` while the bytes are in an archive class.
   */
  read(object: ObjectRef, options?: { range?: ByteRange; signal?: AbortSignal }): Promise<Readable | null>;
}

export interface ObjectKeeper {
  /** Null when absent or hidden by a delete marker. */
  head(object: ObjectRef): Promise<ObjectInfo | null>;
  /** Every version and delete marker of exactly this key, newest first. An unversioned object has one with versionId null. */
  listVersions(key: string): Promise<ObjectVersion[]>;
  /** Removes one version or marker for good; fine when it is gone. */
  deleteVersion(key: string, versionId: string | null, options?: Revocable): Promise<void>;
  /**
   * Hides the object behind a delete marker, so that it looks deleted while its versions stay; answers with the marker's id. Only for
   * a versioned bucket: without versions the bytes are gone, and the answer is null.
   */
  addDeleteMarker(key: string, options?: Revocable): Promise<string | null>;
  /** Copies the object onto itself in another class, keeping metadata, type and tags. @throws `not_supported`. */
  copyToClass(object: ObjectRef, storageClass: StorageClass): Promise<ObjectInfo>;
  /** Asks for a temporary copy of an archived object; fine when one is under way or there. @throws `not_supported`. */
  restore(object: ObjectRef, options: { tier: RestoreTier; days: number }): Promise<void>;
  getTags(object: ObjectRef): Promise<Tags | null>;
  /** Replaces the whole tag set. */
  putTags(object: ObjectRef, tags: Tags, options?: Revocable): Promise<void>;
}

/** All that is below a prefix, in pages; the order is the store's own, and what changes meanwhile may be in them or not. */
export interface StoreInventory {
  /** Every version and delete marker, those of one key one after the other, perhaps over pages. `cursor` is null on the last page. */
  listInventory(query: InventoryQuery): Promise<{ versions: ListedVersion[]; cursor: string | null }>;
  /** Every unfinished multipart upload, those of one key in one page, which may be longer for it. */
  listPendingUploads(query: InventoryQuery): Promise<{ uploads: PendingUpload[]; cursor: string | null }>;
}

export interface InventoryQuery {
  /** Ends in `/`. */
  prefix: string;
  /** Of the page before; null: from the start. */
  cursor: string | null;
  /** 2 to 1,000. A page may be shorter, also when it is not the last one. */
  limit: number;
}

/**
 * Of calls that must not come late, as what they do may have been decided otherwise since. Once the signal has fired nothing is sent any
 * more, what waits for its answer is given up, and the call throws `aborted`.
 */
export interface Revocable {
  signal?: AbortSignal;
}

export interface ObjectRef {
  key: string;
  /** Null or absent: the current version. */
  versionId?: string | null;
}

/** Who an object belongs to: written on every object as S3 metadata, so that rows can be rebuilt from the bucket. */
export interface ObjectOwner {
  /** The execution's id on its manifest, which belongs to no artifact. */
  artifactId: string;
  executionId: string;
  type: string;
  /** Lower-case hex; absent when the hash was not known before the first byte. */
  sha256?: string;
}

export interface NewObject {
  key: string;
  mimeType: string;
  owner: ObjectOwner;
  tags: Tags;
}

export interface NewPart {
  key: string;
  uploadId: string;
  /** From 1. */
  partNumber: number;
  sizeBytes: number;
  /** CRC-32 of this part, eight lower-case hexadecimal digits. */
  crc32: string;
}

export interface PartsToSend {
  key: string;
  uploadId: string;
  /** At least 5 MiB. */
  partSizeBytes: number;
}

export interface UploadToComplete {
  key: string;
  uploadId: string;
  artifactId: string;
  parts: UploadedPart[];
}

export interface UploadedPart {
  partNumber: number;
  sizeBytes: number;
  etag: string;
  /** Eight lower-case hexadecimal digits; null on a store that does not keep part checksums. */
  crc32: string | null;
  /** Of uploads that were begun before parts had a CRC-32: it must be named again when they are joined. */
  sha256?: string;
  /** When it arrived, by the clock of the store; whole seconds on most. */
  lastModifiedMs: number;
}

export interface PendingUpload {
  key: string;
  uploadId: string;
  initiatedAtMs: number;
}

/** A request that the holder may send without credentials. `url` is a secret while it lives: never log it. */
export interface SignedRequest {
  method: 'PUT' | 'GET';
  url: string;
  /** Headers that are part of the signature and must be sent as they are. */
  headers: Record<string, string>;
  /** When the URL dies: the asked lifetime, or the end of the signing credentials if that comes first. */
  expiresAtMs: number;
}

/** First and last byte, both inclusive. */
export interface ByteRange {
  start: number;
  end: number;
}

export interface ObjectInfo {
  key: string;
  sizeBytes: number;
  etag: string;
  /** Null in an unversioned bucket. */
  versionId: string | null;
  /** What S3 says; `STANDARD` when it says nothing. */
  storageClass: string;
  mimeType: string;
  lastModifiedMs: number;
  /** Null for an object that is not ours. */
  owner: ObjectOwner | null;
  /** SHA-256 of the whole object as the store computed it, lower-case hex; null for multipart objects and stores without. */
  sha256: string | null;
  /** Present on an archived object: is a temporary copy being made, or there until when. */
  restore: { inProgress: boolean; expiresAtMs: number | null } | null;
}

export interface ObjectVersion {
  key: string;
  versionId: string | null;
  isLatest: boolean;
  isDeleteMarker: boolean;
  sizeBytes: number;
}

/** A version or marker as a listing tells of it. */
export interface ListedVersion extends ObjectVersion {
  /** Empty for a delete marker. */
  etag: string;
  /** `STANDARD` when the listing says nothing. */
  storageClass: string;
  lastModifiedMs: number;
}

/** What this store really does, found out with throw-away objects (`probeStore`), never assumed. */
export interface StoreCapabilities {
  /** The bucket keeps old versions. */
  versioning: boolean;
  /** A copy to GLACIER is answered with that class afterwards. */
  storageClasses: boolean;
  /** RestoreObject works on an archived object. */
  restore: boolean;
  /** Bytes that differ from the signed SHA-256 of an object, or the CRC-32 of a part, are refused; when false, uploads are read back. */
  enforcesChecksums: boolean;
}
