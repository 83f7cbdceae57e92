import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identify, isAlive, type ProcessIdentity } from './process-identity.js';

const POLL_MS = 50;
const GRACE_MS = 8_000;

interface RecordedProcess extends ProcessIdentity {
  name: string;
}

/** The children of a running stack, kept in `processes.json` so that the next start finds them if this one is killed. */
export interface ProcessRecords {
  add(name: string, pid: number | null | undefined): void;
  remove(pid: number | null | undefined): void;
  /** SIGKILL to every child that lives. */
  killAll(): void;
  /** Removes the file, after all children have ended. */
  clear(): void;
}

const fileOf = (directory: string): string => join(directory, 'processes.json');

/** Starts an empty record. */
export function recordProcesses(directory: string): ProcessRecords {
  const recorded = new Map<number, RecordedProcess>();
  const save = (): void => {
    // In place of the old one in one step: this is the file that must survive a kill.
    const temporary = `${fileOf(directory)}.tmp`;
    writeFileSync(temporary, JSON.stringify([...recorded.values()], null, 2));
    renameSync(temporary, fileOf(directory));
  };
  return {
    add(name, pid) {
      const identity = typeof pid === 'number' ? identify(pid) : null;
      if (identity === null) return;
      recorded.set(identity.pid, { name, ...identity });
      save();
    },
    remove(pid) {
      if (typeof pid === 'number' && recorded.delete(pid)) save();
    },
    killAll() {
      for (const child of recorded.values()) send(child, 'SIGKILL');
    },
    clear() {
      rmSync(fileOf(directory), { force: true });
    },
  };
}

/**
 * Ends what an earlier stack left running because it was killed: SIGTERM, then SIGKILL. A process id that has been given to another
 * program since is left alone. Call it only when that stack is gone.
 * @returns the names of the processes it ended.
 */
export async function endLeftovers(directory: string): Promise<string[]> {
  const leftovers = read(directory).filter(isAlive);
  // Postgres waits for its last client on SIGTERM; SIGINT is its fast shutdown.
  for (const child of leftovers) send(child, child.name === 'Postgres' ? 'SIGINT' : 'SIGTERM');
  const deadlineMs = Date.now() + GRACE_MS;
  while (leftovers.some(isAlive)) {
    if (Date.now() > deadlineMs) for (const child of leftovers) send(child, 'SIGKILL');
    await sleep(POLL_MS);
  }
  rmSync(fileOf(directory), { force: true });
  return leftovers.map(({ name }) => name);
}

function send(child: RecordedProcess, signal: NodeJS.Signals): void {
  if (!isAlive(child)) return;
  try {
    process.kill(child.pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}

function read(directory: string): RecordedProcess[] {
  try {
    const parsed: unknown = JSON.parse(readFileSync(fileOf(directory), 'utf8'));
    return Array.isArray(parsed) ? parsed.filter(isRecordedProcess) : [];
  } catch {
    return [];
  }
}

function isRecordedProcess(value: unknown): value is RecordedProcess {
  if (typeof value !== 'object' || value === null) return false;
  const { name, pid, startedAt } = value as Partial<RecordedProcess>;
  return typeof name === 'string' && typeof pid === 'number' && pid > 1 && typeof startedAt === 'string';
}
