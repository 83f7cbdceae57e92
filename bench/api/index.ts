import type { Connection } from '../../src/dev/connection.js';
import { withStack } from '../stack.js';
import { downloads } from './downloads.js';
import { requests } from './requests.js';

const parts: Record<string, (connection: Connection) => Promise<void>> = { requests, downloads };

/** `api [requests | downloads]…`: everything, or the parts that are named. */
export async function api(names: string[]): Promise<void> {
  // One subject asks as often as it can; of a stack that runs already, the limit is what it is.
  process.env['API_REQUESTS_PER_MINUTE'] ??= '1000000000';
  await withStack(async (connection) => {
    const unknown = names.find((name) => !(name in parts));
    if (unknown !== undefined) throw new Error(`there is no "${unknown}"; there are ${Object.keys(parts).join(', ')}`);
    for (const [name, run] of Object.entries(parts))
      if (names.length === 0 || names.includes(name)) await run(connection);
  });
}
