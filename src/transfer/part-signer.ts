import { ArtifactError } from '../domain/errors.js';
import type { PartDigest, SignedPut } from './part.js';

/** What one request may ask for; the API's own limit. */
const MAX_PARTS_AT_ONCE = 100;

/** @throws anything: the parts it was asked for fail with it. */
export type SignParts = (parts: PartDigest[], signal: AbortSignal) => Promise<ReadonlyMap<number, SignedPut>>;

/** Signs parts no sooner than one of them is to be sent: all that are ready by then share its request. */
export class PartSigner {
  readonly #sign: SignParts;
  readonly #signal: AbortSignal;
  readonly #ready = new Map<number, PartDigest>();
  readonly #signed = new Map<number, Promise<SignedPut>>();

  constructor(sign: SignParts, signal: AbortSignal) {
    this.#sign = sign;
    this.#signal = signal;
  }

  /** It will be sent soon. */
  ready(digest: PartDigest): void {
    this.#ready.set(digest.partNumber, digest);
  }

  /** A request to send it now. @param again not the one that was given before. */
  signed(digest: PartDigest, again: boolean): Promise<SignedPut> {
    const { partNumber } = digest;
    const known = again ? undefined : this.#signed.get(partNumber);
    this.#signed.delete(partNumber);
    return known ?? this.#request(digest);
  }

  async #request(digest: PartDigest): Promise<SignedPut> {
    this.#ready.delete(digest.partNumber);
    const others = [...this.#ready.values()].slice(0, MAX_PARTS_AT_ONCE - 1);
    const answer = this.#sign([digest, ...others], this.#signal);
    for (const { partNumber } of others) {
      this.#ready.delete(partNumber);
      const request = answer.then((signed) => requestOf(signed, partNumber));
      // Its part may never come to ask.
      request.catch(() => undefined);
      this.#signed.set(partNumber, request);
    }
    return requestOf(await answer, digest.partNumber);
  }
}

function requestOf(signed: ReadonlyMap<number, SignedPut>, partNumber: number): SignedPut {
  const request = signed.get(partNumber);
  if (request === undefined) throw new ArtifactError('internal', `Part ${partNumber} was not signed`);
  return request;
}
