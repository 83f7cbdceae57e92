import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { Verb } from '../domain/commands.js';
import type { Caller } from './access.js';
import { callerOf } from './plugins/auth.js';

/** Who asks for something, by which request, and by which `Idempotency-Key`. */
export interface Sender {
  caller: Caller;
  requestId: string;
  idempotencyKey: string | null;
}

export const senderOf = (request: FastifyRequest): Sender => ({
  caller: callerOf(request),
  requestId: request.id,
  idempotencyKey: request.idempotencyKey,
});

/** What a request with a key is about. */
interface Wish {
  verb: Verb;
  artifactId: string;
  /** Its message. Another one is another request. */
  message: object;
}

/** The same whenever the same caller sends the same wish with the same key; absent without a key. */
export function requestKeyOf({ caller, idempotencyKey }: Sender, wish: Wish): string | undefined {
  if (idempotencyKey === null) return undefined;
  const { tenant, subject } = caller;
  const { verb, artifactId, message } = wish;
  return hashOf([verb, tenant, subject, artifactId, idempotencyKey, message]).toString('base64url');
}

/**
 * The id of what a request makes: a UUID (version 8) that is the same whenever the same caller sends the same `Idempotency-Key` for the
 * same artifact or execution. `message`: where another body makes another thing. Null without a key.
 */
export function idByKey(
  kind: 'share' | 'hold' | 'publication',
  { caller, idempotencyKey }: Sender,
  placeId: string,
  message?: object,
): string | null {
  if (idempotencyKey === null) return null;
  const { tenant, subject } = caller;
  const hash = hashOf([kind, tenant, subject, placeId, idempotencyKey, ...(message === undefined ? [] : [message])]);
  hash[6] = (hash.readUInt8(6) & 0x0f) | 0x80;
  hash[8] = (hash.readUInt8(8) & 0x3f) | 0x80;
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

const hashOf = (facts: unknown[]): Buffer => createHash('sha256').update(JSON.stringify(facts, sorted)).digest();

/** The order in which a body names its fields says nothing. */
const sorted = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
