import { ArtifactError } from '../domain/errors.js';
import type { PartDigest, SignedPut } from './part.js';

/** What one request may ask for; the API's own limit. */
const MAX_PARTS_AT_ONCE = 100;

/** @throws anything: the parts it was asked for fail with it. */
export type SignParts = (parts: PartDigest[], signal: AbortSignal) => Promise<ReadonlyMap<number, SignedPut>>;

interface Waiting {
  digest: PartDigest;
  resolve: (request: SignedPut) => void;
  reject: (error: unknown) => void;
}

/** Signs parts when they are about to be sent: all that wait while one request is under way share the next one. */
export class PartSigner {
  readonly #sign: SignParts;
  readonly #signal: AbortSignal;
  readonly #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(sign: SignParts, signal: AbortSignal) {
    this.#sign = sign;
    this.#signal = signal;
  }

  sign(digest: PartDigest): Promise<SignedPut> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ digest, resolve, reject });
      if (!this.#isBusy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) await this.#batch(this.#waiting.splice(0, MAX_PARTS_AT_ONCE));
    this.#isBusy = false;
  }

  async #batch(batch: Waiting[]): Promise<void> {
    try {
      const signed = await this.#sign(
        batch.map(({ digest }) => digest),
        this.#signal,
      );
      for (const { digest, resolve, reject } of batch) {
        const request = signed.get(digest.partNumber);
        if (request === undefined) reject(new ArtifactError('internal', `Part ${digest.partNumber} was not signed`));
        else resolve(request);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
