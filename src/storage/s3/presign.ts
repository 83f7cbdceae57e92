import type { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { SECOND_MS } from '../../domain/units.js';
import type { SignedRequest } from '../object-store.js';
import type { S3Context } from './client.js';

/** `getSignedUrl` bound to a client and a command. */
type Sign = (options: NonNullable<Parameters<typeof getSignedUrl>[2]>) => Promise<string>;

/**
 * Signs a command. Every header given is kept out of the query and made part of the signature, so that the store refuses the
 * request when one is missing or different.
 * @param headers lower-case names, exactly as the command will write them.
 */
export async function presign(
  context: S3Context,
  sign: Sign,
  headers: Record<string, string>,
  expiresInSeconds: number,
): Promise<SignedRequest> {
  const names = Object.keys(headers);
  const signingDate = new Date();
  const url = await sign({
    expiresIn: expiresInSeconds,
    signingDate,
    unhoistableHeaders: new Set(names),
    // Also lifts the signer's own ban on content-type.
    signableHeaders: new Set([...names, 'host']),
  });
  requireSigned(url, names);
  const { expiration } = await context.presigner.config.credentials();
  return {
    method: names.length === 0 ? 'GET' : 'PUT',
    url,
    headers,
    // A URL dies with the credentials that signed it.
    expiresAtMs: Math.min(signingDate.getTime() + expiresInSeconds * SECOND_MS, expiration?.getTime() ?? Infinity),
  };
}

/** A header the SDK dropped or added would make a URL that binds less than we say, or that nobody can use. */
function requireSigned(url: string, names: string[]): void {
  const signed = new URL(url).searchParams.get('X-Amz-SignedHeaders')?.split(';').sort().join(';');
  const expected = [...names, 'host'].sort().join(';');
  if (signed !== expected) throw new Error(`the signature covers ${signed ?? 'nothing'} instead of ${expected}`);
}
