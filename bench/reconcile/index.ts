import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Pool } from 'pg';
import { createPool } from '../../src/db/pool.js';
import { migrate } from '../../src/db/migrate.js';
import { freePort } from '../../src/dev/servers/ports.js';
import { startPostgres } from '../../src/dev/servers/postgres.js';
import { createS3ObjectStore } from '../../src/storage/s3/index.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { loadConfig } from '../../src/config.js';
import { mib } from '../figures.js';
import { inspectAll } from './inspect.js';
import { SEED, SEED_ROWS, TAGS } from './population.js';

const PAGE = 1_000;
const SEED_TIMEOUT_MS = 300_000;

/** Objects against rows and rows against workflows (`reconcile [rows]`, default 100,000), beside a bare listing and a bare scan of both. */
export async function reconcile([size = '100000']: string[]): Promise<void> {
  const rows = Number(size);
  const directory = await mkdtemp(join(tmpdir(), 'durable-artifacts-bench-'));
  const postgres = await startPostgres({ dataDir: directory, port: await freePort(), durable: false });
  const server = fork(fileURLToPath(new URL('./store.ts', import.meta.url)), [String(rows)]);
  const pool = createPool(postgres.databaseUrl, { statementTimeoutMs: SEED_TIMEOUT_MS });
  try {
    const [port] = (await once(server, 'message')) as [number];
    await migrate(postgres.databaseUrl);
    await pool.query(SEED, [rows]);
    await pool.query(SEED_ROWS, [rows]);
    await pool.query('ANALYZE artifacts');
    const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
    const store = createS3ObjectStore({
      bucket: 'any',
      region: 'us-east-1',
      endpoint: `http://127.0.0.1:${port}`,
      credentials,
    });
    console.log(
      `${rows} rows in Postgres, ${rows} objects behind a small server that makes its answers by their number, no Temporal`,
    );
    await measure('bare listing and bare scan', rows, () => bare(store, pool));
    await measure('inspection without tags', rows, async () => {
      let untaken = 0;
      const getTags: ObjectStore['getTags'] = () => {
        untaken += 1;
        return Promise.resolve(TAGS);
      };
      const { requests, findings } = await inspectAll({ store: { ...store, getTags }, pool });
      return { requests: requests - untaken, findings };
    });
    await measure('inspection with tags', rows, () => inspectAll({ store, pool }));
    const { RECONCILE_REQUESTS_PER_SECOND: perSecond } = loadConfig({});
    console.log(`at ${perSecond} requests/s, the default, the tags alone take ${Math.round(rows / perSecond)} s`);
    store.close();
  } finally {
    server.disconnect();
    await pool.end();
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** The least that anybody could do: every page of both, once, and nothing compared. */
async function bare(store: ObjectStore, pool: Pool): Promise<{ requests: number; findings: number }> {
  let requests = 0;
  for (let cursor: string | null = null; ;) {
    const page: Awaited<ReturnType<ObjectStore['listInventory']>> = await store.listInventory({
      ...{ prefix: 'artifacts/', cursor, limit: PAGE },
    });
    requests += 1;
    cursor = page.cursor;
    if (cursor === null) break;
  }
  for (let last = ''; ;) {
    const { rows } = await pool.query<{ file_path: string }>(
      `SELECT * FROM artifacts WHERE file_path COLLATE "C" > $1 AND (status <> 'DELETED' OR purge_at IS NOT NULL)
       ORDER BY file_path COLLATE "C", id LIMIT ${PAGE}`,
      [last],
    );
    last = rows.at(-1)?.file_path ?? '';
    if (last === '') return { requests, findings: 0 };
  }
}

async function measure(
  name: string,
  rows: number,
  run: () => Promise<{ requests: number; findings: number }>,
): Promise<void> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
  const t0 = performance.now();
  const { requests, findings } = await run();
  const seconds = (performance.now() - t0) / 1_000;
  clearInterval(sampler);
  console.log(
    `${name.padEnd(28)} ${seconds.toFixed(1).padStart(6)} s ${String(Math.round(rows / seconds)).padStart(7)} rows/s ` +
      `${String(requests).padStart(7)} requests, ${findings} findings; resident ${mib(before)} before, ${mib(peak)} at its peak`,
  );
}
