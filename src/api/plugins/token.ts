import { SignJWT } from 'jose';

export interface TokenOptions {
  /** HS256 secret, at least 32 characters: AUTH_JWT_SECRET. */
  secret: string;
  /** AUTH_ISSUER. */
  issuer: string;
  /** AUTH_AUDIENCE. */
  audience: string;
  /** Who: becomes the actor in the history. */
  sub: string;
  tenant: string;
  /** `artifacts:read artifacts:write artifacts:admin`, separated by spaces. */
  scope: string;
  /** Narrows the token to these executions. Default: all of the tenant. */
  executions?: string[];
  expiresInSeconds: number;
}

/** Signs a token for local use; in production the issuer behind AUTH_JWKS_URL does. */
export function mintToken(options: TokenOptions): Promise<string> {
  const { secret, issuer, audience, sub, tenant, scope, executions, expiresInSeconds } = options;
  const nowSeconds = Math.floor(Date.now() / 1_000);
  return new SignJWT({ tenant, scope, ...(executions === undefined ? {} : { executions }) })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(sub)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + expiresInSeconds)
    .sign(new TextEncoder().encode(secret));
}
