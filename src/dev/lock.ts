import { rmSync, writeFileSync } from 'node:fs';
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
  for (;;) {
    try {
      writeFileSync(file, me, { flag: 'wx', mode: 0o600 });
      return () => {
        rmSync(file, { force: true });
      };
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    const owner = readIdentity(file);
    if (owner !== null && isAlive(owner)) throw new StackError(alreadyRuns(directory, owner.pid));
    rmSync(file, { force: true });
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
