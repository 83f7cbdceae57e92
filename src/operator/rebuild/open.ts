import type { Config } from '../../config.js';
import { createPool } from '../../db/pool.js';
import { finishRebuild, listUnended } from '../../db/rebuilds.js';
import { createDatabaseIdentity } from '../../db/sql-database-identity.js';
import { createRowInventory } from '../../db/sql-row-inventory.js';
import { createArtifactRecords } from '../../db/sql-artifact-records.js';
import { withDatabaseErrors } from '../../db/errors.js';
import { openDatabases, openStore } from '../../deps.js';
import { RESTORER } from '../../domain/object-records.js';
import { connectArtifactLives } from '../../temporal/artifact-lives.js';
import { completeNamespace } from '../../temporal/prepare-namespace.js';
import { connectRunningLives } from '../../temporal/running-lives.js';
import { lifePolicyOf } from '../../life-policy.js';
import { storeClock } from '../../store-clock.js';
import type { RebuildDeps, RebuildOptions } from './deps.js';

/** The real servers, by the configuration of a worker. Nothing is connected before its first use. */
export function openRebuild(config: Config): {
  deps: RebuildDeps;
  settings: Pick<RebuildOptions, 'defaultRetentionDays' | 'policy'>;
  close(): Promise<void>;
} {
  // It signs nothing for clients.
  const { S3_PUBLIC_ENDPOINT: _clients, ...internal } = config;
  const store = openStore(internal);
  const pool = createPool(config.DATABASE_URL);
  const records = createArtifactRecords(pool);
  const running = connectRunningLives(config);
  const others = connectArtifactLives(config);
  const ask = <T>(work: () => Promise<T>): Promise<T> => withDatabaseErrors('rebuild', work);
  return {
    deps: {
      ...{ store, records, running, storeNowMs: storeClock(store) },
      databases: openDatabases(config, { store, identity: createDatabaseIdentity(pool) }),
      rows: createRowInventory(pool),
      lives: others.lives,
      prepareNamespace: () => completeNamespace(config),
      rebuilds: {
        listUnended: () => listUnended(pool),
        finish: (report) => ask(() => finishRebuild(pool, RESTORER, report)),
      },
    },
    settings: { defaultRetentionDays: config.DEFAULT_RETENTION_DAYS, policy: lifePolicyOf(config) },
    close: async () => {
      store.close();
      await Promise.all([records.close(), running.close(), others.close()]);
    },
  };
}
