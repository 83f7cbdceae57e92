import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ArtifactClient, ArtifactError } from '../sdk/index.js';
import type { Terminal } from './terminal.js';

interface ApiAccess {
  apiUrl: string;
  token: string;
}

/** A client for the API named by ARTIFACTS_URL and ARTIFACTS_TOKEN, else for the local stack: in LOCAL_DIRECTORY, or in `.local` at or above the working folder. */
export function connect(terminal: Terminal): ArtifactClient {
  const { apiUrl, token } = accessOf(terminal);
  return new ArtifactClient({ baseUrl: apiUrl, token });
}

function accessOf({ env, cwd }: Terminal): ApiAccess {
  const { ARTIFACTS_URL: apiUrl, ARTIFACTS_TOKEN: token } = env;
  if (apiUrl !== undefined && apiUrl !== '') {
    if (token === undefined || token === '')
      throw new ArtifactError('unauthenticated', 'ARTIFACTS_URL is set, but ARTIFACTS_TOKEN is not');
    return { apiUrl, token };
  }
  const { LOCAL_DIRECTORY: directory } = env;
  const local = directory === undefined || directory === '' ? findLocalStack(cwd) : readAccess(directory);
  if (local !== null) return local;
  throw new ArtifactError(
    'api_unreachable',
    'No API is known: set ARTIFACTS_URL and ARTIFACTS_TOKEN, or start the local stack with "npm start"',
  );
}

/** `.local/connection.json` of the nearest folder that has one. */
function findLocalStack(folder: string): ApiAccess | null {
  const access = readAccess(join(folder, '.local'));
  if (access !== null) return access;
  const parent = dirname(folder);
  return parent === folder ? null : findLocalStack(parent);
}

/** What the local stack wrote into its data folder; null when there is none. */
function readAccess(folder: string): ApiAccess | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(join(folder, 'connection.json'), 'utf8'));
    if (typeof parsed !== 'object' || parsed === null) return null;
    const { apiUrl, token } = parsed as Partial<Record<keyof ApiAccess, unknown>>;
    return typeof apiUrl === 'string' && typeof token === 'string' ? { apiUrl, token } : null;
  } catch {
    return null;
  }
}
