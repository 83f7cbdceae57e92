import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import {
  findPostgres,
  UNPRIVILEGED_ID,
  unprivileged,
  type CommandLine,
  type PostgresBinaries,
} from './postgres-binaries.js';
import { runToEnd, startServer } from './run.js';
import { LocalServerError, type RunningServer } from './running-server.js';
import { identify, isAlive as isSameProcess, type ProcessIdentity } from '../process-identity.js';

export interface PostgresOptions {
  /** Folder of our own that keeps everything; made when absent. */
  dataDir: string;
  /** Port on 127.0.0.1. */
  port: number;
  onProgress?: (line: string) => void;
  /** Receives every line the server writes. */
  onLine?: (line: string) => void;
  /** False for tests: faster, survives kill -9 of every process, but not a crash of the machine. Default true. */
  durable?: boolean;
}

export interface RunningPostgres extends RunningServer {
  /** User `artifacts` (may create databases, is no superuser), password `artifacts`, database `artifacts`. */
  databaseUrl: string;
}

const NAME = 'artifacts';
const SUPERUSER = 'postgres';
const CONNECT_TIMEOUT_MS = 2_000;
const ORPHAN_GRACE_MS = 10_000;
/** After a kill -9 of the server its own children need a moment to notice; until then the data directory is refused. */
const START_TRIES = 20;
const START_RETRY_MS = 250;
const STILL_IN_USE = /pre-existing shared memory block|lock file .* already exists/;

/**
 * Starts a real Postgres and resolves when it answers. The first time it makes the cluster, the user and the database; after
 * that it finds them again, also when the server or the whole machine was killed.
 * @throws LocalServerError when the port is taken, when another living process uses the data directory, or when the platform
 *   has no binaries
 */
export async function startPostgres(options: PostgresOptions): Promise<RunningPostgres> {
  const binaries = await findPostgres();
  const folder = resolve(options.dataDir);
  const cluster = join(folder, 'cluster');
  const ownerFile = join(folder, 'owner.json');
  await mkdir(folder, { recursive: true });
  await refuseIfOwned(ownerFile, folder);
  await endOrphan(cluster);

  // Written last: without it an earlier start did not get through, and nothing of value is there yet.
  const readyFile = join(folder, 'ready');
  const password = existsSync(readyFile) ? null : randomBytes(24).toString('hex');
  if (password !== null) await rm(cluster, { recursive: true, force: true });
  await mkdir(cluster, { recursive: true, mode: 0o700 });
  if (process.getuid?.() === 0) await chown(cluster, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
  const asUser = await unprivileged(binaries, cluster);
  if (password !== null) {
    options.onProgress?.('creating the Postgres database');
    await initialise(asUser, { binaries, cluster, password });
  }

  await writeFile(ownerFile, JSON.stringify(identify(process.pid)));
  const line = asUser({ command: binaries.postgres, args: serverArguments(cluster, options) });
  const server = await start(line, options).catch(async (error: unknown) => {
    await rm(ownerFile, { force: true });
    throw error;
  });
  const end = async (): Promise<void> => {
    // Fast shutdown: SIGTERM alone would wait until the last client has gone. What follows it is ignored.
    signal(server.pid, 'SIGINT');
    await server.stop();
    await rm(ownerFile, { force: true });
  };
  let ended: Promise<void> | undefined;
  const stop = (): Promise<void> => (ended ??= end());
  if (password !== null) {
    try {
      await createUserAndDatabase(options.port, password);
      await writeFile(readyFile, '');
    } catch (error) {
      await stop();
      throw error;
    }
  }
  return { ...server, stop, databaseUrl: urlOf(options.port) };
}

const urlOf = (port: number): string => `postgresql://${NAME}:${NAME}@127.0.0.1:${port}/${NAME}`;

function serverArguments(cluster: string, { port, durable }: PostgresOptions): string[] {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(durable === false ? { fsync: 'off', full_page_writes: 'off' } : {}),
  };
  return ['-D', cluster, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/** The password of the superuser is random and not kept: what connects later is an ordinary user. */
async function initialise(
  asUser: (line: CommandLine) => CommandLine,
  { binaries, cluster, password }: { binaries: PostgresBinaries; cluster: string; password: string },
): Promise<void> {
  const temporary = await mkdtemp(join(tmpdir(), 'artifacts-postgres-'));
  const passwordFile = join(temporary, 'password');
  try {
    await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
    if (process.getuid?.() === 0)
      for (const path of [temporary, passwordFile]) await chown(path, UNPRIVILEGED_ID, UNPRIVILEGED_ID);
    const args = [
      `--pgdata=${cluster}`,
      `--username=${SUPERUSER}`,
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      // A crash now leaves no `ready` file, so the next start begins anew.
      '--no-sync',
    ];
    const line = asUser({ command: binaries.initdb, args });
    await runToEnd(line.command, line.args, { env: { LC_ALL: 'C' } });
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function start(line: CommandLine, { port, onLine }: PostgresOptions): Promise<RunningServer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await startServer({
        name: 'Postgres',
        ...line,
        // LC_ALL: our checks read its messages.
        env: { LC_ALL: 'C' },
        url: `127.0.0.1:${port}`,
        isReady: () => answers(port),
        ...(onLine === undefined ? {} : { onLine }),
      });
    } catch (error) {
      const again = error instanceof LocalServerError && STILL_IN_USE.test(error.message) && tries < START_TRIES;
      if (!again) throw error;
      await sleep(START_RETRY_MS);
    }
  }
}

/** Any answer of a Postgres that is up will do: our user does not exist in the first start. */
async function answers(port: number): Promise<boolean> {
  const client = new pg.Client({ connectionString: urlOf(port), connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return true;
  } catch (error) {
    // 28P01 invalid_password: the answer to a user that does not exist yet.
    return error instanceof Error && 'code' in error && error.code === '28P01';
  } finally {
    await client.end();
  }
}

async function createUserAndDatabase(port: number, password: string): Promise<void> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: SUPERUSER, password, database: 'postgres' });
  await client.connect();
  try {
    await client.query(`CREATE ROLE ${NAME} LOGIN CREATEDB PASSWORD '${NAME}'`);
    await client.query(`CREATE DATABASE ${NAME} OWNER ${NAME}`);
    // The cluster was made without syncing; this makes it safe before `ready` says so.
    await client.query('CHECKPOINT');
  } finally {
    await client.end();
  }
}

async function refuseIfOwned(ownerFile: string, folder: string): Promise<void> {
  const owner = readOwner(await readFile(ownerFile, 'utf8').catch(() => ''));
  if (owner !== null && isSameProcess(owner))
    throw new LocalServerError(`Postgres in ${folder} is in use by process ${owner.pid}. Stop that first.`);
}

/** Null for a file that is not there, or was cut off by a crash. */
function readOwner(text: string): ProcessIdentity | null {
  try {
    const { pid, startedAt } = JSON.parse(text) as Partial<ProcessIdentity>;
    return pid === undefined || startedAt === undefined ? null : { pid, startedAt };
  } catch {
    return null;
  }
}

/**
 * A server whose parent was killed lives on: it is ended. And a number in `postmaster.pid` that now belongs to some other
 * program (after a restart of the machine) would keep Postgres from starting: that file is removed.
 */
async function endOrphan(cluster: string): Promise<void> {
  const pidFile = join(cluster, 'postmaster.pid');
  const pid = Number((await readFile(pidFile, 'utf8').catch(() => '')).split('\n')[0]);
  if (!isAlive(pid)) return;
  const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => null);
  if (commandLine !== null && !commandLine.includes(cluster)) {
    await rm(pidFile, { force: true });
    return;
  }
  // Without /proc we cannot tell whose process it is: Postgres itself then decides, and says so.
  if (commandLine === null) return;
  signal(pid, 'SIGINT');
  for (let waitedMs = 0; isAlive(pid); waitedMs += START_RETRY_MS) {
    if (waitedMs > ORPHAN_GRACE_MS) signal(pid, 'SIGKILL');
    await sleep(START_RETRY_MS);
  }
}

const isAlive = (pid: number): boolean => Number.isInteger(pid) && pid > 1 && signal(pid, 0);

/** False when there is no such process. */
function signal(pid: number | null, name: NodeJS.Signals | 0): boolean {
  if (pid === null) return false;
  try {
    process.kill(pid, name);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}
