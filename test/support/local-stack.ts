import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readConnection, type Connection } from '../../src/dev/connection.js';

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));
const POLL_MS = 100;

/** Free ports, and none of the variables that would make the stack use a server that runs. */
const ENVIRONMENT = {
  API_PORT: '0',
  LOCAL_TEMPORAL_PORT: '0',
  LOCAL_TEMPORAL_UI_PORT: '0',
  LOCAL_POSTGRES_PORT: '0',
  LOCAL_S3_PORT: '0',
  TEMPORAL_ADDRESS: '',
  DATABASE_URL: '',
  S3_ENDPOINT: '',
};

/** `npm start` without npm, on a directory of its own. */
export interface StartCommand {
  child: ChildProcess;
  /** All it has printed. */
  output(): string;
  /** Resolves when the stack is up. @throws when it ends before. */
  ready(): Promise<Connection>;
  /** Resolves when `output` has the text. @throws when the command ends before, or with the test's time. */
  says(text: string): Promise<void>;
  /** Resolves with the exit code; null after a signal. */
  ended: Promise<number | null>;
}

/** Starts the command. The caller ends it. */
export function startCommand(directory: string, env: Record<string, string> = {}): StartCommand {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/dev/start.ts'], {
    cwd: packageRoot,
    env: { ...process.env, ...ENVIRONMENT, LOCAL_DIRECTORY: directory, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let running = true;
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const ended = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => {
      running = false;
      resolve(code);
    });
  });
  const until = async <T>(look: () => Promise<T | null> | T | null): Promise<T> => {
    for (;;) {
      const found = await look();
      if (found !== null) return found;
      if (!running) throw new Error(`the stack ended:\n${output}`);
      await sleep(POLL_MS);
    }
  };
  return {
    child,
    output: () => output,
    ready: () => until(() => readConnection(directory)),
    says: async (text) => {
      await until(() => (output.includes(text) ? text : null));
    },
    ended,
  };
}
