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
