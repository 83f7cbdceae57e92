import type { Api, ApiContext } from './context.js';

/** Addresses that mean "every one of this machine", and cannot be called. */
const WILDCARDS = ['0.0.0.0', '::'];

/** What links to this API begin with, without a slash at the end: API_PUBLIC_URL, else where it listens. */
export function publicUrl(app: Api, { API_PUBLIC_URL: configured, API_HOST, API_PORT }: ApiContext['config']): string {
  if (configured !== undefined) return configured.replace(/\/+$/, '');
  const listening = app.server.address();
  const { address, port } =
    typeof listening === 'object' && listening !== null ? listening : { address: API_HOST, port: API_PORT };
  const host = WILDCARDS.includes(address) ? '127.0.0.1' : address;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
