import type { Quotas } from './domain/quotas.js';
import envSchema from 'env-schema';
import { Type, type Static } from 'typebox';
import { BUILD_VARIABLES } from './build-variables.js';
import { DEFAULT_POLICY } from './domain/policy.js';
import { DEFAULT_RETENTION_DAYS, MAX_RETENTION_DAYS } from './domain/retention.js';
import { RECONCILE_VARIABLES } from './reconcile-variables.js';
import { webhookSettings } from './webhooks/settings.js';

/** Turns a variable that is set to nothing (`X=`) into one that is not set. */
const isSet = ([, value]: [string, string | undefined]): boolean => value !== undefined && value !== '';

const url = (description: string, defaultValue?: string) =>
  Type.String({ description, pattern: '^[a-z]+://', ...(defaultValue === undefined ? {} : { default: defaultValue }) });

/** A link is no archive: for longer, keep the artifact and make another one. */
const MAX_SHARE_DAYS = 365;

/** Every variable the product reads. The table in the README is generated from it. */
export const configSchema = Type.Object({
  LOG_LEVEL: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
    default: 'info',
    description: 'How much is logged',
  }),

  API_HOST: Type.String({ default: '127.0.0.1', description: 'Address the API listens on' }),
  API_PORT: Type.Integer({
    default: 8080,
    minimum: 0,
    maximum: 65_535,
    description: 'Port the API listens on; 0 takes a free one',
  }),
  API_CORS_ORIGINS: Type.Optional(
    Type.String({
      pattern: '^\\s*https?://[^/*,\\s]+\\s*(,\\s*https?://[^/*,\\s]+\\s*)*$',
      description:
        'Whose pages may call the API from a browser: https://app.example, with commas between them; unset: nobody’s',
    }),
  ),
  API_PUBLIC_URL: Type.Optional(
    Type.String({
      pattern: '^https?://[^?#]+$',
      description:
        'What share links begin with, as others reach the API: https://files.example; default: the address it listens on',
    }),
  ),
  AUTH_JWT_SECRET: Type.Optional(
    Type.String({
      minLength: 32,
      description: 'Shared HS256 secret for tokens, for local use; set this or AUTH_JWKS_URL',
    }),
  ),
  AUTH_JWKS_URL: Type.Optional(url('Where the keys of the token issuer are published (RS256, ES256, EdDSA)')),
  AUTH_ISSUER: Type.String({ default: 'durable-artifacts', description: 'Required `iss` of a token' }),
  AUTH_AUDIENCE: Type.String({ default: 'durable-artifacts', description: 'Required `aud` of a token' }),

  DATABASE_URL: url('Postgres connection', 'postgresql://artifacts:artifacts@127.0.0.1:5432/artifacts'),

  TEMPORAL_ADDRESS: Type.String({ default: '127.0.0.1:7233', description: 'host:port of the Temporal frontend' }),
  TEMPORAL_NAMESPACE: Type.String({ default: 'default', description: 'Temporal namespace' }),
  TEMPORAL_API_KEY: Type.Optional(Type.String({ description: 'API key for Temporal Cloud; turns TLS on' })),
  TEMPORAL_TLS: Type.Boolean({ default: false, description: 'Use TLS to Temporal' }),
  ...BUILD_VARIABLES,

  UPLOAD_HOST_ID: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
      description: 'Upload worker: name of the host whose files it reads; default: the name of this machine',
    }),
  ),
  UPLOAD_ROOTS: Type.Optional(
    Type.String({
      description:
        'Upload worker: folders below which it may read, as in PATH with : between them; links out of them are refused',
    }),
  ),
  UPLOAD_TENANT: Type.Optional(
    Type.String({
      maxLength: 255,
      description: 'Upload worker: the one tenant that may be given files of this host',
    }),
  ),

  S3_BUCKET: Type.String({ default: 'artifacts', minLength: 3, maxLength: 63, description: 'Bucket; must exist' }),
  S3_REGION: Type.String({ default: 'us-east-1', description: 'Region of the bucket' }),
  S3_ENDPOINT: Type.Optional(url('Endpoint of an S3-compatible store; leave unset for AWS')),
  S3_PUBLIC_ENDPOINT: Type.Optional(url('Endpoint that clients reach, put into signed URLs; default S3_ENDPOINT')),
  AWS_ACCESS_KEY_ID: Type.Optional(
    Type.String({ description: 'Static credentials; leave unset to use the AWS default chain (role, profile)' }),
  ),
  AWS_SECRET_ACCESS_KEY: Type.Optional(Type.String({ description: 'Secret of AWS_ACCESS_KEY_ID' })),
  CREATE_BUCKET: Type.Boolean({
    default: false,
    description: 'The role `setup` creates the bucket, with versioning on; for stores of your own machine',
  }),

  DEFAULT_RETENTION_DAYS: Type.Integer({
    default: DEFAULT_RETENTION_DAYS,
    minimum: 1,
    maximum: MAX_RETENTION_DAYS,
    description: 'Life of an artifact when neither upload nor execution says otherwise, in days',
  }),
  WARN_BEFORE_DAYS: Type.Integer({
    default: DEFAULT_POLICY.warnBeforeDays,
    minimum: 0,
    maximum: MAX_RETENTION_DAYS,
    description: 'Days before its expiry at which an artifact is warned of (half of its life if shorter); 0: never',
  }),
  WARM_AFTER_DAYS: Type.Integer({
    default: DEFAULT_POLICY.warmAfterDays ?? 0,
    minimum: 0,
    maximum: MAX_RETENTION_DAYS,
    description: 'Age at which an artifact moves to STANDARD_IA, in days; 0: never',
  }),
  COLD_AFTER_DAYS: Type.Integer({
    default: DEFAULT_POLICY.coldAfterDays ?? 0,
    minimum: 0,
    maximum: MAX_RETENTION_DAYS,
    description: 'Age at which an artifact is archived to GLACIER, in days; 0: never',
  }),
  TIER_BY: Type.Enum(['age', 'last_access'], {
    default: 'age',
    description:
      'What those days count from: `age`, or `last_access`: from the last download too; of artifacts that are new',
  }),
  UNDELETE_DAYS: Type.Integer({
    default: DEFAULT_POLICY.undeleteDays,
    minimum: 0,
    maximum: MAX_RETENTION_DAYS,
    description: 'Days for which a deletion can be undone, in a versioned bucket; 0: bytes go at once',
  }),
  UNDELETE_EXPIRED_DAYS: Type.Integer({
    default: DEFAULT_POLICY.undeleteExpiredDays,
    minimum: 0,
    maximum: MAX_RETENTION_DAYS,
    description: 'The same for what expired, which was warned of; 0: bytes go at the deadline',
  }),
  UPLOAD_DEADLINE_SECONDS: Type.Integer({
    default: 86_400,
    minimum: 1,
    maximum: 604_800,
    description: 'An upload that is not complete by then is abandoned and removed, in seconds',
  }),
  PRESIGN_UPLOAD_SECONDS: Type.Integer({
    default: 3_600,
    minimum: 1,
    maximum: 604_800,
    description: 'Life of a signed upload URL, in seconds (S3 allows 7 days)',
  }),
  PRESIGN_DOWNLOAD_MAX_SECONDS: Type.Integer({
    default: 3_600,
    minimum: 1,
    maximum: 604_800,
    description: 'Longest life of a signed download URL that may be asked for, in seconds',
  }),
  SHARE_DEFAULT_DAYS: Type.Integer({
    default: 7,
    minimum: 1,
    maximum: MAX_SHARE_DAYS,
    description: 'Life of a share link that asks for none, in days (at most SHARE_MAX_DAYS)',
  }),
  SHARE_MAX_DAYS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: MAX_SHARE_DAYS,
    description: 'Longest life of a share link that may be asked for, in days',
  }),
  PROXIED_UPLOADS_AT_ONCE: Type.Integer({
    default: 4,
    minimum: 0,
    maximum: 1_000,
    description: 'Files that are put through one API process at once; each may need 100 MiB of its memory',
  }),
  BUNDLES_AT_ONCE: Type.Integer({
    default: 8,
    minimum: 0,
    maximum: 1_000,
    description: 'Zips of executions that one API process sends at once; each holds a line per file in memory',
  }),
  API_REQUESTS_PER_MINUTE: Type.Integer({
    default: 30_000,
    minimum: 1,
    description: 'Requests of one subject in a minute, by one API process; more are told to wait (429)',
  }),
  API_LINK_REQUESTS_PER_MINUTE: Type.Integer({
    default: 600,
    minimum: 1,
    description: 'Requests to share links from one IP address in a minute, by one API process',
  }),
  API_GRACE_SECONDS: Type.Integer({
    default: 30,
    minimum: 1,
    maximum: 3_600,
    description: 'How long uploads and downloads that run may take to end when the API is told to stop, in seconds',
  }),
  PUBLISH_HOST_TIMEOUT_SECONDS: Type.Integer({
    default: 600,
    minimum: 1,
    maximum: 86_400,
    description: 'A publication fails when the upload worker of its host does not answer for this long, in seconds',
  }),
  RESTORE_POLL_SECONDS: Type.Integer({
    default: 900,
    minimum: 1,
    maximum: 86_400,
    description:
      'Longest time between two looks at a running restore from the archive, in seconds; shorter when it should be over',
  }),
  EXECUTION_MAX_BYTES: Type.Integer({
    default: 100 * 1024 ** 3,
    minimum: 0,
    description: 'Bytes that an execution may have at a time (what is deleted does not count); 0: any number',
  }),
  EXECUTION_MAX_ARTIFACTS: Type.Integer({
    default: 100_000,
    minimum: 0,
    description: 'Artifacts that an execution may have at a time; 0: any number',
  }),
  TENANT_MAX_BYTES: Type.Integer({
    default: 10 * 1024 ** 4,
    minimum: 0,
    description: 'Bytes that a tenant may have at a time; 0: any number',
  }),
  TENANT_MAX_ARTIFACTS: Type.Integer({
    default: 10_000_000,
    minimum: 0,
    description: 'Artifacts that a tenant may have at a time; 0: any number',
  }),

  ...RECONCILE_VARIABLES,

  READ_BACKS_AT_ONCE: Type.Integer({
    default: 4,
    minimum: 1,
    maximum: 40,
    description: 'Uploads that a worker reads back at the same time, to verify them',
  }),

  WEBHOOK_URLS: Type.Optional(
    Type.String({ description: 'Who is told of changes: https:// URLs with commas between them; unset: nobody' }),
  ),
  WEBHOOK_SECRET: Type.Optional(
    Type.String({
      description:
        'Signs webhooks: `whsec_` and the Base64 of 24 to 64 bytes; with WEBHOOK_URLS. Two with a comma while it is changed',
    }),
  ),
  WEBHOOK_ALLOW_PRIVATE: Type.Boolean({
    default: false,
    description: 'Webhooks may go to addresses that are not public, and by http://',
  }),
  WEBHOOK_GIVE_UP_SECONDS: Type.Integer({
    default: 259_200,
    minimum: 1,
    maximum: 2_592_000,
    description: 'A webhook that is not accepted by then is given up, in seconds',
  }),
});

export type Config = Static<typeof configSchema>;

/** Both are set, or none. */
const TOGETHER = [
  ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'],
  ['WORKER_DEPLOYMENT_NAME', 'WORKER_BUILD_ID'],
] as const;

/** A configuration that cannot be used; the message lists every bad variable at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

type QuotaConfig = Pick<
  Config,
  'EXECUTION_MAX_ARTIFACTS' | 'EXECUTION_MAX_BYTES' | 'TENANT_MAX_ARTIFACTS' | 'TENANT_MAX_BYTES'
>;

/** How much executions and tenants may have. */
export const quotasOf = (config: QuotaConfig): Quotas => ({
  executionArtifacts: config.EXECUTION_MAX_ARTIFACTS,
  executionBytes: config.EXECUTION_MAX_BYTES,
  tenantArtifacts: config.TENANT_MAX_ARTIFACTS,
  tenantBytes: config.TENANT_MAX_BYTES,
});

/**
 * Reads the configuration from an environment object; a pure function of it. Unknown variables are ignored, empty ones count
 * as unset.
 * @throws ConfigError that names every variable that is missing or malformed.
 */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const data = Object.fromEntries(Object.entries(env).filter(isSet));
  let config: Config;
  try {
    config = envSchema<Config>({ schema: structuredClone(configSchema), data, env: false });
  } catch (error) {
    const reason =
      error instanceof Error
        ? error.message
            .replace(/^env\//, '')
            .replaceAll(', env/', '\n  ')
            .replaceAll('env/', '')
        : String(error);
    throw new ConfigError(`The configuration cannot be used:\n  ${reason}`);
  }
  for (const [one, other] of TOGETHER)
    if ((config[one] === undefined) !== (config[other] === undefined))
      throw new ConfigError(`The configuration cannot be used:\n  ${one} and ${other} go together`);
  try {
    webhookSettings(config);
  } catch (error) {
    throw new ConfigError(`The configuration cannot be used:\n  ${(error as Error).message}`);
  }
  return config;
}
