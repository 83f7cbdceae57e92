import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUCKET_PARTS, type BucketDocument, type BucketPart } from '../../src/domain/bucket/parts.js';
import type { BucketSettings } from '../../src/storage/bucket/bucket-settings.js';
import { codeOf } from './object-store/fixtures.js';

export interface SettingsUnderTest {
  /** Of a new bucket. */
  settings: BucketSettings;
  /** Of a bucket that does not exist. */
  withoutBucket: BucketSettings;
}

export interface SettingsLeg {
  name: string;
  open(): Promise<SettingsUnderTest>;
  /** Parts this store does not know, each with what it does instead. */
  cannot: Partial<Record<BucketPart, string>>;
  /** What a new bucket has already. */
  bornWith?: Partial<Record<BucketPart, BucketDocument>>;
}

/** A valid configuration of each part, and another one. */
const DOCUMENTS: Record<BucketPart, BucketDocument[]> = {
  publicAccess: [true, false].map((all) => ({
    ...{ BlockPublicAcls: true, IgnorePublicAcls: all },
    ...{ BlockPublicPolicy: true, RestrictPublicBuckets: all },
  })),
  ownership: [
    { Rules: [{ ObjectOwnership: 'BucketOwnerPreferred' }] },
    { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
  ],
  encryption: [
    {
      Rules: [
        {
          ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'arn:aws:kms:eu:1:key/a' },
          BucketKeyEnabled: true,
        },
      ],
    },
    { Rules: [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' }, BucketKeyEnabled: false }] },
  ],
  versioning: [{ Status: 'Enabled' }, { Status: 'Suspended' }],
  cors: [['GET', 'PUT'], ['HEAD']].map((AllowedMethods) => ({
    CORSRules: [
      {
        ID: 'a rule',
        AllowedMethods,
        AllowedOrigins: ['https://a.example'],
        AllowedHeaders: ['x-amz-*'],
        ExposeHeaders: ['ETag'],
      },
    ],
  })),
  lifecycle: [
    {
      Rules: [
        {
          ...{ ID: 'durable-artifacts/tagged', Status: 'Enabled' },
          Filter: { And: { Prefix: 'artifacts/', Tags: [{ Key: 'artifact-retention', Value: 'expiring' }] } },
          ...{ Expiration: { Days: 365 }, NoncurrentVersionExpiration: { NoncurrentDays: 365 } },
        },
        {
          ...{ ID: 'on a day', Status: 'Disabled', Filter: { Prefix: 'logs/' } },
          Expiration: { Date: '2030-01-01T00:00:00.000Z' },
        },
        {
          ...{ ID: 'moves', Status: 'Enabled', Filter: { Prefix: 'x/' } },
          Transitions: [{ Days: 90, StorageClass: 'GLACIER' }],
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 8 },
        },
      ],
    },
    {
      Rules: [
        {
          ID: 'markers',
          Status: 'Enabled',
          Filter: { Prefix: 'artifacts/' },
          Expiration: { ExpiredObjectDeleteMarker: true },
        },
      ],
    },
  ],
  policy: ['false', 'true'].map((secure) => ({
    Version: '2012-10-17',
    Statement: [
      {
        ...{ Sid: 'Nobody', Effect: 'Deny', Principal: '*', Action: 's3:DeleteObject' },
        Condition: { Bool: { 'aws:SecureTransport': secure } },
      },
    ],
  })),
};

/** A policy names its bucket. */
const about = (bucket: string, document: BucketDocument): BucketDocument =>
  JSON.parse(
    JSON.stringify(document, (key, value: unknown) =>
      key === 'Statement'
        ? (value as object[]).map((each) => ({ ...each, Resource: `arn:aws:s3:::${bucket}/none*` }))
        : value,
    ),
  ) as BucketDocument;

/** The contract of `BucketSettings`. */
export function bucketSettingsSuite(leg: SettingsLeg): void {
  for (const [part, why] of Object.entries(leg.cannot)) console.log(`${leg.name} has no ${part} configuration: ${why}`);

  describe(`the settings of a bucket on ${leg.name}`, () => {
    let world: SettingsUnderTest;
    beforeAll(async () => {
      world = await leg.open();
    });
    afterAll(() => {
      world.settings.close();
      world.withoutBucket.close();
    });

    for (const part of BUCKET_PARTS) {
      if (leg.cannot[part] !== undefined) {
        it(`say that the store has no ${part} configuration`, async () => {
          expect(await codeOf(world.settings.read(part))).toBe('not_supported');
          expect(await codeOf(world.settings.write(part, about(world.settings.bucket, DOCUMENTS[part][0] ?? {})))).toBe(
            'not_supported',
          );
        });
        continue;
      }
      it(`are null while there are none, and then what was written last, to the field: ${part}`, async () => {
        const { settings } = world;
        expect(await settings.read(part)).toEqual(leg.bornWith?.[part] ?? null);
        for (const document of DOCUMENTS[part]) {
          const written = about(settings.bucket, document);
          await settings.write(part, written);
          expect(await settings.read(part)).toMatchObject(written);
        }
      });
    }

    it('say that a bucket is missing, and never make one', async () => {
      for (const part of ['versioning', 'policy', 'cors'] as const)
        expect(await codeOf(world.withoutBucket.read(part))).toBe('bucket_not_found');
      expect(await codeOf(world.withoutBucket.write('versioning', { Status: 'Enabled' }))).toBe('bucket_not_found');
      expect(await codeOf(world.withoutBucket.read('versioning'))).toBe('bucket_not_found');
    });

    it('say nothing of what becomes of an upload on a store that does not tell', async () => {
      expect(await world.settings.abortOf('artifacts/x/output/y')).toBeNull();
    });
  });
}
