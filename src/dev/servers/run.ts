import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { LocalServerError, type RunningServer } from './running-server.js';

const READY_POLL_MS = 50;
const READY_TIMEOUT_MS = 30_000;
const STOP_GRACE_MS = 5_000;
/** Of a child's output this much is kept, for the message when it fails. */
const KEPT_LINES = 20;

/** Full path of a command on PATH; null when there is none. */
export function findOnPath(command: string): string | null {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const file = join(folder, command);
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      continue;
    }
  }
  return null;
}

/**
 * Runs a command to its end; its output goes to `onLine`.
 * @throws LocalServerError with its last lines when it cannot be started, fails, or takes longer than `timeoutMs`
 *   (default 10 minutes), after which it is killed.
 */
export async function runToEnd(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; onLine?: (line: string) => void; timeoutMs?: number } = {},
): Promise<void> {
  const { child, lines } = spawnWithLines(command, args, options);
  const timer = setTimeout(() => child.kill('SIGKILL'), options.timeoutMs ?? 600_000);
  try {
    const ended = await endOf(child);
    if (ended !== 'exit code 0')
      throw new LocalServerError(`"${[command, ...args].join(' ')}" failed (${ended}):\n${lines.join('\n')}`);
  } finally {
    clearTimeout(timer);
  }
}

/** How to start a server and how to see that it answers. */
export interface ServerCommand {
  /** For messages. */
  name: string;
  command: string;
  args: readonly string[];
  /** Added to our own environment. */
  env?: Record<string, string>;
  url: string;
  /** Asked again and again until it says true; throwing counts as no. */
  isReady: () => Promise<boolean>;
  /** Default 30 s. */
  readyTimeoutMs?: number;
  /** From SIGTERM to SIGKILL. Default 5 s. */
  stopGraceMs?: number;
  onLine?: (line: string) => void;
}

/**
 * Starts a server as a child and resolves when it answers. The child stays in our process group (never `detached`), so a
 * Ctrl-C in the terminal reaches it too, and it is killed when we exit without having stopped it. Only our own SIGKILL can leave it behind.
 * @throws LocalServerError when something answers at its address before, and with its last lines when it ends or does not
 *   answer in time.
 */
export async function startServer(server: ServerCommand): Promise<RunningServer> {
  if (await server.isReady().catch(() => false))
    throw new LocalServerError(`${server.name} cannot start: something else answers at ${server.url} already`);
  const { child, lines } = spawnWithLines(server.command, server.args, server);
  let ended: string | null = null;
  const end = endOf(child).then((how) => (ended = how));
  const killAtExit = (): void => void child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), server.stopGraceMs ?? STOP_GRACE_MS);
    await end;
    clearTimeout(timer);
    process.removeListener('exit', killAtExit);
  };
  const deadlineMs = Date.now() + (server.readyTimeoutMs ?? READY_TIMEOUT_MS);
  while (!(await server.isReady().catch(() => false))) {
    const why = ended ?? (Date.now() > deadlineMs ? 'no answer in time' : null);
    if (why !== null) {
      await stop();
      throw new LocalServerError(`${server.name} did not start (${why}):\n${lines.join('\n')}`);
    }
    await sleep(READY_POLL_MS);
  }
  return { url: server.url, pid: child.pid ?? null, stop };
}

function spawnWithLines(
  command: string,
  args: readonly string[],
  options: { env?: Record<string, string>; onLine?: (line: string) => void },
): { child: ChildProcess; lines: string[] } {
  const env = { ...process.env, ...options.env };
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      if (lines.length > KEPT_LINES) lines.shift();
      options.onLine?.(line);
    });
  }
  return { child, lines };
}

/** Resolves with words about how it ended: `exit code 0`, `SIGKILL`, or why it could not be started. */
function endOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      resolve(error.message);
    });
    child.once('close', (code, signal) => {
      resolve(signal ?? `exit code ${code ?? 'unknown'}`);
    });
  });
}
