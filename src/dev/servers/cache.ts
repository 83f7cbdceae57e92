import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const LOCK_POLL_MS = 500;

/** Where servers that had to be built or downloaded are kept: `$XDG_CACHE_HOME` or `~/.cache`, in `durable-artifacts/servers`. */
export function cacheDirectory(): string {
  const configured = process.env['XDG_CACHE_HOME'];
  const base = configured === undefined || configured === '' ? join(homedir(), '.cache') : configured;
  return join(base, 'durable-artifacts', 'servers');
}

/**
 * The directory of one server in one version, built the first time it is asked for. Another version is another directory, so
 * an upgrade rebuilds. A process that finds another one building waits for it.
 * @param build fills an empty temporary directory, which is moved into place when it is done: what it makes must survive that.
 *   When it fails, nothing is kept and its error is passed on.
 */
export async function cachedServer(
  name: string,
  version: string,
  build: (targetDir: string) => Promise<void>,
  onProgress: (line: string) => void = () => undefined,
): Promise<string> {
  const directory = join(cacheDirectory(), `${name}-${version}`);
  if (existsSync(directory)) return directory;
  await mkdir(cacheDirectory(), { recursive: true });
  const release = await takeLock(`${directory}.lock`, () => {
    onProgress(`waiting for another process that builds ${name} ${version}`);
  });
  const temporary = `${directory}.${randomUUID()}.tmp`;
  try {
    if (existsSync(directory)) return directory;
    await mkdir(temporary);
    await build(temporary);
    await rename(temporary, directory);
    return directory;
  } finally {
    await rm(temporary, { recursive: true, force: true });
    await release();
  }
}

/**
 * Creates the lock file with our process id in it, or waits until it can. The lock of a process that has died is removed.
 * Two waiters may then both get through; they only do the same work twice, because the result is moved into place whole.
 */
async function takeLock(path: string, onWait: () => void): Promise<() => Promise<void>> {
  for (let told = false; ;) {
    try {
      await writeFile(path, String(process.pid), { flag: 'wx' });
      return () => rm(path, { force: true });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
    if (!(await isHeld(path))) {
      await rm(path, { force: true });
      continue;
    }
    if (!told) onWait();
    told = true;
    await sleep(LOCK_POLL_MS);
  }
}

async function isHeld(path: string): Promise<boolean> {
  const pid = Number(await readFile(path, 'utf8').catch(() => ''));
  // Empty: its owner has created but not yet written it, or it has just gone. Either way look again.
  if (!Number.isInteger(pid) || pid <= 0) {
    await sleep(LOCK_POLL_MS);
    return existsSync(path) && (await readFile(path, 'utf8').catch(() => '')) !== '';
  }
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives under another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
