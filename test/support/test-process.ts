import { spawn, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';

const packageRoot = fileURLToPath(new URL('../../', import.meta.url));
const READY_TIMEOUT_MS = 180_000;
const READY_POLL_MS = 50;
const STOP_GRACE_MS = 60_000;
const KEPT_OUTPUT_LENGTH = 20_000;

interface TestProcessOptions {
  /** Source file below the package, run by tsx as `npm start` does. */
  entry: string;
  env: Record<string, string>;
  /** Whether the process started at `startedAtMs` does its work; throwing counts as no. */
  isReady: (startedAtMs: number) => Promise<boolean>;
}

/** A process of the product that a test may kill and start again. */
export interface TestProcess {
  /** Resolves when it is ready. Must not be running. */
  start(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill9(): Promise<void>;
  /** SIGTERM, SIGKILL after a minute. Fine when it does not run. @returns whether it ended by itself. */
  stop(): Promise<boolean>;
  /** The last 20,000 characters it wrote, over all its lives. */
  output(): string;
}

/** Prepares a process; it is killed when the test process ends without having stopped it. */
export function createTestProcess({ entry, env, isReady }: TestProcessOptions): TestProcess {
  let child: ChildProcess | null = null;
  let ended: Promise<void> = Promise.resolve();
  let output = '';
  const keep = (chunk: string): void => {
    output = (output + chunk).slice(-KEPT_OUTPUT_LENGTH);
  };
  process.once('exit', () => child?.kill('SIGKILL'));
  const launch = (): void => {
    const started = spawn(process.execPath, ['--import', 'tsx', entry], {
      cwd: packageRoot,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [started.stdout, started.stderr]) stream.setEncoding('utf8').on('data', keep);
    child = started;
    ended = new Promise((resolve) => {
      started.once('exit', () => {
        if (child === started) child = null;
        resolve();
      });
    });
  };
  const isRunning = (): boolean => child !== null;
  return {
    output: () => output,
    async start() {
      if (isRunning()) throw new Error(`${entry} runs already`);
      launch();
      const startedAtMs = Date.now();
      while (!(await isReady(startedAtMs).catch(() => false))) {
        if (!isRunning()) throw new Error(`${entry} ended before it was ready:\n${output}`);
        if (Date.now() - startedAtMs > READY_TIMEOUT_MS) throw new Error(`${entry} is not ready in time:\n${output}`);
        await sleep(READY_POLL_MS);
      }
    },
    async kill9() {
      child?.kill('SIGKILL');
      await ended;
    },
    async stop() {
      const stopping = child;
      if (stopping === null) return true;
      stopping.kill('SIGTERM');
      const timer = setTimeout(() => stopping.kill('SIGKILL'), STOP_GRACE_MS);
      await ended;
      clearTimeout(timer);
      return stopping.signalCode !== 'SIGKILL';
    },
  };
}
