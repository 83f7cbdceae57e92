import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeleteObjectsCommand, ListObjectVersionsCommand, S3Client } from '@aws-sdk/client-s3';
import type { Connection } from '../../src/dev/connection.js';
import { loadSecrets } from '../../src/dev/secrets.js';
import { runToEnd } from '../../src/dev/servers/run.js';
import { VERSITYGW_REGION } from '../../src/dev/servers/versitygw.js';
import { packageRoot, readSettings } from '../../src/dev/settings.js';
import { createLocalBucket } from '../../src/storage/bucket/create-local-bucket.js';
import { ArtifactClient } from '../../src/sdk/index.js';
import { findAwscli } from './awscli.js';

/** Where peers put their objects, and how: the store of the local stack, in a bucket of their own. */
export interface Place {
  connection: Connection;
  python: string;
  bucket: string;
  region: string;
  /** Environment of processes that sign for the store. */
  keys: Record<string, string>;
  /** Environment of our own command line. */
  own: Record<string, string>;
  /** Our program as users run it. */
  cli: string;
  client: S3Client;
}

const BUCKET = 'bench-peers';
const LOOK_INTERVAL_MS = 250;

export async function openPlace(connection: Connection): Promise<Place> {
  // What runs is what users run, of the sources as they are now.
  await runToEnd('npm', ['run', 'build', '--silent', '--prefix', packageRoot]);
  const secrets = loadSecrets(readSettings(process.env).directory);
  const keys = { accessKeyId: secrets.s3AccessKey, secretAccessKey: secrets.s3SecretKey };
  const bucket = { endpoint: connection.s3Endpoint, region: VERSITYGW_REGION, bucket: BUCKET };
  await createLocalBucket({ ...bucket, ...keys });
  return {
    connection,
    python: await findAwscli(),
    bucket: BUCKET,
    region: VERSITYGW_REGION,
    keys: {
      AWS_ACCESS_KEY_ID: keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: keys.secretAccessKey,
      AWS_DEFAULT_REGION: VERSITYGW_REGION,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    },
    own: { ARTIFACTS_URL: connection.apiUrl, ARTIFACTS_TOKEN: connection.token },
    cli: join(packageRoot, 'build/src/cli/main.js'),
    client: new S3Client({
      endpoint: connection.s3Endpoint,
      region: VERSITYGW_REGION,
      credentials: keys,
      forcePathStyle: true,
    }),
  };
}

/** Removes every version of the objects of a peer whose keys begin so. */
export async function removeObjects({ client, bucket }: Place, prefix: string): Promise<void> {
  for (;;) {
    const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix }));
    const objects = (page.Versions ?? []).map(({ Key, VersionId }) => ({ Key, VersionId }));
    if (objects.length === 0) return;
    await client.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: objects, Quiet: true } }));
  }
}

/**
 * Removes all that an execution has, for good: large files would fill the disk. Before that, what is read back after its upload has been:
 * whoever comes next has the machine for itself.
 */
export async function purge(place: Place, execution: string): Promise<void> {
  const api = apiOf(place);
  for await (const { id } of api.iterateArtifacts(execution)) {
    while ((await api.getArtifact(id)).checksumState === 'claimed') await sleep(LOOK_INTERVAL_MS);
    await api.deleteArtifact(id, { purge: true });
  }
  api.close();
}

export async function deleteExecution(place: Place, execution: string): Promise<void> {
  const api = apiOf(place);
  await api.deleteExecutionArtifacts(execution);
  api.close();
}

const apiOf = ({ connection: { apiUrl: baseUrl, token } }: Place): ArtifactClient =>
  new ArtifactClient({ baseUrl, token });
