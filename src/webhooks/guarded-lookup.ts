import { lookup, type LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { ArtifactError } from '../domain/errors.js';
import { isPublicAddress } from './addresses.js';

export type Resolve = (hostname: string, callback: (error: Error | null, addresses: LookupAddress[]) => void) => void;

const resolveAll: Resolve = (hostname, callback) =>
  lookup(hostname, { all: true }, (error, addresses) => callback(error, addresses));

/**
 * A lookup for the connections of `node:net` that answers with public addresses only. What it answers with is what is connected to, so a
 * name that changes its address between a check and the connection gains nothing. A name with even one other address is refused.
 */
export function publicLookup(resolve: Resolve = resolveAll): LookupFunction {
  return (hostname, options, callback) =>
    resolve(hostname, (error, addresses) => {
      const [first] = addresses ?? [];
      const refused = (addresses ?? []).find(({ address }) => !isPublicAddress(address));
      if (error !== null) callback(error, '');
      else if (refused !== undefined) callback(addressRefused(hostname, refused.address), '');
      else if (options.all === true) callback(null, addresses);
      else callback(null, first?.address ?? '', first?.family ?? 4);
    });
}

/** A host that is an address is connected to without a lookup. @throws `webhook_address_refused` for one that is not public. */
export function requirePublicLiteral({ hostname }: URL): void {
  const address = hostname.replace(/^\[(.*)\]$/, '$1');
  if (isIP(address) !== 0 && !isPublicAddress(address)) throw addressRefused(hostname, address);
}

const addressRefused = (hostname: string, address: string): ArtifactError =>
  new ArtifactError('webhook_address_refused', `${hostname} is ${address}, which is not a public address`);
