/** The process that runs the local stack: started by `launchStack`, ended by a signal or by the end of its launcher. */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { LocalServerError } from './servers/running-server.js';
import { ArtifactError } from '../domain/errors.js';
import type { Connection } from './connection.js';
import { WITHOUT_INVITATION, type SupervisorReady } from './launch.js';
import { createProgress } from './progress.js';
import { readSettings, StackError, type StackSettings } from './settings.js';
import { startStack, type Stack } from './stack.js';

/** How long a start that is to be ended may take to come to a step where it can; a build does not come to one. */
const START_ABORT_MS = 3_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const DONE = 'Done, nothing is left running.';

const progress = createProgress();
const abort = new AbortController();
let stack: Stack | null = null;
let stops = 0;

// The terminal may be gone before we are.
process.stdout.on('error', () => undefined);
for (const signal of SIGNALS) process.on(signal, () => void stop(0));
process.on('disconnect', () => void stop(0));

async function main(): Promise<void> {
  const startMs = Date.now();
  try {
    const settings = readSettings(process.env);
    progress.line('Starting the local stack');
    const onServerLost = (message: string): void => {
      progress.line(`  ✘ ${message}`);
      void stop(1);
    };
    stack = await startStack({ settings, progress, signal: abort.signal, onServerLost });
    if (abort.signal.aborted) {
      await end(stack, 0);
      return;
    }
    progress.line(welcome(settings, stack.connection, Date.now() - startMs));
    process.send?.({ ready: stack.connection } satisfies SupervisorReady);
  } catch (error) {
    if (abort.signal.aborted) {
      progress.line(DONE);
      return leave(0);
    }
    progress.close();
    console.error(isExpected(error) ? error.message : error);
    leave(1);
  }
}

/** Ends in order; the second call ends at once. */
async function stop(code: number): Promise<void> {
  stops += 1;
  if (stops > 1) {
    progress.line('Ending everything at once.');
    stack?.kill();
    process.exit(1);
  }
  abort.abort();
  progress.line('\nStopping the local stack (Ctrl-C again ends it at once)');
  if (stack !== null) await end(stack, code);
  else setTimeout(() => process.exit(code), START_ABORT_MS);
}

async function end(running: Stack, code: number): Promise<void> {
  await running.stop();
  progress.line(DONE);
  leave(code);
}

function leave(code: number): void {
  progress.close();
  process.exit(code);
}

const isExpected = (error: unknown): error is Error =>
  error instanceof StackError || error instanceof LocalServerError || error instanceof ArtifactError;

function welcome({ directory, bucket }: StackSettings, connection: Connection, tookMs: number): string {
  const { apiUrl, token, temporalUiUrl, temporalAddress, s3Endpoint, databaseUrl } = connection;
  return `
The local stack runs (${(tookMs / 1_000).toFixed(1)} s). Ctrl-C stops it.

  API          ${apiUrl}        its documentation: ${apiUrl}/docs
  Temporal     ${temporalUiUrl ?? temporalAddress}
  S3           ${s3Endpoint}        bucket ${bucket}
  Postgres     ${databaseUrl}
  Data         ${directory}        logs: ${join(directory, 'logs')}

  Token, all scopes, valid for 30 days:
  ${token}
${process.argv.includes(WITHOUT_INVITATION) ? '' : INVITATION}`;
}

const INVITATION = `
Try it in another terminal:
  npm run demo
  npx artifacts upload package.json --execution ${randomUUID()}
`;

await main();
