import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, readIdentity } from './process-identity.js';
import { readSettings } from './settings.js';

const LIVE_TIMEOUT_MS = 2_000;

/** How to reach the local stack that runs; `.local/connection.json`, readable by its owner only. */
export interface Connection {
  apiUrl: string;
  /** Bearer token with every scope, valid for 30 days. */
  token: string;
  /** Null when Temporal is not the stack's own. */
  temporalUiUrl: string | null;
  /** host:port. */
  temporalAddress: string;
  namespace: string;
  s3Endpoint: string;
  s3Bucket: string;
  s3Region: string;
  /** Of the stack's own store; null for a store of somebody else's, whose keys come from the environment. */
  s3AccessKeyId: string | null;
  s3SecretAccessKey: string | null;
  /** Of the token, and of the upload worker that the stack runs. */
  tenant: string;
  uploadHostId: string;
  databaseUrl: string;
  /** SIGTERM to it stops the whole stack. */
  supervisorPid: number;
}

const fileOf = (directory: string): string => join(directory, 'connection.json');

/** The local stack of this package (or of `directory`) when it is up and its API answers; else null. */
export async function readConnection(directory?: string): Promise<Connection | null> {
  const folder = directory ?? readSettings(process.env).directory;
  const connection = readConnectionFile(folder);
  if (connection === null || !isHeld(folder, connection.supervisorPid)) return null;
  try {
    const answer = await fetch(`${connection.apiUrl}/livez`, { signal: AbortSignal.timeout(LIVE_TIMEOUT_MS) });
    return answer.ok ? connection : null;
  } catch {
    return null;
  }
}

/** The supervisor holds this file; see `takeLock`. */
export const lockFile = (directory: string): string => join(directory, 'lock');

/** The API may outlive a supervisor that was killed, and its process id may have been given away: neither is a stack. */
function isHeld(directory: string, supervisorPid: number): boolean {
  const owner = readIdentity(lockFile(directory));
  return owner !== null && owner.pid === supervisorPid && isAlive(owner);
}

/** What the file says, whether or not that stack still runs. */
export function readConnectionFile(directory: string): Connection | null {
  try {
    const parsed: unknown = JSON.parse(readFileSync(fileOf(directory), 'utf8'));
    return isConnection(parsed) ? parsed : null;
  } catch {
    return null;
  }
}

/** Writes the file in one step, mode 0600. */
export function writeConnection(directory: string, connection: Connection): void {
  const temporary = `${fileOf(directory)}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(connection, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, fileOf(directory));
}

/** The stack has ended. */
export function removeConnection(directory: string): void {
  rmSync(fileOf(directory), { force: true });
}

function isConnection(value: unknown): value is Connection {
  if (typeof value !== 'object' || value === null) return false;
  const { apiUrl, token, supervisorPid } = value as Partial<Connection>;
  return typeof apiUrl === 'string' && typeof token === 'string' && typeof supervisorPid === 'number';
}
