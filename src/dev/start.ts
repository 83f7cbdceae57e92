/** `npm start`: the whole product on this machine, until Ctrl-C. */
import { launchStack } from './launch.js';

/** npm passes a Ctrl-C on that we have from the terminal already: one key press, two signals. */
const SAME_KEY_PRESS_MS = 500;

const stack = launchStack();
let lastSignalMs = 0;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => {
    if (Date.now() - lastSignalMs < SAME_KEY_PRESS_MS) return;
    lastSignalMs = Date.now();
    stack.stop();
  });
process.exitCode = await stack.ended;
