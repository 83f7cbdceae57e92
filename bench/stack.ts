import { readConnection, type Connection } from '../src/dev/connection.js';
import { launchStack } from '../src/dev/launch.js';

/** Runs a benchmark against the local stack: the one that runs, or one started for it and stopped afterwards. */
export async function withStack(run: (connection: Connection) => Promise<void>): Promise<void> {
  const connection = await readConnection();
  if (connection !== null) return run(connection);
  const stack = launchStack();
  try {
    const started = await stack.ready;
    if (started === null) throw new Error('the local stack did not start');
    await run(started);
  } finally {
    stack.stop();
    await stack.ended;
  }
}
