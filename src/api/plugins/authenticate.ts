import { errors, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose';
import { ConfigError } from '../../config.js';
import { ArtifactError } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import { SECOND_MS } from '../../domain/units.js';
import type { Caller } from '../access.js';
import type { ApiConfig } from '../api-deps.js';
import { createIssuerKeys } from './issuer-keys.js';

/** Reads an Authorization header. @throws `unauthenticated`; `issuer_unavailable` when nobody can say. */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

type Verify = (token: string, options: JWTVerifyOptions) => Promise<{ payload: JWTPayload }>;

/** Clocks of two machines may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 30;
/** Room for some two hundred executions; what is longer is not worth a signature check. */
const MAX_TOKEN_CHARACTERS = 8_192;
/** Subject and tenant go into rows, histories and search attributes. */
const MAX_NAME_CHARACTERS = 255;

/**
 * Verifies tokens with the shared secret (HS256) or the issuer's published keys (RS256, ES256, EdDSA; see `createIssuerKeys`).
 * @param nowMs epoch milliseconds; default `Date.now`.
 * @throws ConfigError unless exactly one of the two is configured.
 */
export function createAuthenticate(config: ApiConfig, nowMs: () => number = Date.now): Authenticate {
  const verify = chooseVerify(config, nowMs);
  const base = {
    issuer: config.AUTH_ISSUER,
    audience: config.AUTH_AUDIENCE,
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['exp', 'sub', 'tenant'],
  };
  return async (authorization) => {
    const token = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1];
    if (token === undefined) throw refuse('There is no bearer token');
    if (token.length > MAX_TOKEN_CHARACTERS)
      throw refuse(`The token is longer than ${MAX_TOKEN_CHARACTERS} characters`);
    try {
      return callerFrom((await verify(token, { ...base, currentDate: new Date(nowMs()) })).payload);
    } catch (error) {
      if (error instanceof ArtifactError) throw error;
      // Whatever else a token and its key may be unfit for, it is the caller who chose them.
      throw refuse(error instanceof errors.JWTExpired ? 'The token has expired' : 'The token is not valid', error);
    }
  };
}

function chooseVerify({ AUTH_JWT_SECRET: secret, AUTH_JWKS_URL: jwksUrl }: ApiConfig, nowMs: () => number): Verify {
  if (secret !== undefined && jwksUrl === undefined) {
    const key = new TextEncoder().encode(secret);
    return (token, options) => jwtVerify(token, key, { ...options, algorithms: ['HS256'] });
  }
  if (jwksUrl !== undefined && secret === undefined) {
    const keys = createIssuerKeys(jwksUrl, nowMs);
    return (token, options) => jwtVerify(token, keys, { ...options, algorithms: ['RS256', 'ES256', 'EdDSA'] });
  }
  throw new ConfigError('The configuration cannot be used:\n  set one of AUTH_JWT_SECRET and AUTH_JWKS_URL, not both');
}

function callerFrom({ sub, tenant, scope, exp, executions }: JWTPayload): Caller {
  if (!isName(sub)) throw refuse('The token names no subject of 1 to 255 characters');
  if (!isName(tenant)) throw refuse('The token names no tenant of 1 to 255 characters');
  if (scope !== undefined && typeof scope !== 'string') throw refuse('The scope of the token is not a text');
  return {
    subject: sub,
    tenant,
    expiresAtMs: ((exp ?? 0) + CLOCK_TOLERANCE_SECONDS) * SECOND_MS,
    scopes: new Set(scope?.split(' ') ?? []),
    executions: executions === undefined ? null : new Set(executionIds(executions)),
  };
}

/** Without what no database column takes, or what would make two names one: control characters and halves of pairs. */
const isName = (claim: unknown): claim is string =>
  typeof claim === 'string' && claim !== '' && claim.length <= MAX_NAME_CHARACTERS && !/[\p{Cc}\p{Cs}]/u.test(claim);

function executionIds(claim: unknown): string[] {
  if (!Array.isArray(claim)) throw refuse('The executions of the token are not a list');
  return claim.map((id: unknown) => {
    if (typeof id !== 'string' || !isUuid(id)) throw refuse('The executions of the token are not UUIDs');
    return id;
  });
}

const refuse = (message: string, cause?: unknown): ArtifactError =>
  new ArtifactError('unauthenticated', message, { cause });
