import { createHmac } from 'node:crypto';

/** What a message is signed with, as receivers are given it: `whsec_` and the Base64 of 24 to 64 random bytes. */
const SECRET = /^whsec_([A-Za-z0-9+/]+={0,2})$/;
const MIN_KEY_BYTES = 24;
const MAX_KEY_BYTES = 64;

/** The key in a secret; null when it is not one. */
export function keyOf(secret: string): Buffer | null {
  const key = Buffer.from(SECRET.exec(secret)?.[1] ?? '', 'base64');
  return key.length >= MIN_KEY_BYTES && key.length <= MAX_KEY_BYTES ? key : null;
}

/**
 * The headers of a message by the convention of Standard Webhooks (standardwebhooks.com, version 1.0.0): one signature per secret, so
 * that a receiver may know the old or the new one while they are changed.
 */
export function signedHeaders(
  keys: readonly Buffer[],
  { id, body, sentAtMs }: { id: string; body: string; sentAtMs: number },
): Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string> {
  const timestamp = String(Math.floor(sentAtMs / 1_000));
  const signatures = keys.map(
    (key) => `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`,
  );
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}
