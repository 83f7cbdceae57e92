import type { BucketWishes } from '../../src/domain/bucket/wanted.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import { DAY_MS } from '../../src/domain/units.js';

/** The bucket of a deployment with the default configuration on AWS, without any value that only a person knows. */
export const wishes = (given: Partial<BucketWishes> = {}): BucketWishes => ({
  bucket: 'artifacts',
  region: 'eu-central-1',
  overTls: true,
  policy: DEFAULT_POLICY,
  uploadDeadlineMs: DAY_MS,
  roles: {},
  corsOrigins: [],
  kmsKey: null,
  ...given,
});
