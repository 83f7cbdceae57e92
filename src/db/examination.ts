import { withDatabaseErrors } from './errors.js';
import { knownTables } from './migrations.js';
import { openClient } from './pool.js';
import { readSchema, type SchemaState } from './schema.js';

/** What operators ask a database. Nothing here changes anything. All throw `database_unavailable`. */
export interface DatabaseExamination {
  server(): Promise<DatabaseServer>;
  /** Null when no migration ever ran here. */
  schema(): Promise<SchemaState | null>;
  /** What the user may not do with our tables (`UPDATE on artifacts`), and tables that are not there. */
  lacking(): Promise<{ tables: string[]; privileges: string[] }>;
  /** Indexes that a statement that failed has left half made: no query uses them, and every write pays for them. */
  invalidIndexes(): Promise<string[]>;
  /** How many artifacts, older than a minute, something must lead; counted up to `most` (1 to 100,000). */
  unended(most: number): Promise<number>;
  /** `max` without what is reserved for superusers. */
  connections(): Promise<{ used: number; ours: number; max: number }>;
  /** How far the server's clock is ahead of ours (negative: behind), give or take `accuracyMs`. */
  clock(): Promise<{ aheadMs: number; accuracyMs: number }>;
  close(): Promise<void>;
}

export interface DatabaseServer {
  /** `18.1`. */
  version: string;
  /** 18. */
  major: number;
  user: string;
  database: string;
  encoding: string;
  /** A replica, or a user or database that may only read. */
  readOnly: boolean;
  /** The connection is encrypted. */
  encrypted: boolean;
}

const STATEMENT_TIMEOUT_MS = 5_000;
/** Rows of these are only added, and triggers refuse anything else. */
const APPEND_ONLY = /_events$/;
/** Belongs to the feature that runs agents: we add and lock its rows, and remove none. */
const NOT_OURS = 'executions';

/** Connects. @throws `database_unavailable`, also for a wrong password and a database that does not exist. */
export async function examineDatabase(databaseUrl: string): Promise<DatabaseExamination> {
  const client = await withDatabaseErrors('connect to the database', () =>
    openClient(databaseUrl, { purpose: 'doctor', statementTimeoutMs: STATEMENT_TIMEOUT_MS }),
  );
  const rows = async <Row>(sql: string, values: unknown[] = []): Promise<Row[]> =>
    (await client.query(sql, values)).rows as Row[];
  const asked = <T>(run: () => Promise<T>): Promise<T> => withDatabaseErrors('examine the database', run);

  return {
    server: () => asked(() => serverOf(rows)),
    schema: () => asked(() => readSchema(client)),
    lacking: () => asked(() => lackingIn(rows)),
    invalidIndexes: () =>
      asked(async () => {
        const found = await rows<{ name: string }>(
          `SELECT i.indexrelid::regclass::text AS name FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
           WHERE t.relname = ANY($1) AND pg_table_is_visible(t.oid) AND NOT (i.indisvalid AND i.indisready) ORDER BY 1`,
          [knownTables()],
        );
        return found.map(({ name }) => name);
      }),
    unended: (most) =>
      asked(async () => {
        const [found] = await rows<{ count: number }>(
          `SELECT count(*)::int AS count FROM (SELECT FROM artifacts WHERE (status <> 'DELETED' OR purge_at IS NOT NULL)
           AND created_at < now() - INTERVAL '1 minute' LIMIT $1) living`,
          [most],
        );
        return found?.count ?? 0;
      }),
    connections: () =>
      asked(async () => {
        const [found] = await rows<{ used: number; ours: number; max: number }>(
          `SELECT count(*)::int AS used, (count(*) FILTER (WHERE application_name LIKE 'durable-artifacts%'))::int AS ours,
             current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int AS max
           FROM pg_stat_activity WHERE backend_type = 'client backend'`,
        );
        return found ?? { used: 0, ours: 0, max: 0 };
      }),
    clock: () =>
      asked(async () => {
        const beganMs = Date.now();
        const [found] = await rows<{ ms: string }>('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms');
        const endedMs = Date.now();
        return { aheadMs: Number(found?.ms) - (beganMs + endedMs) / 2, accuracyMs: (endedMs - beganMs) / 2 };
      }),
    close: () => client.end(),
  };
}

type Rows = <Row>(sql: string, values?: unknown[]) => Promise<Row[]>;

async function serverOf(rows: Rows): Promise<DatabaseServer> {
  const [found] = await rows<Omit<DatabaseServer, 'major'> & { number: number }>(
    `SELECT split_part(current_setting('server_version'), ' ', 1) AS version, current_setting('server_version_num')::int AS number,
       current_user::text AS "user", current_database()::text AS database, current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() OR current_setting('transaction_read_only')::bool AS "readOnly",
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS encrypted`,
  );
  if (found === undefined) throw new Error('the server says nothing about itself');
  const { number, ...server } = found;
  return { ...server, major: Math.floor(number / 10_000) };
}

async function lackingIn(rows: Rows): Promise<{ tables: string[]; privileges: string[] }> {
  const found = await rows<{ name: string; there: boolean; privilege: string; has: boolean | null }>(
    `SELECT name, to_regclass(name) IS NOT NULL AS there, privilege,
       has_table_privilege(to_regclass(name)::oid, privilege) AS has
     FROM unnest($1::text[]) AS name, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS privilege ORDER BY 1, 3`,
    [knownTables()],
  );
  const isNeeded = ({ name, privilege }: { name: string; privilege: string }): boolean =>
    privilege === 'SELECT' ||
    privilege === 'INSERT' ||
    (!APPEND_ONLY.test(name) && !(privilege === 'DELETE' && name === NOT_OURS));
  return {
    tables: [...new Set(found.filter(({ there }) => !there).map(({ name }) => name))],
    privileges: found
      .filter((row) => row.there && row.has !== true && isNeeded(row))
      .map(({ privilege, name }) => `${privilege} on ${name}`),
  };
}
