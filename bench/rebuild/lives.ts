import { Client } from '@temporalio/client';
import { createRowInventory } from '../../src/db/sql-row-inventory.js';
import { startTemporal } from '../../src/dev/servers/temporal.js';
import { mapConcurrently } from '../../src/domain/concurrency.js';
import type { RebuildReport } from '../../src/domain/rebuild.js';
import { connectArtifactLives } from '../../src/temporal/artifact-lives.js';
import { lazyConnection } from '../../src/temporal/connection.js';
import { registerSearchAttributes } from '../../src/temporal/search-attributes.js';
import type { Place } from '../bucket/place.js';
import { makeAgain } from './rows.js';

/** As a rebuild has. */
const AT_ONCE = 8;

/** A Temporal in which nothing has ever run: its dev server, which keeps all in memory. */
export async function withLives(
  run: (temporal: {
    startBare: (count: number) => Promise<void>;
    /** Of each row. */
    startLives: (place: Place) => Promise<RebuildReport>;
  }) => Promise<void>,
): Promise<void> {
  const temporal = await startTemporal();
  const settings = { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: 'default', TEMPORAL_TLS: false };
  const connection = lazyConnection(settings);
  const connected = connectArtifactLives(settings);
  try {
    await registerSearchAttributes(connection, settings.TEMPORAL_NAMESPACE);
    const client = new Client({ connection, namespace: settings.TEMPORAL_NAMESPACE });
    await run({
      startBare: async (count) => {
        await mapConcurrently(
          Array.from({ length: count }, (_, n) => n),
          AT_ONCE,
          (n) => client.workflow.start('nothing', { workflowId: `nothing/${n}`, taskQueue: 'nobody' }),
        );
      },
      startLives: (place) => makeAgain(place, { lives: connected.lives, rows: createRowInventory(place.pool) }),
    });
  } finally {
    await connected.close();
    await connection.close();
    await temporal.stop();
  }
}
