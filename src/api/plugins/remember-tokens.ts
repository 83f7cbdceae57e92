import { hash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { MINUTE_MS } from '../../domain/units.js';
import type { Caller } from '../access.js';
import type { Authenticate } from './authenticate.js';

/** A key that its issuer takes back stops counting so much later at most, on top of how long the keys themselves are cached. */
const REMEMBERED_MS = MINUTE_MS;
/** Of tokens, each counted with the executions it is narrowed to: some 10 MB. */
const MOST_NAMES = 100_000;

/**
 * Does not verify the same token again for a minute, or until it expires: the signature is most of what a read costs us. What is
 * remembered is a hash of the token, and only of those that were found good.
 */
export function rememberTokens(authenticate: Authenticate, nowMs: () => number): Authenticate {
  const callers = new LRUCache<string, Caller>({
    maxSize: MOST_NAMES,
    sizeCalculation: ({ executions }) => 1 + (executions?.size ?? 0),
    ttl: REMEMBERED_MS,
    ttlResolution: 0,
    perf: { now: nowMs },
  });
  return async (authorization) => {
    const key = hash('sha256', authorization ?? '', 'base64');
    const known = callers.get(key);
    if (known !== undefined && known.expiresAtMs > nowMs()) return known;
    const caller = await authenticate(authorization);
    callers.set(key, caller);
    return caller;
  };
}
