import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder } from '../package.js';

/** Not the tool's default name, so that another feature may use the same tool in the same database. */
export const MIGRATIONS_TABLE = 'artifact_migrations';

export const migrationsFolder = (): string => join(packageFolder(), 'migrations');

/** Names of the migrations of this build, in their order. */
export const knownMigrations = (): string[] =>
  migrationFiles()
    .map((file) => file.replace(/\.sql$/, ''))
    .sort();

const migrationFiles = (): string[] => readdirSync(migrationsFolder()).filter((file) => file.endsWith('.sql'));

/** Tables that the migrations of this build make. */
export function knownTables(): string[] {
  const folder = migrationsFolder();
  const all = migrationFiles().map((file) => readFileSync(join(folder, file), 'utf8'));
  const made = [...all.join('\n').matchAll(/^CREATE TABLE (?:IF NOT EXISTS )?(\w+)/gm)];
  return [...new Set(made.map(([, name]) => name ?? ''))];
}

/** Where the schema of a database differs from what this build wants. */
export interface SchemaDifference {
  /** Not applied yet. */
  missing: string[];
  /** Applied, and not of this build: a newer one has been here. */
  unknown: string[];
  /** Missing although a later one was applied: the tool refuses to go on from there. */
  skipped: string[];
}

/** @param applied names in the order in which they were applied. */
export function compareMigrations(known: string[], applied: string[]): SchemaDifference {
  const missing = known.filter((name) => !applied.includes(name));
  const lastApplied = known.filter((name) => applied.includes(name)).at(-1) ?? '';
  return {
    missing,
    unknown: applied.filter((name) => !known.includes(name)),
    skipped: missing.filter((name) => name < lastApplied),
  };
}
