import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../../src/dev/servers/ports.js';
import { startPostgres, type RunningPostgres } from '../../src/dev/servers/postgres.js';
import { LocalServerError } from '../../src/dev/servers/running-server.js';

let dataDir: string;
let port: number;
let running: RunningPostgres[];

beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'postgres-server-'));
  port = await freePort();
  running = [];
});

afterEach(async () => {
  for (const server of running) await server.stop();
  await rm(dataDir, { recursive: true, force: true });
});

async function start(onProgress: (line: string) => void = () => undefined): Promise<RunningPostgres> {
  const server = await startPostgres({ dataDir, port, durable: false, onProgress });
  running.push(server);
  return server;
}

async function query(databaseUrl: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

test('makes the cluster once and finds its data again after a stop', async () => {
  const progress: string[] = [];
  const first = await start((line) => progress.push(line));
  await query(first.databaseUrl, 'CREATE TABLE kept AS SELECT 42 AS answer');
  await first.stop();
  const second = await start((line) => progress.push(line));
  expect(await query(second.databaseUrl, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
  expect(progress).toEqual(['creating the Postgres database']);
});

test('gives a user who owns the database and may create others, but is no superuser', async () => {
  const { databaseUrl } = await start();
  expect(
    await query(
      databaseUrl,
      `SELECT current_user::text, rolsuper, rolcreatedb FROM pg_roles WHERE rolname = current_user`,
    ),
  ).toEqual([{ current_user: 'artifacts', rolsuper: false, rolcreatedb: true }]);
  await expect(query(databaseUrl, `COPY (SELECT 1) TO PROGRAM 'true'`)).rejects.toThrow('permission denied');
});

test('stops although a client is connected, which is told, and a second stop does nothing', async () => {
  const server = await start();
  const client = new pg.Client({ connectionString: server.databaseUrl });
  const errors: unknown[] = [];
  client.on('error', (error) => errors.push(error));
  await client.connect();
  await server.stop();
  // Of a server that had waited for it, and was killed in the end, it would have heard nothing.
  await expect.poll(() => errors).toContainEqual(expect.objectContaining({ code: '57P01' }));
  expect(isAlive(server.pid ?? 0)).toBe(false);
  await server.stop();
  await client.end();
});

test('recovers after kill -9 of the server', async () => {
  const server = await start();
  await query(server.databaseUrl, 'CREATE TABLE kept AS SELECT 42 AS answer');
  process.kill(server.pid ?? 0, 'SIGKILL');
  await server.stop();
  const again = await start();
  expect(await query(again.databaseUrl, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
});

test('ends the server that a killed owner left behind and takes over its data', async () => {
  const script = `
    const { startPostgres } = await import('./src/dev/servers/postgres.ts');
    const { pid } = await startPostgres({ dataDir: ${JSON.stringify(dataDir)}, port: ${port}, durable: false });
    console.log(pid);
    setInterval(() => undefined, 1000);`;
  const owner = spawn('node', ['--import', 'tsx', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(owner.stdout, 'data')) as [Buffer];
  const orphan = Number(line.toString());
  owner.kill('SIGKILL');
  await once(owner, 'exit');
  expect(isAlive(orphan)).toBe(true);
  const server = await start();
  expect(isAlive(orphan)).toBe(false);
  expect(await query(server.databaseUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('is refused while its data is in use', async () => {
  await start();
  await expect(start()).rejects.toThrow(LocalServerError);
});

test('says that the port is taken, and starts on another one afterwards', async () => {
  const taken = createServer().listen(port, '127.0.0.1');
  await once(taken, 'listening');
  await expect(start()).rejects.toThrow(/Address already in use/);
  taken.close();
  port = await freePort();
  const server = await start();
  expect(await query(server.databaseUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
});

test('works in folders that only we may enter, with data that only its user may read', async () => {
  await chmod(dataDir, 0o700);
  const server = await start();
  expect(await query(server.databaseUrl, 'SHOW data_checksums')).toEqual([{ data_checksums: 'on' }]);
  expect((await stat(join(dataDir, 'cluster'))).mode & 0o777).toBe(0o700);
});
