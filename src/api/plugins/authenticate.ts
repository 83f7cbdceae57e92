import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { ConfigError } from '../../config.js';
import { ArtifactError } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import { SECOND_MS } from '../../domain/units.js';
import type { Caller } from '../access.js';
import type { ApiConfig } from '../api-deps.js';

/** Reads an Authorization header. @throws `unauthenticated`. */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

type Verify = (token: string, options: JWTVerifyOptions) => Promise<{ payload: JWTPayload }>;

/** Clocks of two machines may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 30;

/**
 * Verifies tokens with the shared secret (HS256) or the issuer's published keys (RS256, ES256, EdDSA; fetched on first use,
 * cached, fetched again when a token names an unknown key).
 * @throws ConfigError unless exactly one of the two is configured.
 */
export function createAuthenticate(config: ApiConfig): Authenticate {
  const verify = chooseVerify(config);
  const base = {
    issuer: config.AUTH_ISSUER,
    audience: config.AUTH_AUDIENCE,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['exp', 'sub', 'tenant'],
  };
  return async (authorization) => {
    const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw refuse('There is no bearer token');
    try {
      return callerFrom((await verify(token, base)).payload);
    } catch (error) {
      // An issuer that does not answer is our trouble, not the caller's.
      if (!(error instanceof errors.JOSEError) || isIssuerTrouble(error)) throw error;
      throw refuse(error instanceof errors.JWTExpired ? 'The token has expired' : 'The token is not valid', error);
    }
  };
}

function chooseVerify({ AUTH_JWT_SECRET: secret, AUTH_JWKS_URL: jwksUrl }: ApiConfig): Verify {
  if (secret !== undefined && jwksUrl === undefined) {
    const key = new TextEncoder().encode(secret);
    return (token, options) => jwtVerify(token, key, { ...options, algorithms: ['HS256'] });
  }
  if (jwksUrl !== undefined && secret === undefined) {
    const keys = createRemoteJWKSet(new URL(jwksUrl));
    return (token, options) => jwtVerify(token, keys, { ...options, algorithms: ['RS256', 'ES256', 'EdDSA'] });
  }
  throw new ConfigError('The configuration cannot be used:\n  set one of AUTH_JWT_SECRET and AUTH_JWKS_URL, not both');
}

const isIssuerTrouble = (error: errors.JOSEError): boolean =>
  error instanceof errors.JWKSTimeout || error instanceof errors.JWKSInvalid || error.code === 'ERR_JOSE_GENERIC';

function callerFrom({ sub, tenant, scope, exp, executions }: JWTPayload): Caller {
  if (typeof sub !== 'string' || sub === '') throw refuse('The token names no subject');
  if (typeof tenant !== 'string' || tenant === '') throw refuse('The token names no tenant');
  if (scope !== undefined && typeof scope !== 'string') throw refuse('The scope of the token is not a text');
  return {
    subject: sub,
    tenant,
    expiresAtMs: ((exp ?? 0) + CLOCK_TOLERANCE_SECONDS) * SECOND_MS,
    scopes: new Set(scope?.split(' ') ?? []),
    executions: executions === undefined ? null : new Set(executionIds(executions)),
  };
}

function executionIds(claim: unknown): string[] {
  if (!Array.isArray(claim)) throw refuse('The executions of the token are not a list');
  return claim.map((id: unknown) => {
    if (typeof id !== 'string' || !isUuid(id)) throw refuse('The executions of the token are not UUIDs');
    return id;
  });
}

const refuse = (message: string, cause?: unknown): ArtifactError =>
  new ArtifactError('unauthenticated', message, { cause });
