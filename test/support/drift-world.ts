import { tmpdir } from 'node:os';
import pg from 'pg';
import type { DriftKind, Outcome } from '../../src/domain/drift.js';
import type { ReconciliationResult } from '../../src/operator/reconcile/reconcile.js';
import { runArtifacts } from './cli.js';
import { operatorEnvironmentOf, startImpatientWorker } from './impatient-worker.js';
import { openLifeWorld, type LifeWorld } from './life-world.js';
import { startTestStack, type TestStack, type TestStackOptions } from './stack.js';

interface Shown extends Pick<ReconciliationResult, 'findings'> {
  id: string;
  mode: string;
  isConsistent: boolean;
}

/** A stack whose worker takes what is there for settled at once. */
export interface DriftWorld {
  world: LifeWorld;
  database: pg.Pool;
  /** `artifacts reconcile`, as an operator would run it. @throws when it ends with anything but its report. */
  reconcile(...options: string[]): ReturnType<typeof reconcileBy>;
  /** Does something to the servers while neither worker nor API runs. */
  whileDown(act: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const PATIENCE = { secondLookMs: 500, quietRowsMs: 0, registrationMs: 0 };

export async function openDriftWorld(options: TestStackOptions = {}): Promise<DriftWorld> {
  const world = await openLifeWorld(await startTestStack(options));
  await world.stack.kill9Worker();
  let worker = await startImpatientWorker(world.stack, PATIENCE);
  const database = new pg.Pool({ connectionString: world.stack.databaseUrl, max: 4 });
  // Whoever replaces the database ends its connections.
  database.on('error', () => undefined);
  // Else what is older than this database would be left alone.
  await database.query(`INSERT INTO artifact_rebuilds (actor, report) VALUES ('a test', '{}')`);
  return {
    world,
    database,
    reconcile: (...args) => reconcileBy(world.stack, args),
    whileDown: async (act) => {
      await Promise.all([worker.stop(), world.stack.kill9Api()]);
      await act();
      worker = await startImpatientWorker(world.stack, PATIENCE);
      await world.stack.startApi();
    },
    close: async () => {
      await worker.stop();
      await database.end();
      await world.close();
      await world.stack.stop();
    },
  };
}

async function reconcileBy(stack: TestStack, options: string[]): Promise<Shown & { code: number | null }> {
  const args = ['reconcile', ...options, '--all', '--json'];
  const { code, out, err } = await runArtifacts(args, { cwd: tmpdir(), env: operatorEnvironmentOf(stack) });
  if (code !== 0 && code !== 1) throw new Error(`${code}: ${err}\n${stack.output()}`);
  return { ...(JSON.parse(out) as Shown), code };
}

export const outcomes = ({ findings }: Pick<Shown, 'findings'>): [DriftKind, Outcome][] =>
  findings.map(({ kind, outcome }) => [kind, outcome]);

/** What a repair has not healed, and why. */
export const failedOf = ({
  findings,
}: Pick<Shown, 'findings'>): { kind: DriftKind; outcome: Outcome; note: string | null }[] =>
  findings
    .filter(({ outcome }) => outcome !== 'repaired' && outcome !== 'lost')
    .map(({ kind, outcome, note }) => ({ kind, outcome, note }));
