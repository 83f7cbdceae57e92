import { createHash, randomUUID } from 'node:crypto';
import type { Tags } from '../../domain/artifact.js';
import { tierOfClass } from '../../domain/tiers.js';
import type { ListedVersion, ObjectInfo, ObjectOwner, ObjectRef } from '../object-store.js';

/** One version of an object, or a delete marker. */
export interface StoredVersion {
  key: string;
  versionId: string | null;
  isDeleteMarker: boolean;
  body: Buffer;
  etag: string;
  mimeType: string;
  owner: ObjectOwner | null;
  tags: Tags;
  storageClass: string;
  lastModifiedMs: number;
  /** Null for objects made of parts, as in S3. */
  sha256: string | null;
  restore: ObjectInfo['restore'];
  /** How long the copy will live that a running restore makes. */
  restoreDays: number;
}

export const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
export const md5Of = (bytes: Buffer): string => createHash('md5').update(bytes).digest('hex');

/** Objects with their versions, newest first. Without versioning a new object replaces the one before. */
export class MemoryBucket {
  readonly #versions = new Map<string, StoredVersion[]>();
  readonly #versioning: boolean;
  readonly #now: () => number;

  constructor(versioning: boolean, now: () => number) {
    this.#versioning = versioning;
    this.#now = now;
  }

  add(version: Omit<StoredVersion, 'versionId' | 'lastModifiedMs'>): StoredVersion {
    const stored = { ...version, versionId: this.#versioning ? randomUUID() : null, lastModifiedMs: this.#now() };
    const older = this.#versioning ? (this.#versions.get(version.key) ?? []) : [];
    this.#versions.set(version.key, [stored, ...older]);
    return stored;
  }

  addDeleteMarker(key: string): string | null {
    if (!this.#versioning) {
      this.#versions.delete(key);
      return null;
    }
    const { versionId } = this.add({
      ...{ key, isDeleteMarker: true, body: Buffer.alloc(0), etag: '', mimeType: '', owner: null, tags: {} },
      ...{ storageClass: 'STANDARD', sha256: null, restore: null, restoreDays: 0 },
    });
    return versionId;
  }

  /** The named version, or the newest; null when there is none or it is a delete marker. */
  find({ key, versionId }: ObjectRef): StoredVersion | null {
    const versions = this.#versions.get(key) ?? [];
    const found = (versionId ?? null) === null ? versions[0] : versions.find((one) => one.versionId === versionId);
    return found === undefined || found.isDeleteMarker ? null : found;
  }

  remove(key: string, versionId: string | null): void {
    const left = (this.#versions.get(key) ?? []).filter((version) => version.versionId !== versionId);
    if (left.length === 0) this.#versions.delete(key);
    else this.#versions.set(key, left);
  }

  list(key: string): ListedVersion[] {
    return (this.#versions.get(key) ?? []).map((version, index) => ({
      key,
      versionId: version.versionId,
      isLatest: index === 0,
      isDeleteMarker: version.isDeleteMarker,
      sizeBytes: version.body.length,
      etag: version.etag,
      storageClass: version.storageClass,
      lastModifiedMs: version.lastModifiedMs,
    }));
  }

  keys(): string[] {
    return [...this.#versions.keys()].sort();
  }

  all(): StoredVersion[] {
    return [...this.#versions.values()].flat();
  }

  info(version: StoredVersion): ObjectInfo {
    const { key, versionId, etag, storageClass, mimeType, lastModifiedMs, owner, sha256 } = version;
    const sizeBytes = version.body.length;
    const restore = this.#isOver(version) ? null : version.restore;
    return { key, sizeBytes, etag, versionId, storageClass, mimeType, lastModifiedMs, owner, sha256, restore };
  }

  /** Whether its bytes can be read now: not archived, or restored for a while. */
  isReadable(version: StoredVersion): boolean {
    if (tierOfClass(version.storageClass) !== 'COLD') return true;
    return version.restore !== null && !version.restore.inProgress && !this.#isOver(version);
  }

  #isOver({ restore }: StoredVersion): boolean {
    return restore !== null && restore.expiresAtMs !== null && restore.expiresAtMs <= this.#now();
  }
}
