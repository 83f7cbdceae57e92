import { Connection } from '@temporalio/client';
import type { Config } from '../config.js';

export type TemporalSettings = Pick<
  Config,
  'TEMPORAL_ADDRESS' | 'TEMPORAL_NAMESPACE' | 'TEMPORAL_API_KEY' | 'TEMPORAL_TLS'
>;

/** Where and how to reach the Temporal frontend; the same for clients and workers. An API key turns TLS on. */
export function connectionOptions(settings: TemporalSettings): { address: string; tls: boolean; apiKey?: string } {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_API_KEY: apiKey, TEMPORAL_TLS: tls } = settings;
  return { address, tls: tls || apiKey !== undefined, ...(apiKey === undefined ? {} : { apiKey }) };
}

/** A connection that is opened by its first call: a process can start, and serve what it can, while Temporal is down. */
export const lazyConnection = (settings: TemporalSettings): Connection => Connection.lazy(connectionOptions(settings));
