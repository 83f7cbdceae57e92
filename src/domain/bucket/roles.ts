import { DATABASES_PREFIX, KEY_PREFIX, PROBE_PREFIX } from '../keys.js';

/** Who comes to the bucket by itself. `agent` is the role of FEAT-004, for those that run everything under one. */
export const BUCKET_ROLES = ['agent', 'api', 'worker', 'upload-worker', 'operator', 'backup'] as const;
export type BucketRole = (typeof BUCKET_ROLES)[number];

interface RoleActions {
  sid: string;
  actions: readonly string[];
  /** Keys that it may touch, each a pattern. */
  keys: readonly string[];
}

const ARTIFACTS = `${KEY_PREFIX}*`;
/** Throw-away objects by which a worker finds out what the store does. */
const PROBES = `${PROBE_PREFIX}*`;
/** Which databases work with the bucket. */
const DATABASES = `${DATABASES_PREFIX}*`;

const READ = ['s3:GetObject', 's3:GetObjectVersion'];
const READ_TAGS = ['s3:GetObjectTagging', 's3:GetObjectVersionTagging'];
const LIST = ['s3:ListBucket', 's3:ListBucketVersions'];
/** Creating an object with tags needs both. */
const SEND = ['s3:PutObject', 's3:PutObjectTagging', 's3:ListMultipartUploadParts'];
const KEEP = [
  ...READ,
  ...READ_TAGS,
  ...LIST,
  ...SEND,
  's3:PutObjectVersionTagging',
  's3:DeleteObject',
  's3:DeleteObjectVersion',
  's3:AbortMultipartUpload',
  's3:ListBucketMultipartUploads',
  's3:RestoreObject',
];
const CONFIGURE = [
  'BucketCORS',
  'BucketPolicy',
  'BucketPublicAccessBlock',
  'BucketVersioning',
  'EncryptionConfiguration',
]
  .concat('LifecycleConfiguration', 'BucketOwnershipControls')
  .flatMap((name) => [`s3:Get${name}`, `s3:Put${name}`]);

/** What each of them needs, and nothing else. */
export const ROLE_ACTIONS: Record<BucketRole, RoleActions> = {
  agent: {
    sid: 'AllowAgentAccess',
    actions: ['s3:GetObject', 's3:PutObject', 's3:DeleteObject', 's3:ListBucket'],
    keys: ['*'],
  },
  api: { sid: 'DurableArtifactsApi', actions: [...READ, ...SEND, 's3:ListBucket'], keys: [ARTIFACTS] },
  worker: { sid: 'DurableArtifactsWorker', actions: KEEP, keys: [ARTIFACTS, PROBES, DATABASES] },
  'upload-worker': { sid: 'DurableArtifactsUploadWorker', actions: SEND, keys: [ARTIFACTS] },
  operator: { sid: 'DurableArtifactsOperator', actions: [...KEEP, ...CONFIGURE], keys: [ARTIFACTS, PROBES, DATABASES] },
  backup: { sid: 'DurableArtifactsBackup', actions: [...READ, ...READ_TAGS, ...LIST], keys: [ARTIFACTS] },
};
