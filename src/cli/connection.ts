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
  const directory = valueOf(env['LOCAL_DIRECTORY']);
  const local = directory === undefined ? findLocalStack(cwd) : readAccess(directory);
  // Whoever gives a token means to be that caller, and not the one who may do everything.
  if (local !== null) return { ...local, ...(token === undefined ? {} : { token }) };
  throw new ArtifactError(
    'api_unreachable',
    'No API is known: set ARTIFACTS_URL and ARTIFACTS_TOKEN, or start the local stack with "npm start"',
  );
}

const valueOf = (variable: string | undefined): string | undefined => (variable === '' ? undefined : variable);

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
