import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { migrate } from '../../src/db/migrate.js';
import { createPool } from '../../src/db/pool.js';
import { freePort } from '../../src/dev/servers/ports.js';
import { startPostgres } from '../../src/dev/servers/postgres.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { createS3ObjectStore } from '../../src/storage/s3/index.js';
import type { Pool } from 'pg';

/** Longer than filling a large table takes. */
const STATEMENT_TIMEOUT_MS = 300_000;

/** What a benchmark works with. */
export interface Place {
  store: ObjectStore;
  pool: Pool;
}

/**
 * Runs it with a Postgres of its own, empty and migrated.
 * @param run is given its pool.
 */
export async function withPostgres(run: (pool: Pool) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'durable-artifacts-bench-'));
  const postgres = await startPostgres({ dataDir: directory, port: await freePort(), durable: false });
  const pool = createPool(postgres.databaseUrl, { statementTimeoutMs: STATEMENT_TIMEOUT_MS });
  try {
    await migrate(postgres.databaseUrl);
    await run(pool);
  } finally {
    await pool.end();
    await postgres.stop();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Runs it with a store that makes its answers by number. @param args of `store.ts`. */
export async function withStore(args: (string | number)[], run: (store: ObjectStore) => Promise<void>): Promise<void> {
  const server = fork(fileURLToPath(new URL('./store.ts', import.meta.url)), args.map(String));
  try {
    const [port] = (await once(server, 'message')) as [number];
    const endpoint = `http://127.0.0.1:${port}`;
    const credentials = { accessKeyId: 'any', secretAccessKey: 'any' };
    const store = createS3ObjectStore({ bucket: 'any', region: 'us-east-1', endpoint, credentials });
    await run(store);
    store.close();
  } finally {
    server.disconnect();
  }
}

const PAGE = 1_000;

/** The least that anybody could do with a bucket: each page of what lies below `artifacts/`, once. */
export async function* bareListing(store: ObjectStore): AsyncGenerator<{ key: string; sizeBytes: number }[]> {
  for (let cursor: string | null = null; ;) {
    const page: Awaited<ReturnType<ObjectStore['listInventory']>> = await store.listInventory({
      ...{ prefix: 'artifacts/', cursor, limit: PAGE },
    });
    yield page.versions;
    cursor = page.cursor;
    if (cursor === null) return;
  }
}
