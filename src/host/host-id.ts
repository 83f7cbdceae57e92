import { hostname } from 'node:os';

/** What a host is called unless it is told otherwise: the name of the machine, in the characters that a queue may have. */
export const defaultHostId = (): string =>
  hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, 63) || 'localhost';
