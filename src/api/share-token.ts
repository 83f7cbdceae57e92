import { createHash, randomBytes } from 'node:crypto';

/** 256 bits: nobody guesses one, however often they may try. */
const TOKEN_BYTES = 32;
/** By this, logs and scanners for leaked secrets know one. */
const PREFIX = 'shr_';
const TOKEN = /^shr_[\w-]{43}$/;

/** The secret of a link. It is answered once and kept nowhere. */
export const newShareToken = (): string => PREFIX + randomBytes(TOKEN_BYTES).toString('base64url');

/** SHA-256, lower-case hex; null for what cannot be a token. Not salted or slow: what is hashed cannot be guessed. */
export const hashOfToken = (token: string): string | null =>
  TOKEN.test(token) ? createHash('sha256').update(token).digest('hex') : null;

/** A UUID (version 8) that is the same whenever the same caller sends the same `Idempotency-Key` for the same artifact. */
export function shareIdOf(facts: { tenant: string; subject: string; artifactId: string; key: string }): string {
  const { tenant, subject, artifactId, key } = facts;
  const hash = createHash('sha256')
    .update(JSON.stringify(['share', tenant, subject, artifactId, key]))
    .digest();
  hash[6] = (hash.readUInt8(6) & 0x0f) | 0x80;
  hash[8] = (hash.readUInt8(8) & 0x3f) | 0x80;
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
