import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessRecords } from './processes.js';
import { packageRoot, StackError } from './settings.js';

const FIRST_BACK_OFF_MS = 500;
const MAX_BACK_OFF_MS = 15_000;
/** A child that lived this long did well: the next back-off is the first again. */
const HEALTHY_AFTER_MS = 30_000;
const READY_POLL_MS = 100;
const READY_TIMEOUT_MS = 90_000;
const STOP_GRACE_MS = 20_000;
const SHOWN_LOG_LINES = 20;

/** One of our own processes, API or worker. */
export interface ServiceOptions {
  /** For messages. */
  name: string;
  /** Source file below the package, run by tsx. */
  entry: string;
  env: Record<string, string | undefined>;
  /** All it writes is appended here; it stays readable when the stack is killed. */
  logFile: string;
  /** Whether the process that was started at `startedAtMs` does its work; throwing counts as no. */
  isReady: (startedAtMs: number) => Promise<boolean>;
  records: ProcessRecords;
  say: (line: string) => void;
  /** Gives up waiting for the first readiness; the process is ended. */
  signal?: AbortSignal | undefined;
}

export interface Service {
  /** Of the running child; null between two lives. */
  pid(): number | null;
  /** SIGTERM, SIGKILL after 20 s; no restart follows. Safe to repeat. */
  stop(): Promise<void>;
}

/**
 * Starts a process, waits until it is ready, and from then on starts it again whenever it dies (after 0.5 s, doubling to 15 s).
 * @throws StackError with the end of its log when it dies, or is not ready within 90 s, the first time.
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const life: Life = { child: null, stopping: false, end: Promise.resolve('') };
  const startedAtMs = start(life, options);
  let died: string | null = null;
  void life.end.then((how) => (died = how));
  while (!(await options.isReady(startedAtMs).catch(() => false))) {
    const why = died ?? whyGiveUp(options, startedAtMs);
    if (why !== null) {
      await stop(life);
      throw new StackError(
        `${options.name} did not start (${why}); the end of ${options.logFile}:\n${tail(options.logFile)}`,
      );
    }
    await sleep(READY_POLL_MS);
  }
  const watching = keepAlive(life, options, startedAtMs);
  return {
    pid: () => life.child?.pid ?? null,
    async stop() {
      await stop(life);
      await watching;
    },
  };
}

function whyGiveUp({ signal }: ServiceOptions, startedAtMs: number): string | null {
  if (signal?.aborted === true) return 'the start was ended';
  return Date.now() - startedAtMs > READY_TIMEOUT_MS ? 'not ready in time' : null;
}

interface Life {
  child: ChildProcess | null;
  stopping: boolean;
  /** Resolves with how the present child ended. */
  end: Promise<string>;
  /** Ends the wait before a restart. */
  wake?: AbortController;
}

function start(life: Life, { entry, env, logFile, records, name }: ServiceOptions): number {
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, ['--import', 'tsx', entry], {
    cwd: packageRoot,
    env,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  life.child = child;
  records.add(name, child.pid);
  life.end = new Promise((resolve) => {
    const ended = (how: string): void => {
      life.child = null;
      records.remove(child.pid);
      resolve(how);
    };
    child.once('exit', (code, signal) => {
      ended(signal ?? `exit code ${code ?? 'unknown'}`);
    });
    child.once('error', (error) => {
      ended(error.message);
    });
  });
  return Date.now();
}

async function keepAlive(life: Life, options: ServiceOptions, firstStartMs: number): Promise<void> {
  let startedAtMs = firstStartMs;
  let backOffMs = FIRST_BACK_OFF_MS;
  for (;;) {
    const how = await life.end;
    if (life.stopping) return;
    if (Date.now() - startedAtMs > HEALTHY_AFTER_MS) backOffMs = FIRST_BACK_OFF_MS;
    options.say(`${options.name} ended (${how}); starting it again in ${backOffMs / 1_000} s. Log: ${options.logFile}`);
    life.wake = new AbortController();
    await sleep(backOffMs, undefined, { signal: life.wake.signal }).catch(() => undefined);
    if (isStopping(life)) return;
    backOffMs = Math.min(2 * backOffMs, MAX_BACK_OFF_MS);
    startedAtMs = start(life, options);
    void sayWhenReady(life, options, startedAtMs);
  }
}

async function sayWhenReady(life: Life, options: ServiceOptions, startedAtMs: number): Promise<void> {
  const { child } = life;
  while (child !== null && life.child === child && !isStopping(life)) {
    if (await options.isReady(startedAtMs).catch(() => false)) {
      options.say(`${options.name} is back.`);
      return;
    }
    await sleep(READY_POLL_MS);
  }
}

async function stop(life: Life): Promise<void> {
  life.stopping = true;
  life.wake?.abort();
  const { child } = life;
  if (child === null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
  await life.end;
  clearTimeout(timer);
}

/** Read through a function: it changes while we wait, which control flow analysis cannot know. */
const isStopping = (life: Life): boolean => life.stopping;

function tail(logFile: string): string {
  return readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-SHOWN_LOG_LINES).join('\n');
}
