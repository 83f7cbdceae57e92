/** Where an upload is. `sentBytes` never goes down and ends at the size of the file. */
export interface UploadProgress {
  /** `hashing` a small source before it is sent, `uploading` its bytes, or `verifying`: what arrived is compared. */
  phase: 'hashing' | 'uploading' | 'verifying';
  /** Bytes whose SHA-256 has been computed; those of a large source are hashed while they are sent. */
  hashedBytes: number;
  /** Bytes handed to the store, those it had from an earlier try included. */
  sentBytes: number;
  /** Null while the length of a stream is unknown. */
  totalBytes: number | null;
  /** Parts that have arrived. A small file is one part. */
  part: number;
  /** All parts; null while the length of a stream is unknown. */
  parts: number | null;
}

/** Adds up what happens in several parts at once to figures that never go down. */
export class ProgressMeter {
  readonly #report: ((progress: UploadProgress) => void) | undefined;
  #phase: UploadProgress['phase'] = 'hashing';
  #hashedBytes = 0;
  #sentBytes = 0;
  #totalBytes: number | null = null;
  #part = 0;
  #parts: number | null = null;
  /** Most bytes of a part that were ever sent: a part that is sent again counts only from there on. */
  readonly #sentOfPart = new Map<number, number>();

  constructor(report: ((progress: UploadProgress) => void) | undefined) {
    this.#report = report;
  }

  hashed(hashedBytes: number, totalBytes: number | null): void {
    this.#hashedBytes = hashedBytes;
    this.#totalBytes = totalBytes;
    this.#emit();
  }

  /** Nulls for a stream whose end is not in sight. */
  uploading(totalBytes: number | null, parts: number | null): void {
    this.#phase = 'uploading';
    this.#totalBytes = totalBytes;
    this.#parts = parts;
    this.#emit();
  }

  sent(partNumber: number, sentBytes: number): void {
    const before = this.#sentOfPart.get(partNumber) ?? 0;
    if (sentBytes <= before) return;
    this.#sentOfPart.set(partNumber, sentBytes);
    this.#sentBytes += sentBytes - before;
    this.#emit();
  }

  /** A part is in the store, sent now or earlier. */
  arrived(partNumber: number, sizeBytes: number): void {
    this.#part += 1;
    const before = this.#sentOfPart.get(partNumber) ?? 0;
    this.#sentOfPart.set(partNumber, sizeBytes);
    this.#sentBytes += sizeBytes - before;
    this.#emit();
  }

  verifying(): void {
    this.#phase = 'verifying';
    this.#totalBytes = this.#sentBytes;
    this.#parts = this.#part;
    this.#emit();
  }

  #emit(): void {
    this.#report?.({
      phase: this.#phase,
      hashedBytes: this.#hashedBytes,
      sentBytes: this.#sentBytes,
      totalBytes: this.#totalBytes,
      part: this.#part,
      parts: this.#parts,
    });
  }
}
