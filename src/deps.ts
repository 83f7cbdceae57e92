import type { ActivityDeps } from './activities/index.js';
import type { ApiDeps } from './api/api-deps.js';
import { openDatabasesOfBucket, type DatabasesOfBucket } from './bucket-databases.js';
import type { Config } from './config.js';
import type { ArtifactRecords } from './db/artifact-records.js';
import type { DatabaseIdentity } from './db/database-identity.js';
import { createPool } from './db/pool.js';
import type { Quarantine } from './db/quarantine.js';
import type { Reconciliations } from './db/reconciliations.js';
import type { RowInventory } from './db/row-inventory.js';
import type { Shares } from './db/shares.js';
import { createArtifactRecords } from './db/sql-artifact-records.js';
import { createDatabaseIdentity } from './db/sql-database-identity.js';
import { createQuarantine } from './db/sql-quarantine.js';
import { createReconciliations } from './db/sql-reconciliations.js';
import { createRowInventory } from './db/sql-row-inventory.js';
import { createShares } from './db/sql-shares.js';
import type { ObjectStore } from './storage/object-store.js';
import type { BucketSettings } from './storage/bucket/bucket-settings.js';
import { createS3BucketSettings } from './storage/s3/bucket-settings.js';
import { createS3ObjectStore, type S3ObjectStoreOptions } from './storage/s3/index.js';
import { databaseNameOf } from './domain/bucket-databases.js';
import { SECOND_MS } from './domain/units.js';
import { connectReconciliation } from './temporal/reconciliation-client.js';
import { withEnds } from './reconciliation-ends.js';
import { connectLifecycle } from './temporal/connect-lifecycle.js';
import { createWebhookSender } from './webhooks/http-webhook-sender.js';
import { webhookSettings } from './webhooks/settings.js';

/** The real adapters, built from the configuration. None of them connects before its first use; whoever opens one closes it. */

/** Less than a local activity may take: a statement that was given up must not be carried out long afterwards. */
const STATEMENT_TIMEOUT_MS = 4_000;

/** @param options of who only looks whether it answers. */
export const openStore = (config: Config, options: Pick<S3ObjectStoreOptions, 'impatience'> = {}): ObjectStore =>
  createS3ObjectStore({ ...bucketOf(config), ...options });

/** How the bucket itself is configured. @param options of who only looks whether it answers. */
export const openBucketSettings = (
  config: Config,
  options: Pick<S3ObjectStoreOptions, 'impatience'> = {},
): BucketSettings => createS3BucketSettings({ ...bucketOf(config), ...options });

function bucketOf(config: Config): S3ObjectStoreOptions {
  const { S3_ENDPOINT: endpoint, S3_PUBLIC_ENDPOINT: publicEndpoint } = config;
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = config;
  return {
    bucket: config.S3_BUCKET,
    region: config.S3_REGION,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(publicEndpoint === undefined ? {} : { publicEndpoint }),
    ...(accessKeyId === undefined || secretAccessKey === undefined
      ? {}
      : { credentials: { accessKeyId, secretAccessKey } }),
  };
}

export interface Database {
  records: ArtifactRecords;
  rows: RowInventory;
  shares: Shares;
  reconciliations: Reconciliations;
  quarantine: Quarantine;
  identity: DatabaseIdentity;
  close(): Promise<void>;
}

export function openRecords(config: Config): Database {
  const pool = createPool(config.DATABASE_URL, { statementTimeoutMs: STATEMENT_TIMEOUT_MS });
  const records = createArtifactRecords(pool);
  return {
    records,
    rows: createRowInventory(pool),
    shares: createShares(pool),
    reconciliations: createReconciliations(pool),
    quarantine: createQuarantine(pool),
    identity: createDatabaseIdentity(pool),
    close: () => records.close(),
  };
}

/** Which databases work with the bucket; that of the configuration is this one. */
export const openDatabases = (
  { DATABASE_URL }: Config,
  { store, identity }: { store: ObjectStore; identity: DatabaseIdentity },
): DatabasesOfBucket => openDatabasesOfBucket({ store, identity, name: databaseNameOf(DATABASE_URL) });

/** Absent when the configuration names nobody to tell. */
export function openWebhooks(config: Config): Pick<ActivityDeps, 'webhooks'> {
  const settings = webhookSettings(config);
  if (settings === null) return {};
  return {
    webhooks: { sender: createWebhookSender(settings), giveUpMs: config.WEBHOOK_GIVE_UP_SECONDS * SECOND_MS },
  };
}

/** Everything the API works with; `close` once the API has closed. */
export function openApiDeps(config: Config): { deps: ApiDeps; close(): Promise<void> } {
  const store = openStore(config);
  const database = openRecords(config);
  const lifecycle = connectLifecycle(config);
  const reconciliation = connectReconciliation(config);
  return {
    deps: {
      records: database.records,
      shares: database.shares,
      reconciliations: withEnds(database.reconciliations, reconciliation.client),
      store,
      lifecycle: lifecycle.client,
      publications: lifecycle.publications,
      config,
      log: { level: config.LOG_LEVEL },
    },
    close: async () => {
      store.close();
      await Promise.all([lifecycle.close(), reconciliation.close(), database.close()]);
    },
  };
}
