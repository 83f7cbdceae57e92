import { CreateBucketCommand, ListObjectVersionsCommand, S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { randomUUID } from 'node:crypto';
import { freePort } from '../../../src/dev/servers/ports.js';
import { createLocalBucket } from '../../../src/storage/bucket/create-local-bucket.js';
import type { ObjectStore } from '../../../src/storage/object-store.js';
import { createS3ObjectStore } from '../../../src/storage/s3/index.js';
import { sendOverHttp } from './fixtures.js';
import type { StoreUnderTest } from './suite.js';

export interface S3Server {
  endpoint: string;
  accessKey: string;
  secretKey: string;
}

/** New buckets on a server that runs, with a plain client beside our adapter for what the port does not offer. */
export async function openOnS3(
  { endpoint, accessKey, secretKey }: S3Server,
  restores: (store: ObjectStore) => Pick<StoreUnderTest, 'holdRestore' | 'finishRestores'>,
): Promise<StoreUnderTest> {
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const region = 'us-east-1';
  const bucket = `contract-${randomUUID()}`;
  const config: S3ClientConfig = { endpoint, region, credentials, forcePathStyle: true };
  const client = new S3Client(config);
  await createLocalBucket({ endpoint, bucket, ...credentials });
  await client.send(new CreateBucketCommand({ Bucket: `${bucket}-plain` }));
  const storeOf = (name: string, at = endpoint): ObjectStore =>
    createS3ObjectStore({ bucket: name, region, endpoint: at, credentials });
  const stores = {
    store: storeOf(bucket),
    unversioned: storeOf(`${bucket}-plain`),
    withoutBucket: storeOf(`${bucket}-absent`),
    unreachable: storeOf(bucket, `http://127.0.0.1:${await freePort()}`),
  };
  return {
    ...stores,
    ...restores(stores.store),
    send: sendOverHttp,
    keysBelow: async (prefix) => {
      const page = await client.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix }));
      return [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map((entry) => entry.Key ?? '');
    },
    close: () => {
      for (const store of Object.values(stores)) store.close();
      client.destroy();
      return Promise.resolve();
    },
  };
}
