import { createHash, randomUUID } from 'node:crypto';
import { ArtifactClient, ArtifactError } from '../../src/sdk/index.js';
import type { ArtifactClientOptions, ErrorCode } from '../../src/sdk/index.js';
import { FAKE_TOKEN } from './fake-api.js';
import type { FakeApi } from './fake-api.js';

export const MIB = 1024 * 1024;

/** A client of the fake that does not wait long between tries. */
export const clientOf = (fake: FakeApi, options: Partial<ArtifactClientOptions> = {}): ArtifactClient =>
  new ArtifactClient({
    baseUrl: fake.url,
    token: FAKE_TOKEN,
    retry: { tries: 4, budgetMs: 5_000, firstDelayMs: 5, maxDelayMs: 20 },
    ...options,
  });

/** Bytes that look random and are the same in every run. */
export function bytesOf(sizeBytes: number, seed = 1): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let word = seed;
  for (let offset = 0; offset < sizeBytes; offset += 1) {
    word = (Math.imul(word, 1_103_515_245) + 12_345) >>> 0;
    bytes[offset] = word >>> 16;
  }
  return bytes;
}

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const newExecution = (): string => randomUUID();

/** The error a call fails with; fails itself when the call does not. */
export async function errorOf(call: Promise<unknown>): Promise<ArtifactError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ArtifactError) return error;
    throw error;
  }
  throw new Error('the call succeeded');
}

export const codeOf = async (call: Promise<unknown>): Promise<ErrorCode> => (await errorOf(call)).code;
