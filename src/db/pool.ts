import pg from 'pg';

export interface PoolOptions {
  /** Connections at most. Default 10. */
  max?: number;
  /** A statement that runs longer is cancelled and fails with `database_unavailable`. Default 10,000. */
  statementTimeoutMs?: number;
  /** Told when a connection that nobody was using breaks; the pool replaces it by itself. */
  onIdleError?: (error: Error) => void;
}

const DEFAULT_MAX_CONNECTIONS = 10;
const DEFAULT_STATEMENT_TIMEOUT_MS = 10_000;
/** Also the longest wait for a free connection of the pool. */
const CONNECTION_TIMEOUT_MS = 3_000;
/** How much later than the server the client gives up on a statement: only when the server itself is silent. */
const SILENT_SERVER_GRACE_MS = 2_000;

/**
 * A connection pool. Opens nothing until it is first used; whoever creates it ends it.
 * @param databaseUrl `postgresql://user:password@host:port/database`
 */
export function createPool(databaseUrl: string, options: PoolOptions = {}): pg.Pool {
  const statementTimeoutMs = options.statementTimeoutMs ?? DEFAULT_STATEMENT_TIMEOUT_MS;
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max: options.max ?? DEFAULT_MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + SILENT_SERVER_GRACE_MS,
    keepAlive: true,
    application_name: 'durable-artifacts',
  });
  // Without a listener, a server that restarts would end this process: node-postgres emits `error` for idle connections.
  pool.on('error', (error) => options.onIdleError?.(error));
  return pool;
}

export interface ClientOptions {
  /** Told to the server after our name, as in `durable-artifacts doctor`. */
  purpose: string;
  /** A statement that runs longer is cancelled. Default: none is. */
  statementTimeoutMs?: number;
  /** Longest wait for a lock that another transaction holds. Default: as long as it takes. */
  lockTimeoutMs?: number;
}

/** One connection that has been made, for a program of operators; whoever opens it ends it. */
export async function openClient(databaseUrl: string, options: ClientOptions): Promise<pg.Client> {
  const { purpose, statementTimeoutMs, lockTimeoutMs } = options;
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    ...(statementTimeoutMs === undefined
      ? {}
      : { statement_timeout: statementTimeoutMs, query_timeout: statementTimeoutMs }),
    ...(lockTimeoutMs === undefined ? {} : { lock_timeout: lockTimeoutMs }),
    application_name: `durable-artifacts ${purpose}`,
  });
  // A connection that is lost fails the next statement; the event itself must not end the process.
  client.on('error', () => {});
  await client.connect();
  return client;
}

/** Has a statement sent together with COMMIT, in one message: what it locks is held while no client is waited for. */
export type AtCommit = (statement: string) => void;

/** Runs `work` in one transaction on one connection: commits when it returns, rolls back when it throws. */
export async function inTransaction<T>(
  pool: pg.Pool,
  work: (client: pg.PoolClient, atCommit: AtCommit) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('BEGIN');
    const last: string[] = [];
    const result = await work(client, (statement) => last.push(statement));
    await client.query([...last, 'COMMIT'].join('; '));
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((rollbackError: unknown) => {
      broken = rollbackError instanceof Error ? rollbackError : new Error(String(rollbackError));
    });
    throw error;
  } finally {
    // A connection that could not even roll back is thrown away instead of going back to the pool.
    client.release(broken);
  }
}
