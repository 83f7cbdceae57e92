import { randomUUID } from 'node:crypto';
import { tokenFor } from '../api.js';
import type { Place } from './states.js';

/** What a caller can show: no token, or one with these scopes. */
export const CREDENTIALS = {
  'no token': null,
  'no scope': '',
  read: 'artifacts:read',
  write: 'artifacts:write',
  admin: 'artifacts:admin',
  'unknown scope': 'openid artifacts:delete',
  'read and write': 'artifacts:read artifacts:write',
} as const;
export type Credential = keyof typeof CREDENTIALS;
export const CREDENTIAL_NAMES = Object.keys(CREDENTIALS) as Credential[];

export const TENANTS = ['own', 'foreign'] as const;

/** To which executions the token is narrowed: not at all, to that of the artifact, to another one. */
export const NARROWINGS = ['all', 'in', 'out'] as const;

export interface Caller {
  credential: Credential;
  tenant: (typeof TENANTS)[number];
  narrowing: (typeof NARROWINGS)[number];
}

export const ALL_CALLERS: readonly Caller[] = CREDENTIAL_NAMES.flatMap((credential) =>
  TENANTS.flatMap((tenant) => NARROWINGS.map((narrowing) => ({ credential, tenant, narrowing }))),
);

const known = new Map<string, Promise<string>>();

/** The token of a caller, for the execution of a place; null: it has none. */
export function tokenOf({ credential, tenant, narrowing }: Caller, { executionId }: Place): Promise<string> | null {
  const scope = CREDENTIALS[credential];
  if (scope === null) return null;
  const key = JSON.stringify([scope, tenant, narrowing, narrowing === 'in' && executionId]);
  const executions = {
    all: {},
    in: { executions: [executionId] },
    out: { executions: [randomUUID()] },
  };
  const token =
    known.get(key) ?? tokenFor({ scope, tenant: tenant === 'own' ? 'acme' : 'other', ...executions[narrowing] });
  known.set(key, token);
  return token;
}

/** May it know that the artifact and its execution exist? */
export const isInside = ({ tenant, narrowing }: Caller): boolean =>
  tenant === 'own' && (narrowing === 'all' || narrowing === 'in');
