import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  GetBucketCorsCommand,
  GetBucketEncryptionCommand,
  GetBucketLifecycleConfigurationCommand,
  GetBucketOwnershipControlsCommand,
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  PutBucketCorsCommand,
  PutBucketEncryptionCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketOwnershipControlsCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutPublicAccessBlockCommand,
  type CORSConfiguration,
  type LifecycleRule,
  type OwnershipControls,
  type ServerSideEncryptionConfiguration,
  type TransitionDefaultMinimumObjectSize,
} from '@aws-sdk/client-s3';
import type { BucketDocument, BucketPart } from '../../domain/bucket/parts.js';
import { ArtifactError } from '../../domain/errors.js';
import type { BucketExpiry, BucketSettings } from '../bucket/bucket-settings.js';
import { createS3Context, type S3Context, type S3ObjectStoreOptions } from './client.js';
import { errorName, guarded, translateError } from './errors.js';

/** S3 says by an error that a bucket has nothing of this kind. */
const NONE_OF_IT = new Set([
  'NoSuchPublicAccessBlockConfiguration',
  'OwnershipControlsNotFoundError',
  'ServerSideEncryptionConfigurationNotFoundError',
  'NoSuchCORSConfiguration',
  'NoSuchLifecycleConfiguration',
  'NoSuchBucketPolicy',
]);

interface PartVerbs {
  read: (context: S3Context) => Promise<object | undefined>;
  write: (context: S3Context, document: BucketDocument) => Promise<unknown>;
}

/** The configuration of a bucket on Amazon S3 or a store that speaks its protocol. Connects with the first call. */
export function createS3BucketSettings(options: S3ObjectStoreOptions): BucketSettings {
  const context = createS3Context(options);
  const { bucket } = options;
  return {
    bucket,
    async read(part) {
      const call = { verb: `read the ${part} configuration`, bucket };
      try {
        return toDocument(await PARTS[part].read(context));
      } catch (error) {
        if (NONE_OF_IT.has(errorName(error))) return null;
        throw translateError(error, call);
      }
    },
    async write(part, document) {
      await guarded({ verb: `write the ${part} configuration`, bucket }, () => PARTS[part].write(context, document));
    },
    expiryOf: (key) => expiryOf(context, key),
    abortOf: (key) => abortOf(context, key),
    close: () => {
      context.client.destroy();
      context.presigner.destroy();
    },
  };
}

const PARTS: Record<BucketPart, PartVerbs> = {
  publicAccess: {
    read: async ({ client, bucket: Bucket }) =>
      (await client.send(new GetPublicAccessBlockCommand({ Bucket }))).PublicAccessBlockConfiguration,
    write: ({ client, bucket: Bucket }, document) =>
      client.send(
        new PutPublicAccessBlockCommand({
          Bucket,
          PublicAccessBlockConfiguration: document,
        }),
      ),
  },
  ownership: {
    read: async ({ client, bucket: Bucket }) =>
      (await client.send(new GetBucketOwnershipControlsCommand({ Bucket }))).OwnershipControls,
    write: ({ client, bucket: Bucket }, document) =>
      client.send(
        new PutBucketOwnershipControlsCommand({ Bucket, OwnershipControls: document as unknown as OwnershipControls }),
      ),
  },
  encryption: {
    read: async ({ client, bucket: Bucket }) =>
      (await client.send(new GetBucketEncryptionCommand({ Bucket }))).ServerSideEncryptionConfiguration,
    write: ({ client, bucket: Bucket }, document) =>
      client.send(
        new PutBucketEncryptionCommand({
          Bucket,
          ServerSideEncryptionConfiguration: document as unknown as ServerSideEncryptionConfiguration,
        }),
      ),
  },
  versioning: {
    read: async ({ client, bucket: Bucket }) => {
      const { Status } = await client.send(new GetBucketVersioningCommand({ Bucket }));
      return Status === undefined ? undefined : { Status };
    },
    write: ({ client, bucket: Bucket }, document) =>
      client.send(new PutBucketVersioningCommand({ Bucket, VersioningConfiguration: document })),
  },
  cors: {
    read: async ({ client, bucket: Bucket }) => {
      const { CORSRules } = await client.send(new GetBucketCorsCommand({ Bucket }));
      return { CORSRules };
    },
    write: ({ client, bucket: Bucket }, document) =>
      client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: document as unknown as CORSConfiguration })),
  },
  lifecycle: {
    read: async ({ client, bucket: Bucket }) => {
      const { Rules, TransitionDefaultMinimumObjectSize: smallest } = await client.send(
        new GetBucketLifecycleConfigurationCommand({ Bucket }),
      );
      return { Rules, ...(smallest === undefined ? {} : { [SMALLEST]: smallest }) };
    },
    write: ({ client, bucket: Bucket }, document) => {
      const smallest = document[SMALLEST] as TransitionDefaultMinimumObjectSize | undefined;
      return client.send(
        new PutBucketLifecycleConfigurationCommand({
          Bucket,
          LifecycleConfiguration: { Rules: withDates(document['Rules']) as LifecycleRule[] },
          // Somebody has chosen it, and leaving it out means the default.
          ...(smallest === undefined ? {} : { TransitionDefaultMinimumObjectSize: smallest }),
        }),
      );
    },
  },
  policy: {
    read: async ({ client, bucket: Bucket }) => {
      const { Policy } = await client.send(new GetBucketPolicyCommand({ Bucket }));
      return Policy === undefined || Policy === '' ? undefined : (JSON.parse(Policy) as object);
    },
    write: ({ client, bucket: Bucket }, document) =>
      client.send(new PutBucketPolicyCommand({ Bucket, Policy: JSON.stringify(document) })),
  },
};

/** A setting of the whole lifecycle configuration, sent as a header. */
const SMALLEST = 'TransitionDefaultMinimumObjectSize';

/** Plain JSON: dates become texts, undefined goes. */
const toDocument = (value: object | undefined): BucketDocument | null =>
  value === undefined ? null : (JSON.parse(JSON.stringify(value)) as BucketDocument);

/** The other way round: in a lifecycle configuration whatever is named `Date` is one. */
function withDates(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withDates);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, field]) => [
      key,
      key === 'Date' && typeof field === 'string' ? new Date(field) : withDates(field),
    ]),
  );
}

async function expiryOf({ client, bucket }: S3Context, key: string): Promise<BucketExpiry | null> {
  const call = { verb: 'expiryOf', bucket, key };
  const { Expiration } = await guarded(call, () => client.send(new HeadObjectCommand({ Bucket: bucket, Key: key })));
  return Expiration === undefined ? null : parseExpiration(Expiration);
}

async function abortOf({ client, bucket }: S3Context, key: string): Promise<BucketExpiry | null> {
  return guarded({ verb: 'abortOf', bucket, key }, async () => {
    const begun = await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key: key }));
    await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: begun.UploadId }));
    const { AbortDate: date, AbortRuleId: ruleId } = begun;
    return date === undefined || ruleId === undefined ? null : { ruleId, atMs: date.getTime() };
  });
}

/** `expiry-date="Fri, 23 Dec 2012 00:00:00 GMT", rule-id="rule%20one"` (S3 API, HeadObject). @throws `storage_rejected` for anything else. */
export function parseExpiration(header: string): BucketExpiry {
  const date = /expiry-date="([^"]*)"/.exec(header)?.[1] ?? '';
  const ruleId = /rule-id="([^"]*)"/.exec(header)?.[1];
  const atMs = Date.parse(date);
  if (ruleId === undefined || Number.isNaN(atMs))
    throw new ArtifactError('storage_rejected', `the store tells an expiry that cannot be read: ${header}`);
  return { ruleId: decodeURIComponent(ruleId), atMs };
}
