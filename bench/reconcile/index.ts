import type { Pool } from 'pg';
import { loadConfig } from '../../src/config.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { bareListing, withPostgres, withStore } from '../bucket/place.js';
import { SEED, SEED_ROWS, TAGS } from '../bucket/population.js';
import { measure } from '../measure.js';
import { inspectAll } from './inspect.js';

const PAGE = 1_000;

/** Objects against rows and rows against workflows (`reconcile [rows]`, default 100,000), beside a bare listing and a bare scan of both. */
export const reconcile = ([size = '100000']: string[]): Promise<void> =>
  withPostgres((pool) =>
    withStore([size], async (store) => {
      const rows = Number(size);
      await pool.query(SEED, [rows]);
      await pool.query(SEED_ROWS, [rows]);
      await pool.query('ANALYZE artifacts');
      console.log(
        `${rows} rows in Postgres, ${rows} objects behind a small server that makes its answers by their number, no Temporal`,
      );
      const measured = (name: string, run: () => Promise<Looked>) =>
        measure(name, { count: rows, of: 'rows' }, async () => {
          const { requests, findings } = await run();
          return `${String(requests).padStart(7)} requests, ${findings} findings`;
        });
      await measured('bare listing and bare scan', () => bare(store, pool));
      await measured('inspection without tags', async () => {
        let untaken = 0;
        const getTags: ObjectStore['getTags'] = () => {
          untaken += 1;
          return Promise.resolve(TAGS);
        };
        const { requests, findings } = await inspectAll({ store: { ...store, getTags }, pool });
        return { requests: requests - untaken, findings };
      });
      await measured('inspection with tags', () => inspectAll({ store, pool }));
      const { RECONCILE_REQUESTS_PER_SECOND: perSecond } = loadConfig({});
      console.log(`at ${perSecond} requests/s, the default, the tags alone take ${Math.round(rows / perSecond)} s`);
    }),
  );

interface Looked {
  requests: number;
  findings: number;
}

/** The least that anybody could do: every page of both, once, and nothing compared. */
async function bare(store: ObjectStore, pool: Pool): Promise<Looked> {
  let requests = 0;
  for await (const _page of bareListing(store)) requests += 1;
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
