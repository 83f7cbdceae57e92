import ipaddr from 'ipaddr.js';

/** Global unicast, the only part of IPv6 that is given to anybody. */
const GLOBAL_IPV6 = ipaddr.parseCIDR('2000::/3');

/**
 * Whether an address is one of the public internet: not loopback, link-local (where clouds keep the credentials of a machine), private,
 * shared, multicast, reserved, or one that only wraps another address. What is no address is not public.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.range() !== 'unicast') return false;
  return parsed.kind() === 'ipv4' || parsed.match(GLOBAL_IPV6);
}
