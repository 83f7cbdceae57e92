import type pg from 'pg';
import { ArtifactError } from '../domain/errors.js';
import { compareMigrations, knownMigrations, MIGRATIONS_TABLE, type SchemaDifference } from './migrations.js';

/** What the migrations that were applied to a database say to this build. */
export interface SchemaState extends SchemaDifference {
  /** How many. */
  applied: number;
  /** Name of the last one; empty when there is none. */
  latest: string;
}

/** Null when no migration ever ran here. */
export async function readSchema(client: pg.Pool | pg.Client): Promise<SchemaState | null> {
  const found = await client.query<{ there: boolean }>('SELECT to_regclass($1) IS NOT NULL AS there', [
    MIGRATIONS_TABLE,
  ]);
  if (found.rows[0]?.there !== true) return null;
  const { rows } = await client.query<{ name: string }>(`SELECT name FROM ${MIGRATIONS_TABLE} ORDER BY run_on, id`);
  const names = rows.map(({ name }) => name);
  return {
    ...compareMigrations(knownMigrations(), names),
    applied: names.length,
    latest: [...names].sort().at(-1) ?? '',
  };
}

/**
 * A newer schema is fine as long as what this build asks for is there: that is a roll-out under way.
 * @throws `database_not_migrated` when a migration of this build is missing.
 */
export async function requireSchema(client: pg.Pool | pg.Client): Promise<void> {
  const schema = await readSchema(client);
  if (schema === null) throw new ArtifactError('database_not_migrated', 'No migration ever ran in this database');
  if (schema.missing.length > 0)
    throw new ArtifactError('database_not_migrated', `The database lacks the migrations ${schema.missing.join(', ')}`);
}
