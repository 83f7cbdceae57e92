import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { isUuid } from '../../domain/ids.js';
import { parseTime } from '../../domain/time.js';
import type { Config } from '../../config.js';
import { ArtifactError, type Artifact, type ArtifactClient, type Tags } from '../../sdk/index.js';
import { connect } from '../connection.js';
import { artifactSheet } from '../tables.js';
import { columnsOfTerminal } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { printable } from '../text-width.js';

export interface JsonOption {
  json?: true;
}

export const withJson = (command: Command): Command =>
  command.option('--json', 'print the result as JSON on stdout, for scripts');

/**
 * Runs with the configuration of a worker, which is loaded only here: hardly any command needs it.
 * @throws `invalid_request` for one that cannot be used.
 */
export async function withConfig<T>(env: Terminal['env'], work: (config: Config) => Promise<T>): Promise<T> {
  const { ConfigError, loadConfig } = await import('../../config.js');
  try {
    return await work(loadConfig(env));
  } catch (error) {
    if (error instanceof ConfigError) throw new ArtifactError('invalid_request', error.message, { cause: error });
    throw error;
  }
}

/** Runs with a client, and frees its connections. */
export async function withClient<T>(terminal: Terminal, work: (client: ArtifactClient) => Promise<T>): Promise<T> {
  const client = connect(terminal);
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

/** The result of a command: JSON for scripts, else text for people. */
export function print(terminal: Terminal, options: JsonOption, result: { json: unknown; text: string }): void {
  terminal.out.write(options.json === true ? `${JSON.stringify(result.json, null, 2)}\n` : result.text);
}

export const printArtifact = (terminal: Terminal, options: JsonOption, artifact: Artifact): void =>
  print(terminal, options, { json: artifact, text: artifactSheet(artifact, columnsOfTerminal(terminal.out)) });

/** Collects `--tag key=value`. */
export function parseTag(text: string, before: Tags = {}): Tags {
  const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('Give key=value.');
  if (Object.hasOwn(before, key) && before[key] !== value)
    throw new InvalidArgumentError(`${printable(key)} has two values.`);
  return { ...before, [key]: value };
}

/** Of help texts. */
export const ARTIFACT_EXAMPLE = '0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10';
export const EXECUTION_EXAMPLE = '7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11';
export const examples = (...lines: string[]): string =>
  `\nExamples:\n${lines.map((line) => `  artifacts ${line}\n`).join('')}`;

/** A day, which begins at midnight UTC, or a time with its offset. */
export function parseTimeOption(text: string): Date {
  const epochMs = parseTime(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (epochMs === null)
    throw new InvalidArgumentError('Give a day such as 2030-01-01, or a time: 2030-01-01T12:00:00Z.');
  return new Date(epochMs);
}

export function parseDaysOrNever(text: string): number | 'never' {
  return text === 'never' ? text : parseWholeNumber(text);
}

export function parseWholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}

export function parseDatabaseId(text: string): string {
  if (!isUuid(text)) throw new InvalidArgumentError('Give an id as "artifacts bucket databases" shows it.');
  return text;
}

/** One or more. */
export function parseCount(text: string): number {
  const count = parseWholeNumber(text);
  if (count === 0) throw new InvalidArgumentError('Give 1 or more.');
  return count;
}

const SECONDS_OF = { s: 1, m: 60, h: 3_600, d: 86_400 } as const;

/** Seconds of `90s`, `30m`, `12h`, `7d`; a number alone is seconds. */
export function parseDuration(text: string): number {
  const [, count, unit = 's'] = /^(\d{1,8})([smhd])?$/.exec(text) ?? [];
  if (count === undefined) throw new InvalidArgumentError('Give a time such as 30m, 12h or 7d.');
  return Number(count) * SECONDS_OF[unit as keyof typeof SECONDS_OF];
}
