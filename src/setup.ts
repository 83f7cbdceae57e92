import { ConfigError, loadConfig, type Config } from './config.js';
import { createLocalBucket } from './storage/bucket/create-local-bucket.js';
import { lazyConnection } from './temporal/connection.js';
import { prepareNamespace } from './temporal/prepare-namespace.js';

/**
 * Process entry of the role `setup`, run once before API and worker: registers the search attributes, makes or brings
 * up to date the schedule of the reconciliation and, when CREATE_BUCKET says so, creates the bucket. Running it again changes nothing.
 */
async function main(): Promise<void> {
  const config = loadConfig(process.env);
  const connection = lazyConnection(config);
  try {
    const { TEMPORAL_NAMESPACE: namespace, RECONCILE_EVERY_MINUTES: everyMinutes, RECONCILE_MODE: mode } = config;
    for (const line of await prepareNamespace(connection, { namespace, everyMinutes, mode })) say(line);
  } finally {
    await connection.close();
  }
  if (config.CREATE_BUCKET) {
    await createLocalBucket(bucketOf(config));
    say(`bucket ${config.S3_BUCKET} is there, versioning on`);
  }
}

function bucketOf(config: Config): Parameters<typeof createLocalBucket>[0] {
  const { S3_ENDPOINT: endpoint, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = config;
  if (endpoint === undefined || accessKeyId === undefined || secretAccessKey === undefined)
    throw new ConfigError('CREATE_BUCKET needs S3_ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY');
  return { endpoint, region: config.S3_REGION, bucket: config.S3_BUCKET, accessKeyId, secretAccessKey };
}

const say = (line: string): void => void process.stdout.write(`setup: ${line}\n`);

main().catch((error: unknown) => {
  process.stderr.write(`setup: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
