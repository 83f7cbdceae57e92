import { randomUUID } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import { createS3BucketSettings } from '../../src/storage/s3/bucket-settings.js';
import { bucketSettingsSuite, type SettingsUnderTest } from './bucket-settings-suite.js';

interface Server {
  endpoint: string;
  accessKey: string;
  secretKey: string;
}

async function newBucket({ endpoint, accessKey, secretKey }: Server): Promise<SettingsUnderTest> {
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const bucket = `settings-${randomUUID()}`;
  const client = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  const settingsOf = (name: string) =>
    createS3BucketSettings({ bucket: name, region: 'us-east-1', endpoint, credentials });
  return { settings: settingsOf(bucket), withoutBucket: settingsOf(`${bucket}-absent`) };
}

bucketSettingsSuite({
  name: 'moto',
  open: () => newBucket({ endpoint: inject('moto').endpoint, accessKey: 'any', secretKey: 'any' }),
  cannot: {},
});

bucketSettingsSuite({
  name: 'versitygw',
  open: () => newBucket(inject('versitygw')),
  cannot: {
    publicAccess: 'answers with 501',
    encryption: 'answers with 501',
    lifecycle: 'answers with 501',
  },
  bornWith: { ownership: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] } },
});
