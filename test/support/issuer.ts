import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK, type JWTPayload } from 'jose';
import { onTestFinished } from 'vitest';
import type { ApiConfig } from '../../src/api/api-deps.js';
import { apiConfig } from './api.js';

/** Claims of a token that is good for ten minutes from then on. */
export const goodClaims = (nowMs: number = Date.now()): JWTPayload => ({
  sub: 'agent-7',
  tenant: 'acme',
  scope: 'artifacts:read artifacts:write',
  iss: apiConfig.AUTH_ISSUER,
  aud: apiConfig.AUTH_AUDIENCE,
  exp: Math.floor(nowMs / 1_000) + 600,
});

/** A key pair under a key id. */
export interface IssuerKey {
  kid: string;
  alg: string;
  jwk: JWK;
  publicKey: CryptoKey;
  sign(claims: JWTPayload, header?: Record<string, unknown>): Promise<string>;
}

export async function makeKey(kid: string, alg = 'ES256'): Promise<IssuerKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
  const sign = (claims: JWTPayload, header = {}) =>
    new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey);
  return { kid, alg, jwk, publicKey, sign };
}

/** An issuer that publishes keys over HTTP; ends with the test. */
export interface Issuer {
  /** What it publishes. */
  keys: JWK[];
  /** While set, it answers with this instead. */
  answer: { status: number; body: string } | null;
  /** While true, it takes requests and never answers. */
  silent: boolean;
  /** How often it was asked. */
  asked: number;
  stop(): Promise<void>;
  /** Of an API that believes it. */
  config: ApiConfig;
}

export async function startIssuer(...keys: IssuerKey[]): Promise<Issuer> {
  const server = createServer((_request, response) => {
    issuer.asked += 1;
    if (issuer.silent) return;
    const { status, body } = issuer.answer ?? { status: 200, body: JSON.stringify({ keys: issuer.keys }) };
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const stop = async () => {
    server.closeAllConnections();
    if (server.listening) await once(server.close(), 'close');
  };
  onTestFinished(stop);
  const { port } = server.address() as AddressInfo;
  const { AUTH_JWT_SECRET: _unused, ...config } = apiConfig;
  const issuer: Issuer = {
    keys: keys.map(({ jwk }) => jwk),
    answer: null,
    silent: false,
    asked: 0,
    stop,
    config: { ...config, AUTH_JWKS_URL: `http://127.0.0.1:${port}/keys` },
  };
  return issuer;
}
