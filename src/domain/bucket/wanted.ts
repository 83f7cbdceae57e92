import { listIn } from './filter.js';
import { lifecycleRules, type LifecycleWishes } from './lifecycle-rules.js';
import {
  OUR_PREFIX,
  documentOf,
  type BucketDocument,
  type BucketEntry,
  type BucketPart,
  type WantedPart,
} from './parts.js';
import { BUCKET_ROLES, ROLE_ACTIONS, type BucketRole } from './roles.js';

/** What the bucket is to be like; what has no value is left as it is. */
export interface BucketWishes extends LifecycleWishes {
  bucket: string;
  region: string;
  /** The store is reached by TLS, so nobody needs to come without. */
  overTls: boolean;
  /** ARNs of those who may come, by what they are for. */
  roles: Partial<Record<BucketRole, string>>;
  /** Where browsers that upload directly come from: `https://app.example`. */
  corsOrigins: string[];
  /** ARN of the key that objects are encrypted with; null: any default encryption will do. */
  kmsKey: string | null;
}

const CORS_MAX_AGE_SECONDS = 3_600;

/** All parts, in the order in which they are written. */
export function wantedBucket(wishes: BucketWishes): WantedPart[] {
  const whole = (part: BucketPart, value: BucketDocument): WantedPart => ({
    part,
    entries: [{ name: 'default', value }],
    withheld: [],
  });
  return [
    whole('publicAccess', {
      BlockPublicAcls: true,
      IgnorePublicAcls: true,
      BlockPublicPolicy: true,
      RestrictPublicBuckets: true,
    }),
    whole('ownership', { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] }),
    {
      ...whole('encryption', encryption(wishes.kmsKey)),
      // A bucket that encrypts with a key of its own must not fall back behind that.
      ...(wishes.kmsKey === null ? { accepts: (found) => listIn(found['Rules']).length > 0 } : {}),
    },
    whole('versioning', { Status: 'Enabled' }),
    corsPart(wishes.corsOrigins),
    { part: 'lifecycle', entries: lifecycleRules(wishes), withheld: [] },
    policyPart(wishes),
  ];
}

/** A wanted part as the document that S3 takes. */
export const wantedDocument = ({ part, entries }: WantedPart): BucketDocument => documentOf(part, entries, null);

const encryption = (kmsKey: string | null): BucketDocument => ({
  Rules: [
    kmsKey === null
      ? { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }
      : {
          ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: kmsKey },
          // One call to KMS for many objects.
          BucketKeyEnabled: true,
        },
  ],
});

/** What a browser needs to send parts to signed URLs and to read what it is sent. */
function corsPart(origins: string[]): WantedPart {
  const name = `${OUR_PREFIX}direct-upload`;
  if (origins.length === 0)
    return { part: 'cors', entries: [], withheld: [{ name, why: 'no --cors-origin is given' }] };
  const value = {
    ID: name,
    AllowedOrigins: origins,
    AllowedMethods: ['GET', 'HEAD', 'PUT'],
    AllowedHeaders: ['content-type', 'content-md5', 'if-none-match', 'range', 'x-amz-*'],
    // Without the ETag no client can join parts.
    ExposeHeaders: [
      ...['ETag', 'Content-Range', 'Content-Disposition', 'x-amz-version-id'],
      ...['x-amz-checksum-crc32', 'x-amz-checksum-sha256'],
    ],
    MaxAgeSeconds: CORS_MAX_AGE_SECONDS,
  };
  return { part: 'cors', entries: [{ name, value }], withheld: [] };
}

function policyPart({ bucket, region, overTls, roles }: BucketWishes): WantedPart {
  const arn = `arn:${partitionOf(region)}:s3:::${bucket}`;
  const deny = (sid: string, condition: BucketDocument): BucketEntry => ({
    name: sid,
    value: {
      ...{ Sid: sid, Effect: 'Deny', Principal: '*', Action: 's3:*' },
      ...{ Resource: [arn, `${arn}/*`], Condition: condition },
    },
  });
  const tls = [
    deny('DurableArtifactsTlsOnly', { Bool: { 'aws:SecureTransport': 'false' } }),
    deny('DurableArtifactsTls12', { NumericLessThan: { 's3:TlsVersion': '1.2' } }),
  ];
  const allowed = BUCKET_ROLES.flatMap((role): BucketEntry[] => {
    const principal = roles[role];
    if (principal === undefined) return [];
    const { sid, actions, keys } = ROLE_ACTIONS[role];
    const value = {
      ...{ Sid: sid, Effect: 'Allow', Principal: { AWS: principal }, Action: actions },
      Resource: [arn, ...keys.map((key) => `${arn}/${key}`)],
    };
    return [{ name: sid, value }];
  });
  const absent = BUCKET_ROLES.filter((role) => roles[role] === undefined).map((role) => ({
    name: ROLE_ACTIONS[role].sid,
    why: 'no --role is given for it',
  }));
  const without = tls.map(({ name }) => ({ name, why: 'S3_ENDPOINT is http://, which it would lock out' }));
  return {
    part: 'policy',
    entries: [...(overTls ? tls : []), ...allowed],
    withheld: [...(overTls ? [] : without), ...absent],
  };
}

/** China and GovCloud have ARNs of their own. */
function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
