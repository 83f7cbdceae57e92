import type { Command } from 'commander';
import { conflictOf } from '../../domain/bucket-databases.js';
import { databasesText } from '../bucket-databases-table.js';
import { operatorEnvironment } from '../connection.js';
import { DriftFound } from '../failures.js';
import type { Terminal } from '../terminal.js';
import { examples, parseDatabaseId, print, withConfig, withJson, type JsonOption } from './common.js';

interface DatabasesOptions extends JsonOption {
  forget?: string;
}

const ABOUT = `
Each database says so in the bucket that it works with. While there is more than
one, no repair removes what one of them does not know: it may be the other's. Give
each a bucket of its own. One that is gone for good, with all that only it knew, is
forgotten with --forget: what only it knew is unknown then, and goes after
RECONCILE_QUARANTINE_DAYS. It must not have been at work in the last 15 minutes. If it
was lost, make its rows again before: artifacts rebuild.

It needs the configuration of a worker (DATABASE_URL, S3_…), or takes that of the
local stack. Exit code: 0 when there is no other, else 6.`;

const EXAMPLE = '3e0f6c5e-2f4b-4c58-9d0a-0d6a5f3f9b11';

/** `bucket databases`: who else works with the bucket. */
export function addDatabasesCommand(bucket: Command, terminal: Terminal): void {
  withJson(bucket.command('databases'))
    .description('show which databases work with the bucket; more than one is a mistake')
    .option('--forget <database>', 'say that this one is gone, with what only it knew', parseDatabaseId)
    .addHelpText('after', ABOUT)
    .addHelpText('after', examples('bucket databases', `bucket databases --forget ${EXAMPLE}`))
    .action(async (options: DatabasesOptions) => {
      await terminal.withCleanup(() => runDatabases(terminal, options));
    });
}

/** Loaded only here: the SDKs of the servers take a while. */
async function runDatabases(terminal: Terminal, { forget, ...json }: DatabasesOptions): Promise<void> {
  const { openDatabases, openRecords, openStore } = await import('../../deps.js');
  const { forgetDatabase } = await import('../../operator/bucket/forget-database.js');
  const { storeClock } = await import('../../store-clock.js');
  await withConfig(operatorEnvironment(terminal), async (config) => {
    const store = openStore(config);
    const database = openRecords(config);
    try {
      await store.checkBucket();
      const databases = openDatabases(config, { store, identity: database.identity });
      if (forget !== undefined) await forgetDatabase(databases, storeClock(store), forget);
      const seen = await databases.look();
      const conflict = conflictOf(seen);
      print(terminal, json, {
        json: { bucket: store.bucket, ...seen, conflict },
        text: databasesText(store.bucket, seen),
      });
      if (conflict !== null) throw new DriftFound('The bucket is not that of this database alone.');
    } finally {
      store.close();
      await database.close();
    }
  });
}
