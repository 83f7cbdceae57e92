import type { BucketDocument, BucketPart } from '../../domain/bucket/parts.js';
import { ArtifactError } from '../../domain/errors.js';
import type { BucketExpiry, BucketSettings } from '../bucket/bucket-settings.js';

/** The configuration of a bucket in memory. It says of no object what will become of it, unless told. */
export class MemoryBucketSettings implements BucketSettings {
  readonly bucket = 'memory';
  /** Parts that were written, in turn. */
  readonly written: BucketPart[] = [];
  /** What it says of objects and uploads. */
  expiries: (key: string) => BucketExpiry | null = () => null;
  /** Parts that it does not know. */
  unsupported: readonly BucketPart[] = [];
  /** What becomes of a document when it is stored: some stores forget what they do not know. */
  keeps: (document: BucketDocument) => BucketDocument = (document) => document;
  readonly #documents = new Map<BucketPart, string>();

  read(part: BucketPart): Promise<BucketDocument | null> {
    if (this.unsupported.includes(part)) return Promise.reject(unsupported(part));
    const text = this.#documents.get(part);
    return Promise.resolve(text === undefined ? null : (JSON.parse(text) as BucketDocument));
  }

  write(part: BucketPart, document: BucketDocument): Promise<void> {
    if (this.unsupported.includes(part)) return Promise.reject(unsupported(part));
    this.#documents.set(part, JSON.stringify(this.keeps(document)));
    this.written.push(part);
    return Promise.resolve();
  }

  expiryOf(key: string): Promise<BucketExpiry | null> {
    return Promise.resolve(this.expiries(key));
  }

  abortOf(key: string): Promise<BucketExpiry | null> {
    return Promise.resolve(this.expiries(key));
  }

  close(): void {
    this.#documents.clear();
  }
}

const unsupported = (part: BucketPart): ArtifactError =>
  new ArtifactError('not_supported', `this store has no ${part} configuration`);
