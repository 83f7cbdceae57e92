import type { Connection } from '../../src/dev/connection.js';
import { withStack } from '../stack.js';
import { downloads } from './downloads.js';
import { requests } from './requests.js';

const parts: Record<string, (connection: Connection) => Promise<void>> = { requests, downloads };

/** `api [requests | downloads]…`: everything, or the parts that are named. */
export const api = (names: string[]): Promise<void> =>
  withStack(async (connection) => {
    const unknown = names.find((name) => !(name in parts));
    if (unknown !== undefined) throw new Error(`there is no "${unknown}"; there are ${Object.keys(parts).join(', ')}`);
    for (const [name, run] of Object.entries(parts))
      if (names.length === 0 || names.includes(name)) await run(connection);
  });
