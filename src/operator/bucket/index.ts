export { applyBucket, type AppliedFinding } from './apply-bucket.js';
export { inspectBucket, inspectPart } from './compare-bucket.js';
export { verifyRules, type RuleProof } from './verify-rules.js';
export { bucketWishes, type BucketOptions } from './wishes.js';
