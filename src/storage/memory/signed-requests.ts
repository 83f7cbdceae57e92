import { randomUUID } from 'node:crypto';
import { SECOND_MS } from '../../domain/units.js';
import { crc32Of } from '../crc32.js';
import type { NewObject, NewPart, ObjectRef, SignedRequest } from '../object-store.js';
import { sha256Of } from './bucket.js';

/** What a signed request allows. */
export type Grant =
  | { kind: 'put'; object: NewObject & { sizeBytes: number; sha256: string } }
  | { kind: 'part'; part: NewPart }
  | { kind: 'get'; object: ObjectRef & { fileName: string } };

/** What the store answers to a signed request. */
export interface SignedResponse {
  /** HTTP status: 200, 400 for other bytes, 403 for anything that breaks the signature, 404. */
  status: number;
  etag?: string;
  headers: Record<string, string>;
  body: Buffer;
}

export const respond = (status: number, extra: Partial<SignedResponse> = {}): SignedResponse => ({
  status,
  headers: {},
  body: Buffer.alloc(0),
  ...extra,
});

/** Remembers what was signed, instead of computing signatures: the URL holds a token. */
export class SignedRequests {
  readonly #issued = new Map<string, { grant: Grant; request: SignedRequest }>();
  readonly #now: () => number;
  readonly #enforcesChecksums: boolean;

  constructor(now: () => number, enforcesChecksums: boolean) {
    this.#now = now;
    this.#enforcesChecksums = enforcesChecksums;
  }

  issue(grant: Grant, headers: Record<string, string>, expiresInSeconds: number): SignedRequest {
    const token = randomUUID();
    const request: SignedRequest = {
      method: grant.kind === 'get' ? 'GET' : 'PUT',
      url: `memory://store/${token}`,
      headers,
      expiresAtMs: this.#now() + expiresInSeconds * SECOND_MS,
    };
    // A copy, so that who changes the headers it was given is found out.
    this.#issued.set(token, { grant, request: structuredClone(request) });
    return request;
  }

  /** The grant, or the refusal. Checks what S3 checks: method, expiry, every signed header, length and checksum. */
  check(request: SignedRequest, body: Buffer): Grant | SignedResponse {
    const issued = this.#issued.get(request.url.slice('memory://store/'.length));
    if (issued?.request.method !== request.method) return respond(403);
    if (this.#now() >= issued.request.expiresAtMs) return respond(403);
    for (const [name, value] of Object.entries(issued.request.headers)) {
      if (request.headers[name] !== value) return respond(403);
    }
    const { grant } = issued;
    if (grant.kind === 'get') return grant;
    const { sizeBytes } = grant.kind === 'put' ? grant.object : grant.part;
    if (body.length !== sizeBytes) return respond(403);
    const isAsSigned =
      grant.kind === 'put' ? sha256Of(body) === grant.object.sha256 : crc32Of(body) === grant.part.crc32;
    if (this.#enforcesChecksums && !isAsSigned) return respond(400);
    return grant;
  }
}
