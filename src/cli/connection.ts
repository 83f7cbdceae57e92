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
  const text = (name: string): string | undefined =>
    typeof stack?.[name] === 'string' ? valueOf(stack[name]) : undefined;
  if (text('temporalAddress') === undefined)
    throw new ArtifactError(
      'workflows_unavailable',
      'No Temporal is known: set TEMPORAL_ADDRESS (and the bucket: S3_…), or start the local stack with "npm start"',
    );
  return {
    ...env,
    TEMPORAL_ADDRESS: text('temporalAddress'),
    TEMPORAL_NAMESPACE: text('namespace'),
    S3_ENDPOINT: text('s3Endpoint'),
    S3_BUCKET: text('s3Bucket'),
    S3_REGION: text('s3Region'),
    AWS_ACCESS_KEY_ID: text('s3AccessKeyId') ?? env['AWS_ACCESS_KEY_ID'],
    AWS_SECRET_ACCESS_KEY: text('s3SecretAccessKey') ?? env['AWS_SECRET_ACCESS_KEY'],
    UPLOAD_TENANT: valueOf(env['UPLOAD_TENANT']) ?? text('tenant'),
  };
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
