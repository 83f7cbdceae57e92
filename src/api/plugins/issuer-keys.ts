import { createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { ArtifactError } from '../../domain/errors.js';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../domain/units.js';

/** A key the issuer has taken back is refused after this, and the next request. */
const FRESH_MS = 10 * MINUTE_MS;
/** For so long an issuer may be away. It gives out no new tokens meanwhile, and the old ones run out by themselves. */
const USABLE_MS = HOUR_MS;
/** Unknown key ids cost nothing to invent: however many come, the issuer is asked once in this time. */
const PAUSE_MS = 30 * SECOND_MS;
const PAUSE_AFTER_FAILURE_MS = 5 * SECOND_MS;
const FETCH_TIMEOUT_MS = 5 * SECOND_MS;

/**
 * The keys an issuer publishes at a URL (JWKS), for `jwtVerify`: fetched on first use and kept. After 10 minutes they are fetched again
 * beside the requests, which nobody waits for; for an hour they are used while the issuer is away. A key id that is not among them is
 * looked for at the issuer, but not more often than every 30 seconds.
 * @throws `issuer_unavailable` when what is there cannot answer and the issuer does not; from jose when it knows no such key.
 */
export function createIssuerKeys(url: string, nowMs: () => number): JWTVerifyGetKey {
  // When to fetch is decided here, so jose's own clock is stopped.
  const keys = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
    timeoutDuration: FETCH_TIMEOUT_MS,
  });
  let fetchedAtMs = Number.NEGATIVE_INFINITY;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  let failure: ArtifactError | null = null;
  let fetching: Promise<void> | null = null;

  const fetchKeys = async (): Promise<void> => {
    try {
      await keys.reload();
      fetchedAtMs = nowMs();
      failure = null;
    } catch (cause) {
      failure = new ArtifactError('issuer_unavailable', 'The keys of the token issuer cannot be fetched', { cause });
      throw failure;
    } finally {
      notBeforeMs = nowMs() + (failure === null ? PAUSE_MS : PAUSE_AFTER_FAILURE_MS);
      fetching = null;
    }
  };
  /** Fetches, unless it was tried just now: then its outcome counts. */
  const refresh = async (): Promise<void> => {
    if (fetching === null && nowMs() < notBeforeMs) {
      if (failure !== null) throw failure;
      return;
    }
    await (fetching ??= fetchKeys());
  };

  return async (header, token) => {
    const ageMs = nowMs() - fetchedAtMs;
    if (ageMs > USABLE_MS) await refresh();
    else if (ageMs > FRESH_MS) refresh().catch(() => undefined);
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await refresh();
      return keys(header, token);
    }
  };
}
