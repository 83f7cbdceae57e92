import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { lockFile, readConnectionFile } from './connection.js';
import { identify, isAlive, readIdentity } from './process-identity.js';
import { StackError } from './settings.js';

/**
 * Makes this process the only stack on the directory, until the returned function is called. The lock of a process that has
 * died (kill -9, power loss) does not count.
 * @throws StackError with process id and addresses when another one runs.
 */
export function takeLock(directory: string): () => void {
  const file = lockFile(directory);
  const me = JSON.stringify(identify(process.pid));
  const mine = `${file}.${randomUUID()}`;
  writeFileSync(mine, me, { mode: 0o600 });
  try {
    while (!putInPlace(mine, file)) {
      const found = readText(file);
      const owner = readIdentity(file);
      if (owner !== null && isAlive(owner)) throw new StackError(alreadyRuns(directory, owner.pid));
      if (found !== null) removeStale(file, found);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  return () => {
    if (readText(file) === me) rmSync(file, { force: true });
  };
}

/** A link takes the name in one step, with the content: nobody ever reads a lock that is only half written. */
function putInPlace(from: string, file: string): boolean {
  try {
    linkSync(from, file);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes the lock if it is still the one that was judged. Another start may have judged the same one, removed it and taken the lock:
 * so it is moved away first, and put back when it turns out to be that fresh one.
 * @param judged content of the lock whose owner is dead.
 */
export function removeStale(file: string, judged: string): void {
  const aside = `${file}.${randomUUID()}`;
  try {
    renameSync(file, aside);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  if (readText(aside) !== judged) putInPlace(aside, file);
  rmSync(aside, { force: true });
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function alreadyRuns(directory: string, pid: number): string {
  const connection = readConnectionFile(directory);
  const where =
    connection?.supervisorPid === pid
      ? `\n  API       ${connection.apiUrl}\n  Temporal  ${connection.temporalUiUrl ?? connection.temporalAddress}`
      : ' (it is still starting).';
  return `The local stack on ${directory} runs already, as process ${pid}${where}\nStop it with Ctrl-C in its terminal, or: kill ${pid}`;
}
