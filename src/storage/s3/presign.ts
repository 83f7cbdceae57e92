import type { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { SECOND_MS } from '../../domain/units.js';
import type { SignedRequest } from '../object-store.js';
import type { S3Context } from './client.js';

/** `getSignedUrl` bound to a client and a command. */
type Sign = (options: NonNullable<Parameters<typeof getSignedUrl>[2]>) => Promise<string>;

/**
 * Signs a command. Every header given is kept out of the query and made part of the signature, so that the store refuses the
 * request when one is missing or different. The URL lives no longer than the credentials that sign it.
 * @param headers lower-case names, exactly as the command will write them.
 */
export async function presign(
  context: S3Context,
  sign: Sign,
  headers: Record<string, string>,
  expiresInSeconds: number,
): Promise<SignedRequest> {
  const names = Object.keys(headers);
  // Read before it signs: if the credentials are renewed meanwhile, the URL lives longer than we say, never shorter.
  const { expiration } = await context.presigner.config.credentials();
  const signingDate = new Date(toWholeSeconds(Date.now()));
  const expiresIn = boundedSeconds(expiresInSeconds, signingDate, expiration);
  const url = await sign({
    expiresIn,
    signingDate,
    unhoistableHeaders: new Set(names),
    // Also lifts the signer's own ban on content-type.
    signableHeaders: new Set([...names, 'host']),
  });
  requireSigned(url, names);
  return {
    method: names.length === 0 ? 'GET' : 'PUT',
    url,
    headers,
    expiresAtMs: signingDate.getTime() + expiresIn * SECOND_MS,
  };
}

/** Signatures know no smaller unit. */
const toWholeSeconds = (epochMs: number): number => Math.floor(epochMs / SECOND_MS) * SECOND_MS;

/** A URL dies with the credentials that signed it, whatever it says itself. S3 wants at least one second. */
function boundedSeconds(askedSeconds: number, signingDate: Date, credentialsEnd: Date | undefined): number {
  if (credentialsEnd === undefined) return askedSeconds;
  const leftMs = toWholeSeconds(credentialsEnd.getTime()) - signingDate.getTime();
  return Math.max(1, Math.min(askedSeconds, leftMs / SECOND_MS));
}

/** A header the SDK dropped or added would make a URL that binds less than we say, or that nobody can use. */
function requireSigned(url: string, names: string[]): void {
  const signed = new URL(url).searchParams.get('X-Amz-SignedHeaders')?.split(';').sort().join(';');
  const expected = [...names, 'host'].sort().join(';');
  if (signed !== expected) throw new Error(`the signature covers ${signed ?? 'nothing'} instead of ${expected}`);
}
