import { fork } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection } from './connection.js';
import { packageRoot } from './settings.js';

const GROUP_GRACE_MS = 8_000;
const POLL_MS = 50;

/** What the supervisor tells its launcher. */
export interface SupervisorReady {
  ready: Connection;
}

export interface LaunchOptions {
  /** Whether the stack says what to try with it, once it runs. Default true. */
  invites?: boolean;
}

/** Argument of the supervisor: run without an invitation to try things. */
export const WITHOUT_INVITATION = '--without-invitation';

/** The local stack in a process of its own. */
export interface LaunchedStack {
  /** Resolves when everything answers; null when the start failed (the reason has been printed). */
  ready: Promise<Connection | null>;
  /** Resolves with the exit code when everything has ended. */
  ended: Promise<number>;
  /** Ends everything in order; a second call ends it at once. */
  stop(): void;
}

/**
 * Starts the stack in a supervisor that leads its own process group: a Ctrl-C in the terminal, which reaches a whole group (and through npm
 * twice), then comes to us alone, and the supervisor ends its children in the right order. It prints to our own output. When we are
 * killed, it notices and ends the stack; when it is killed, we end what it leaves behind.
 */
export function launchStack({ invites = true }: LaunchOptions = {}): LaunchedStack {
  const supervisor = fork(new URL('./supervisor.ts', import.meta.url), invites ? [] : [WITHOUT_INVITATION], {
    cwd: packageRoot,
    detached: true,
    execArgv: ['--import', 'tsx'],
    // The version in the lock file runs on this Node; the notice about later ones is for whoever updates it.
    env: { ...process.env, AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = new Promise<number>((resolve) => {
    supervisor.once('exit', (code) => {
      void endGroup(supervisor.pid).then(() => {
        resolve(code ?? 1);
      });
    });
  });
  const ready = new Promise<Connection | null>((resolve) => {
    supervisor.on('message', (message) => {
      if (isReady(message)) resolve(message.ready);
    });
    void ended.then(() => {
      resolve(null);
    });
  });
  return {
    ready,
    ended,
    stop: () => {
      supervisor.kill('SIGTERM');
    },
  };
}

const isReady = (message: unknown): message is SupervisorReady =>
  typeof message === 'object' && message !== null && 'ready' in message;

/** Nothing is left in the group after an orderly end; after a SIGKILL of the supervisor its children are. */
async function endGroup(leader: number | undefined): Promise<void> {
  if (leader === undefined || !signalGroup(leader, 'SIGTERM')) return;
  for (let waitedMs = 0; waitedMs < GROUP_GRACE_MS; waitedMs += POLL_MS) {
    await sleep(POLL_MS);
    if (!signalGroup(leader, 0)) return;
  }
  // What is there even after this are zombies that nobody reaps.
  signalGroup(leader, 'SIGKILL');
}

/** False when the group has no process. */
function signalGroup(leader: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-leader, signal);
    return true;
  } catch {
    return false;
  }
}
