import { createHash, randomBytes } from 'node:crypto';
import { createS3ObjectStore } from '../../src/storage/s3/index.js';
import { MINUTE_MS, SECOND_MS } from '../../src/domain/units.js';
import { ArtifactClient, type RetryPolicy } from '../../src/sdk/index.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import type { TestStack } from './stack.js';

export const sha256Of = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Random bytes of some size, and what they must come back as. */
export function aFile(sizeBytes: number): { bytes: Buffer; sha256: string; sizeBytes: number } {
  const bytes = randomBytes(sizeBytes);
  return { bytes, sha256: sha256Of(bytes), sizeBytes };
}

/** Outlives that servers are killed and started again, however long that takes, and a machine that is too busy to answer in time. */
const RETRY: RetryPolicy = { tries: 200, budgetMs: 5 * MINUTE_MS, firstDelayMs: 200, maxDelayMs: 2 * SECOND_MS };

export const clientOf = (stack: TestStack, token: string): ArtifactClient =>
  new ArtifactClient({ baseUrl: stack.apiUrl, token, retry: RETRY });

/** The bucket of a stack, looked at from outside. */
export function bucketOf(stack: TestStack): ObjectStore {
  const { endpoint, region, bucket, accessKeyId, secretAccessKey } = stack.store;
  return createS3ObjectStore({ bucket, region, endpoint, credentials: { accessKeyId, secretAccessKey } });
}

/** A request to the API as any HTTP client would send it. */
export async function request(
  stack: TestStack,
  token: string,
  call: { method: string; path: string; body?: object; headers?: Record<string, string> },
): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await fetch(stack.apiUrl + call.path, {
    method: call.method,
    headers: {
      authorization: `Bearer ${token}`,
      ...call.headers,
      ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

export interface Begun {
  artifact: { id: string; filePath: string; status: string };
  upload: { kind: string; request: { url: string; headers: Record<string, string> } };
}

/** Begins an upload of known content. */
export async function begin(
  stack: TestStack,
  token: string,
  upload: { executionId: string; fileName: string; sizeBytes: number; sha256: string },
): Promise<Begun> {
  const { executionId, ...body } = upload;
  const answer = await request(stack, token, { method: 'POST', path: `/v1/executions/${executionId}/artifacts`, body });
  if (answer.status >= 300) throw new Error(`begin: ${JSON.stringify(answer.body)}`);
  return answer.body as unknown as Begun;
}

/** Sends the bytes by the signed PUT; answers with the status of the store. */
export async function put(begun: Begun, bytes: Buffer): Promise<number> {
  const { url, headers } = begun.upload.request;
  const { 'content-length': _length, ...rest } = headers;
  const answer = await fetch(url, { method: 'PUT', headers: rest, body: new Uint8Array(bytes) });
  await answer.arrayBuffer();
  return answer.status;
}
