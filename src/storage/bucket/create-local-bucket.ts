import {
  BucketAlreadyExists,
  BucketAlreadyOwnedByYou,
  CreateBucketCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';

export interface LocalBucket {
  endpoint: string;
  /** Default `us-east-1`. */
  region?: string;
  bucket: string;
  accessKeyId: string;
  secretAccessKey: string;
}

/**
 * Creates a bucket with versioning on; fine when it exists. Only for the stores of the local stack and of tests: in production the bucket
 * is made by whoever owns the account. Vendor errors pass through: the caller is a program that talks to a person.
 */
export async function createLocalBucket({ bucket, ...store }: LocalBucket): Promise<void> {
  const client = new S3Client({
    endpoint: store.endpoint,
    region: store.region ?? 'us-east-1',
    credentials: { accessKeyId: store.accessKeyId, secretAccessKey: store.secretAccessKey },
    forcePathStyle: true,
  });
  try {
    await createIfAbsent(client, bucket);
    await client.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    );
  } finally {
    client.destroy();
  }
}

async function createIfAbsent(client: S3Client, bucket: string): Promise<void> {
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
  } catch (error) {
    if (!(error instanceof BucketAlreadyOwnedByYou || error instanceof BucketAlreadyExists)) throw error;
  }
}
