import type { RebuildDeps } from '../../src/operator/rebuild/deps.js';

const nothing = (): Promise<void> => Promise.resolve();

async function* noneAtAll(): AsyncGenerator<never> {
  // Nothing runs, and nothing was promised.
}

/** What a rebuild has to do with Temporal, and with promises to executions: there is none of either, and what is started is not looked at. */
export const NOTHING_RUNS: Pick<RebuildDeps, 'running' | 'lives' | 'rebuilds' | 'prepareNamespace'> = {
  running: {
    count: () => Promise.resolve(0),
    list: noneAtAll,
    recordOf: () => Promise.resolve(null),
    isCommitted: () => Promise.resolve(false),
    runs: () => Promise.resolve(false),
    close: nothing,
  },
  lives: {
    revive: () => Promise.resolve(true),
    isAlive: () => Promise.resolve(false),
    executionChanged: nothing,
    takeUp: nothing,
  },
  rebuilds: { listUnended: noneAtAll, finish: nothing },
  prepareNamespace: () => Promise.resolve([]),
};
