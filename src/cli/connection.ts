import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ArtifactClient, ArtifactError } from '../sdk/index.js';
import type { Terminal } from './terminal.js';

interface ApiAccess {
  apiUrl: string;
  token: string;
}

/** A client for the API named by ARTIFACTS_URL and ARTIFACTS_TOKEN, else for the local stack: in LOCAL_DIRECTORY, or in `.local` at or above the working folder. ARTIFACTS_TOKEN alone is used with the local stack. */
export function connect(terminal: Terminal): ArtifactClient {
  const { apiUrl, token } = accessOf(terminal);
  return new ArtifactClient({ baseUrl: apiUrl, token });
}

function accessOf({ env, cwd }: Terminal): ApiAccess {
  const apiUrl = valueOf(env['ARTIFACTS_URL']);
  const token = valueOf(env['ARTIFACTS_TOKEN']);
  if (apiUrl !== undefined) {
    if (token === undefined)
      throw new ArtifactError('unauthenticated', 'ARTIFACTS_URL is set, but ARTIFACTS_TOKEN is not');
    return { apiUrl, token };
  }
  const local = accessIn(localStack({ env, cwd }));
  // Whoever gives a token means to be that caller, and not the one who may do everything.
  if (local !== null) return { ...local, ...(token === undefined ? {} : { token }) };
  throw new ArtifactError(
    'api_unreachable',
    'No API is known: set ARTIFACTS_URL and ARTIFACTS_TOKEN, or start the local stack with "npm start"',
  );
}

/**
 * Configuration of a worker: that of the environment when it names Temporal, else of the local stack.
 * @throws `workflows_unavailable` when there is neither.
 */
export function workerEnvironment({ env, cwd }: Pick<Terminal, 'env' | 'cwd'>): Terminal['env'] {
  if (valueOf(env['TEMPORAL_ADDRESS']) !== undefined) return env;
  const stack = localStack({ env, cwd });
  if (textIn(stack, 'temporalAddress') === undefined)
    throw new ArtifactError(
      'workflows_unavailable',
      'No Temporal is known: set TEMPORAL_ADDRESS (and the bucket: S3_…), or start the local stack with "npm start"',
    );
  return { ...serversOf(stack, env), UPLOAD_TENANT: valueOf(env['UPLOAD_TENANT']) ?? textIn(stack, 'tenant') };
}

/**
 * Configuration of what operators run, which goes to bucket, database and Temporal by itself: that of the environment when it names one
 * of them, else of the local stack.
 * @throws `invalid_request` when there is neither.
 */
export function operatorEnvironment({ env, cwd }: Pick<Terminal, 'env' | 'cwd'>): Terminal['env'] {
  if (namesServers(env)) return env;
  const stack = localStack({ env, cwd });
  if (stack === null)
    throw new ArtifactError(
      'invalid_request',
      'No servers are known: set TEMPORAL_…, DATABASE_URL and S3_… as for the worker, or start the local stack with "npm start"',
    );
  return {
    ...serversOf(stack, env),
    DATABASE_URL: textIn(stack, 'databaseUrl'),
    UPLOAD_HOST_ID: valueOf(env['UPLOAD_HOST_ID']) ?? textIn(stack, 'uploadHostId'),
  };
}

/** Address of the API that belongs to {@link operatorEnvironment}: ARTIFACTS_URL, else that of the local stack; null when the environment names other servers. */
export function operatorApiUrl({ env, cwd }: Pick<Terminal, 'env' | 'cwd'>): string | null {
  const named = valueOf(env['ARTIFACTS_URL']);
  if (named !== undefined) return named;
  return namesServers(env) ? null : (textIn(localStack({ env, cwd }), 'apiUrl') ?? null);
}

const namesServers = (env: Terminal['env']): boolean =>
  ['TEMPORAL_ADDRESS', 'DATABASE_URL', 'S3_ENDPOINT', 'S3_BUCKET'].some((name) => valueOf(env[name]) !== undefined);

const serversOf = (stack: LocalStack | null, env: Terminal['env']): Terminal['env'] => ({
  ...env,
  TEMPORAL_ADDRESS: textIn(stack, 'temporalAddress'),
  TEMPORAL_NAMESPACE: textIn(stack, 'namespace'),
  S3_ENDPOINT: textIn(stack, 's3Endpoint'),
  S3_BUCKET: textIn(stack, 's3Bucket'),
  S3_REGION: textIn(stack, 's3Region'),
  AWS_ACCESS_KEY_ID: textIn(stack, 's3AccessKeyId') ?? env['AWS_ACCESS_KEY_ID'],
  AWS_SECRET_ACCESS_KEY: textIn(stack, 's3SecretAccessKey') ?? env['AWS_SECRET_ACCESS_KEY'],
});

function textIn(stack: LocalStack | null, name: string): string | undefined {
  const value = stack?.[name];
  return typeof value === 'string' ? valueOf(value) : undefined;
}

const valueOf = (variable: string | undefined): string | undefined => (variable === '' ? undefined : variable);

type LocalStack = Record<string, unknown>;

/** What the local stack wrote: into LOCAL_DIRECTORY, else into `.local` at or above the working folder; null when there is none. */
function localStack({ env, cwd }: Pick<Terminal, 'env' | 'cwd'>): LocalStack | null {
  const directory = valueOf(env['LOCAL_DIRECTORY']);
  return directory === undefined ? findLocalStack(cwd) : readLocalStack(directory);
}

/** `.local/connection.json` of the nearest folder that has one. */
function findLocalStack(folder: string): LocalStack | null {
  const stack = readLocalStack(join(folder, '.local'));
  if (stack !== null) return stack;
  const parent = dirname(folder);
  return parent === folder ? null : findLocalStack(parent);
}

function readLocalStack(folder: string): LocalStack | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(folder, 'connection.json'), 'utf8'));
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : null;
  } catch {
    return null;
  }
}

function accessIn(stack: LocalStack | null): ApiAccess | null {
  const { apiUrl, token } = stack ?? {};
  return typeof apiUrl === 'string' && typeof token === 'string' ? { apiUrl, token } : null;
}
