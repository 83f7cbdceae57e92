import { withPostgres, withStore, type Place } from '../bucket/place.js';
import { PER_EXECUTION, SEED, SEED_ROWS } from '../bucket/population.js';
import { measure } from '../measure.js';
import { withLives } from './lives.js';
import { bare, makeAgain } from './rows.js';

/** Of `artifacts rebuild --rate`. */
const DEFAULT_PER_SECOND = 500;

/**
 * Rows made again (`rebuild [rows] [lives]`, default 100,000 and 2,000) beside a bare listing and insert, and lives beside the bare start of
 * workflows.
 */
export const rebuild = async ([size = '100000', alive = '2000']: string[]): Promise<void> => {
  const [rows, lives] = [Number(size), Number(alive)];
  console.log(
    `${rows} artifacts, or a tenth of them, behind a small server that makes its answers by their number, rows in Postgres, no limit on requests`,
  );
  const floor = (await bareRows(rows, PER_EXECUTION)) / rows;
  // What goes one by one is as fast for fewer of them.
  const fewer = Math.ceil(rows / 10);
  await bareRows(fewer, 1);
  for (const one of [
    { from: 'manifest', rows, perExecution: PER_EXECUTION },
    { from: 'manifest', rows, perExecution: rows },
    { from: 'object', rows: fewer, perExecution: PER_EXECUTION },
  ] as const)
    tellRatio((await rowsFrom(one)) / one.rows, floor);
  console.log(`at ${DEFAULT_PER_SECOND} requests/s, the default, they take at least ${rows / DEFAULT_PER_SECOND} s`);
  await livesOfRows(lives);
};

const tellRatio = (seconds: number, floor: number): void => {
  console.log(`${' '.repeat(34)} ${(seconds / floor).toFixed(1)} times the floor`);
};

/** Each in a database of its own. @returns the seconds. */
async function measured(
  name: string,
  { rows, store: args }: { rows: number; store: (string | number)[] },
  run: (place: Place) => Promise<string>,
): Promise<number> {
  let seconds = 0;
  await withPostgres((pool) =>
    withStore(args, async (store) => {
      seconds = await measure(name, { count: rows, of: 'rows' }, () => run({ store, pool }));
    }),
  );
  return seconds;
}

const bareRows = (rows: number, atOnce: number): Promise<number> =>
  measured(`bare listing, insert of ${atOnce}`, { rows, store: [rows, PER_EXECUTION, 'manifests'] }, async (place) => {
    const made = await bare(place, { perExecution: PER_EXECUTION, atOnce });
    return `${made} made`;
  });

interface RowsMade {
  from: 'manifest' | 'object';
  rows: number;
  perExecution: number;
}

/** @throws when not every row was made, or not from that. */
function rowsFrom({ from, rows, perExecution }: RowsMade): Promise<number> {
  const isListed = from === 'manifest';
  const name = `rows from ${isListed ? `metadata.json of ${perExecution}` : 'objects alone'}`;
  return measured(name, { rows, store: [rows, perExecution, ...(isListed ? ['manifests'] : [])] }, async (place) => {
    const report = await makeAgain(place);
    if (report.rows[from].artifacts !== rows) throw new Error(JSON.stringify(report));
    return `${rows} made`;
  });
}

const livesOfRows = (count: number): Promise<void> =>
  withLives((temporal) =>
    withPostgres((pool) =>
      withStore([0], async (store) => {
        await pool.query(SEED, [count]);
        await pool.query(SEED_ROWS, [count]);
        const of = { count, of: 'lives' };
        const floor = await measure('bare start of workflows', of, async () => {
          await temporal.startBare(count);
          return `${count} made`;
        });
        const seconds = await measure('lives from rows', of, async () => {
          const { lives } = await temporal.startLives({ store, pool });
          if (lives !== count) throw new Error(`${lives} of ${count} lives`);
          return `${count} made`;
        });
        tellRatio(seconds, floor);
      }),
    ),
  );
