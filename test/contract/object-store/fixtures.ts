import { createHash, randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { afterAll, beforeAll, expect } from 'vitest';
import { artifactKey, canonicalPath } from '../../../src/domain/keys.js';
import { ArtifactError, type ErrorCode } from '../../../src/domain/errors.js';
import type { NewObject, ObjectOwner, ObjectStore, SignedRequest } from '../../../src/storage/object-store.js';
import type { Answer, Check, StoreLeg, StoreUnderTest } from './suite.js';

export const MIB = 1_024 * 1_024;
export const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The store of a group of tests, opened before its first test. */
export function openedStore(leg: StoreLeg): { get: () => StoreUnderTest; can: (check: Check) => boolean } {
  let opened: StoreUnderTest | undefined;
  beforeAll(async () => {
    opened = await leg.open();
  });
  afterAll(async () => {
    await opened?.close();
  });
  const get = (): StoreUnderTest => {
    if (opened === undefined) throw new Error('the store is opened before the first test');
    return opened;
  };
  return { get, can: (check) => leg.cannot[check] === undefined };
}

/** A new artifact's object under a key of its own. */
export function newObject(fileName = 'report.txt'): NewObject & { owner: ObjectOwner } {
  const executionId = randomUUID();
  return {
    key: artifactKey(executionId, canonicalPath(fileName)),
    mimeType: 'text/plain; charset=utf-8',
    owner: { artifactId: randomUUID(), executionId, type: 'document' },
    tags: { 'artifact-retention': 'expiring', 'my team': 'a=b/c+d é@:_.-' },
  };
}

/** Signs a PUT of `body` for a minute. */
export const signPut = (store: ObjectStore, object: NewObject, body: Buffer, seconds = 60): Promise<SignedRequest> =>
  store.presignPut({ ...object, sizeBytes: body.length, sha256: sha256Of(body) }, seconds);

/** The request with one header more, other, or (undefined) less. */
export function withHeader(request: SignedRequest, name: string, value: string | undefined): SignedRequest {
  const others = Object.entries(request.headers).filter(([other]) => other !== name);
  return { ...request, headers: Object.fromEntries(value === undefined ? others : [...others, [name, value]]) };
}

/** Bytes of the same length, with one bit changed. */
export function tampered(body: Buffer): Buffer {
  const copy = Buffer.from(body);
  copy[0] = (copy[0] ?? 0) ^ 1;
  return copy;
}

export async function bytesOf(stream: Readable | null): Promise<Buffer> {
  if (stream === null) throw new Error('there is no object to read');
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks);
}

/** Bytes in pieces, as from a source that is read while they are sent. */
export async function* chunksOf(bytes: Buffer, chunkBytes = 64 * 1_024): AsyncGenerator<Buffer> {
  for (let start = 0; start < bytes.length; start += chunkBytes)
    yield await Promise.resolve(bytes.subarray(start, start + chunkBytes));
}

/** The code a call fails with. Anything but an ArtifactError fails the test. */
export async function codeOf(call: Promise<unknown>): Promise<ErrorCode | 'no error'> {
  try {
    await call;
    return 'no error';
  } catch (error) {
    expect(error).toBeInstanceOf(ArtifactError);
    return error instanceof ArtifactError ? error.code : 'internal';
  }
}

/** Runs `count` jobs, some at once. */
export async function inParallel(count: number, job: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await job(next++);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}

/** Plain fetch, as a client without the SDK. */
export async function sendOverHttp(request: SignedRequest, body?: Buffer): Promise<Answer> {
  const response = await fetch(request.url, {
    method: request.method,
    headers: { ...request.headers, ...(body === undefined ? {} : { 'content-length': String(body.length) }) },
    ...(body === undefined ? {} : { body }),
  });
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: Buffer.from(await response.arrayBuffer()),
  };
}
