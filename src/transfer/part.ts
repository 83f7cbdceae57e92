/** A part of what is sent, as it is signed and compared. */
export interface PartDigest {
  /** From 1. */
  partNumber: number;
  sizeBytes: number;
  /** CRC-32 of the part, eight lower-case hexadecimal digits. */
  crc32: string;
}

/** A part that the store has. */
export interface ReceivedPart {
  partNumber: number;
  sizeBytes: number;
  /** Null on a store that keeps no part checksums. */
  crc32: string | null;
}

/** A PUT that needs no credentials any more: exactly these headers, and Content-Length. */
export interface SignedPut {
  method: string;
  /** A secret while it lives: never log it. */
  url: string;
  headers: Record<string, string>;
}

/** What a whole file or stream turned out to be. */
export interface Content {
  sizeBytes: number;
  /** Lower-case hex. */
  sha256: string;
}

/** A part that is ready to be sent. */
export interface FilledPart {
  digest: PartDigest;
  bytes: Buffer;
  /** What was taken for it from the {@link PartMemory}; null for bytes of somebody else. */
  memory: Buffer | null;
}

/** Bytes in the order of their parts, each read once; the CRC-32 of each and the SHA-256 of the whole are computed on the way. */
export interface PartSource {
  /** Null while the end is not in sight (a stream). */
  readonly sizeBytes: number | null;
  /** Whether it waits for others between two bytes, so that it must never wait for memory that another one like it holds. */
  readonly isLive: boolean;
  /** Bytes that were hashed so far. */
  readonly hashedBytes: number;
  /**
   * The next part; null after the last. Not called again before it has answered.
   * @param takeMemory gives a buffer of one part's size; asked for at most once, and only when there is something to be put into it.
   */
  next(partSizeBytes: number, takeMemory: () => Promise<Buffer>, signal: AbortSignal): Promise<FilledPart | null>;
  /** Once `next` has answered null. */
  content(): Content;
}
