import { ArtifactError } from '../domain/errors.js';
import { quotaErrorOf } from './quotas.js';

/** Node's codes for a server that cannot be reached or went away. */
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT', // the Unix socket is not there
]);

/** Postgres manual, appendix A: what passes, or what an operator must put right, and no fault of the statement. */
const UNAVAILABLE_STATES = new Set([
  '25006', // read_only_sql_transaction: a failover left us on the replica
  '3D000', // invalid_catalog_name: the database does not exist (yet)
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  '57014', // query_canceled: statement_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now: it is starting
  '57P05', // idle_session_timeout
]);
/** Connection exceptions, invalid authorization, insufficient resources. */
const UNAVAILABLE_CLASSES = new Set(['08', '28', '53']);

/** Tables, columns and functions that this code asks for come with its migrations: 42P01 undefined_table, 42703 undefined_column, 42883 undefined_function. */
const NOT_MIGRATED_STATES = new Set(['42P01', '42703', '42883']);

/** Data exceptions: a value that does not fit its column. The same call would be refused for ever. */
const DATA_CLASS = '22';
/** The partial unique index that allows one living artifact per path, see the first migration. */
const LIVING_PATH_INDEX = 'idx_artifacts_living_path';

/** node-postgres has no codes for these. */
const DRIVER_MESSAGES =
  /connection terminated|timeout exceeded when trying to connect|timeout expired|query read timeout|not queryable|connection error/i;

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;

const constraintOf = (error: unknown): unknown =>
  error instanceof Error && 'constraint' in error ? error.constraint : undefined;

function isUnavailable(error: unknown): boolean {
  const code = codeOf(error);
  if (code === undefined) return error instanceof Error && DRIVER_MESSAGES.test(error.message);
  return NETWORK_CODES.has(code) || UNAVAILABLE_STATES.has(code) || UNAVAILABLE_CLASSES.has(code.slice(0, 2));
}

/**
 * Turns whatever the driver threw into the product's error: `database_unavailable` (retryable) when the database is away, busy
 * or not set up, `database_not_migrated` when its schema is not that of this code, `quota_exceeded`, `path_taken` when a change would give two living artifacts one path, `invalid_request` for a value that no
 * column takes. Anything else is a bug and becomes a plain Error. An error of the product passes unchanged.
 * @param doing what was tried, as in "list artifacts"
 */
export function translateDatabaseError(error: unknown, doing: string): Error {
  if (error instanceof ArtifactError) return error;
  const quotaError = quotaErrorOf(error);
  if (quotaError !== null) return quotaError;
  const reason = error instanceof Error ? error.message || (codeOf(error) ?? error.name) : String(error);
  if (isUnavailable(error))
    return new ArtifactError('database_unavailable', `Could not ${doing}: ${reason}`, { cause: error });
  if (NOT_MIGRATED_STATES.has(codeOf(error) ?? ''))
    return new ArtifactError('database_not_migrated', `Could not ${doing}: ${reason}`, { cause: error });
  if (constraintOf(error) === LIVING_PATH_INDEX)
    return new ArtifactError('path_taken', `Could not ${doing}: another artifact has its path`, { cause: error });
  if (codeOf(error)?.startsWith(DATA_CLASS) === true)
    return new ArtifactError('invalid_request', `Could not ${doing}: ${reason}`, { cause: error });
  return new Error(`Could not ${doing}: ${reason}`, { cause: error });
}

/** Runs a database call; whatever it throws is translated by {@link translateDatabaseError}. */
export async function withDatabaseErrors<T>(doing: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw translateDatabaseError(error, doing);
  }
}
