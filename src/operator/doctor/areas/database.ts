import type { Config } from '../../../config.js';
import { examineDatabase, type DatabaseExamination } from '../../../db/examination.js';
import { ArtifactError } from '../../../domain/errors.js';
import { clockVerdict, durationText, isLoopback, listText } from '../rules.js';
import type { AreaChecks } from '../run-checks.js';
import { degraded, failed, ok, type Verdict } from '../verdicts.js';

/** `CREATE OR REPLACE TRIGGER` came with it. */
const LEAST_MAJOR = 14;
/** Of the connections there are. */
const MOST_USED = 0.8;
const NOTHING_WORKS = 'Nothing works: no upload, no list, no change; lives wait until it is back.';
const MIGRATE = 'Run "artifacts migrate" (in containers: the role "migrate") with the DATABASE_URL of the owner.';

/** The database, by a connection of its own. */
export function databaseChecks(config: Config): AreaChecks {
  let open: DatabaseExamination | undefined;
  const database = (): DatabaseExamination => {
    if (open === undefined) throw new Error('the database is connected to by the first check');
    return open;
  };
  return {
    area: 'database',
    target: targetOf(config.DATABASE_URL),
    checks: [
      {
        name: 'connection',
        ask: async () => {
          try {
            const sinceMs = performance.now();
            open = await examineDatabase(config.DATABASE_URL);
            const tookMs = performance.now() - sinceMs;
            return await serverVerdict(open, tookMs, config.DATABASE_URL);
          } catch (error) {
            return connectionVerdict(error);
          }
        },
      },
      { name: 'writable', ask: async () => writableVerdict(await database().server()) },
      { name: 'encoding', ask: async () => encodingVerdict(await database().server()) },
      { name: 'schema', ask: async () => schemaVerdict(await database().schema()) },
      { name: 'privileges', needs: 'schema', ask: async () => privilegesVerdict(await database().lacking()) },
      { name: 'indexes', ask: async () => indexesVerdict(await database().invalidIndexes()) },
      { name: 'connections', ask: async () => connectionsVerdict(await database().connections()) },
      { name: 'clock', ask: async () => clockVerdict('the database', await database().clock()) },
    ],
    close: async () => {
      await open?.close();
    },
  };
}

function targetOf(databaseUrl: string): string {
  if (!URL.canParse(databaseUrl)) return 'an address that is none';
  const { host, pathname, username } = new URL(databaseUrl);
  return `${pathname.slice(1)} at ${host} as ${username === '' ? 'whoever runs this' : decodeURIComponent(username)}`;
}

async function serverVerdict(database: DatabaseExamination, tookMs: number, databaseUrl: string): Promise<Verdict> {
  const { version, major, encrypted } = await database.server();
  const fact = `Postgres ${version}, in ${durationText(tookMs)}, ${encrypted ? 'encrypted' : 'in the clear'}`;
  if (major < LEAST_MAJOR)
    return failed(fact, 'The schema needs more than it knows.', `Use Postgres ${LEAST_MAJOR} or newer.`);
  if (!encrypted && URL.canParse(databaseUrl) && !isLoopback(new URL(databaseUrl).hostname))
    return degraded(
      fact,
      'Whoever is on the way reads what is stored about files, and the password.',
      'Add ?sslmode=verify-full to DATABASE_URL, unless the network itself is trusted.',
    );
  return ok(fact);
}

/** Why there is no connection, by the code of Postgres (manual, appendix A) or of Node. */
export function connectionVerdict(error: unknown): Verdict {
  if (!(error instanceof ArtifactError)) throw error;
  const { cause } = error;
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  if (code.startsWith('28'))
    return failed(
      'the server refuses this user or its password',
      NOTHING_WORKS,
      'Correct user and password in DATABASE_URL.',
    );
  if (code === '3D000')
    return failed(
      'there is no database of this name',
      NOTHING_WORKS,
      `Create it, or correct DATABASE_URL. Then: ${MIGRATE}`,
    );
  if (code.startsWith('53'))
    return failed(
      'the server takes no more connections',
      NOTHING_WORKS,
      'Raise max_connections, or put a pool between (docs/operators.md).',
    );
  return failed(
    `the server does not answer${/^[A-Z0-9_]+$/.test(code) ? ` (${code})` : ''}`,
    NOTHING_WORKS,
    'Correct host and port in DATABASE_URL, or start the server; look at the network between.',
  );
}

function writableVerdict({ readOnly, user }: { readOnly: boolean; user: string }): Verdict {
  if (!readOnly) return ok(`yes, as ${user}`);
  return failed(
    'it may only be read: a replica, or a user or database that is set so',
    'Reads work; every change fails.',
    'Name the primary in DATABASE_URL, or take back default_transaction_read_only.',
  );
}

function encodingVerdict({ encoding }: { encoding: string }): Verdict {
  if (encoding === 'UTF8') return ok(encoding);
  return degraded(
    `${encoding} instead of UTF8`,
    'Paths, reasons and tags with other characters are refused or garbled.',
    "Create the database anew with ENCODING 'UTF8' and copy the data.",
  );
}

type Schema = Awaited<ReturnType<DatabaseExamination['schema']>>;

/** Pure: what the migrations that were applied say to this build. */
export function schemaVerdict(schema: Schema): Verdict {
  if (schema === null) return failed('no migration ever ran here', NOTHING_WORKS, MIGRATE);
  const { missing, unknown, skipped, latest, applied } = schema;
  if (skipped.length > 0)
    return failed(
      `${listText(skipped)} is missing, though later ones were applied`,
      'The tool that migrates refuses to go on, so no new schema comes.',
      'Another build was here, or a file was renamed: find out which, apply what is missing by hand and note it in artifact_migrations.',
    );
  if (missing.length > 0)
    return failed(
      `at ${latest === '' ? 'nothing' : latest}: ${listText(missing)} ${missing.length === 1 ? 'is' : 'are'} missing`,
      'This build asks for columns and tables that are not there: its calls fail.',
      MIGRATE,
    );
  if (unknown.length > 0)
    return degraded(
      `newer than this build: ${listText(unknown)}`,
      'This build was not tested with it. A roll-out that is under way looks like that.',
      'Bring every process to the newer build.',
    );
  return ok(`${applied} migrations, up to ${latest}`);
}

function privilegesVerdict({ tables, privileges }: { tables: string[]; privileges: string[] }): Verdict {
  if (tables.length > 0)
    return failed(
      `without ${listText(tables)}, though the migrations ran`,
      'Calls that need them fail.',
      'Somebody dropped them, or search_path is another one: restore them, or correct it.',
    );
  if (privileges.length > 0)
    return failed(
      `the user lacks ${listText(privileges)}`,
      'Calls that need it fail.',
      'Grant it: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA … TO the user.',
    );
  return ok('it may read and write every table; no extension is needed');
}

function indexesVerdict(invalid: string[]): Verdict {
  if (invalid.length === 0) return ok('all of them are valid');
  return degraded(
    `not valid: ${listText(invalid)}`,
    'Lists that need it read whole tables, and every write pays for it.',
    `REINDEX INDEX CONCURRENTLY ${invalid[0] ?? ''}; for each of them.`,
  );
}

export function connectionsVerdict({ used, ours, max }: { used: number; ours: number; max: number }): Verdict {
  const fact = `${used} of ${max} are used, ${ours} by durable-artifacts`;
  if (used < max * MOST_USED) return ok(fact);
  return degraded(
    fact,
    'One more process, at 10 each, may find none: its calls fail.',
    'Raise max_connections, or put PgBouncer between (docs/operators.md).',
  );
}
