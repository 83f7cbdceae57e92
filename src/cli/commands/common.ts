import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import type { ArtifactClient } from '../../sdk/index.js';
import type { Artifact, Tags } from '../../sdk/index.js';
import { connect } from '../connection.js';
import { artifactSheet } from '../tables.js';
import type { Terminal } from '../terminal.js';

export interface JsonOption {
  json?: true;
}

export const withJson = (command: Command): Command =>
  command.option('--json', 'print the result as JSON on stdout, for scripts');

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
  print(terminal, options, { json: artifact, text: artifactSheet(artifact) });

/** Collects `--tag key=value`. */
export function parseTag(text: string, before: Tags = {}): Tags {
  const [, key, value] = /^([^=]+)=(.*)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError('Give key=value.');
  return { ...before, [key]: value };
}

export function parseWholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Give a whole number.');
  return Number(text);
}
