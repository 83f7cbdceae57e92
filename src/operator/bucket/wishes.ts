import type { Config } from '../../config.js';
import type { BucketRole } from '../../domain/bucket/roles.js';
import { choosePolicy } from '../../domain/policy.js';
import type { BucketWishes } from '../../domain/bucket/wanted.js';
import { SECOND_MS } from '../../domain/units.js';
import { lifePolicyOf } from '../../life-policy.js';

/** What only a person can say. */
export interface BucketOptions {
  roles?: Partial<Record<BucketRole, string>>;
  corsOrigins?: string[];
  /** ARN. */
  kmsKey?: string;
}

/** What the bucket is to be like, by the configuration of the workers and what a person says. */
export function bucketWishes(config: Config, { roles = {}, corsOrigins = [], kmsKey }: BucketOptions): BucketWishes {
  const { S3_ENDPOINT: endpoint, S3_PUBLIC_ENDPOINT: publicEndpoint } = config;
  const isPlain = (url: string | undefined): boolean => url?.startsWith('http:') === true;
  return {
    bucket: config.S3_BUCKET,
    region: config.S3_REGION,
    overTls: !isPlain(endpoint) && !isPlain(publicEndpoint),
    // As an artifact that asks for nothing of its own gets it.
    policy: choosePolicy(lifePolicyOf(config), {}),
    uploadDeadlineMs: config.UPLOAD_DEADLINE_SECONDS * SECOND_MS,
    roles,
    corsOrigins,
    kmsKey: kmsKey ?? null,
  };
}
