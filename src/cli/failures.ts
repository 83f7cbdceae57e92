import { CommanderError } from 'commander';
import { errorKind } from '../domain/errors.js';
import { ArtifactError } from '../sdk/index.js';
import { INTERRUPTED } from './terminal.js';
import { printable } from './text-width.js';

/** Part of the help of the program; scripts rely on it. */
export const EXIT_CODES_HELP = `
Exit codes:
  0    done
  1    failed (bytes differ, a file changed, the store refused, a check, drift left, a bug)
  2    wrong usage or a value that is not allowed
  3    no such artifact or execution, or it has been deleted
  4    refused (no valid token, not allowed, path taken, wrong state, too large)
  5    not available now: the API, the store, the database or the workflows; try again
  6    not as it should be (bucket check, and what bucket apply could not put right)
  130  interrupted`;

const DRIFT = 6;

/** One of several files that did not make it. */
export interface FailedFile {
  /** As it was typed. */
  file: string;
  error: unknown;
}

/** Some of several files failed; the exit code is that of the first, or says that the user interrupted. */
export class FilesFailed extends Error {
  override readonly name = 'FilesFailed';
  readonly failures: FailedFile[];
  /** What to do about all of them. */
  readonly hint: string | undefined;

  /** @param counts all files that were given, and those that were not even tried. */
  constructor(
    failures: FailedFile[],
    { files, untried, hint }: { files: number; untried: number; hint?: string | undefined },
  ) {
    const rest = untried === 0 ? '' : `; ${untried} more ${untried === 1 ? 'was' : 'were'} not tried`;
    super(`${failures.length} of ${files} files failed${rest}`);
    this.failures = failures;
    this.hint = hint;
  }
}

/** What was looked at is not as it should be: told in full on stdout already. */
export class ChecksFailed extends Error {
  override readonly name: string = 'ChecksFailed';
}

/** The same of what an apply of ours would put right, or has not been able to. */
export class DriftFound extends ChecksFailed {
  override readonly name = 'DriftFound';
}

/** @see EXIT_CODES_HELP */
export function exitCodeOf(error: unknown): number {
  if (error instanceof FilesFailed) {
    const codes = error.failures.map((failure) => exitCodeOf(failure.error));
    return codes.includes(INTERRUPTED) ? INTERRUPTED : (codes[0] ?? 1);
  }
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  if (error instanceof DriftFound) return DRIFT;
  if (!(error instanceof ArtifactError)) return 1;
  switch (error.status) {
    case 400:
    case 416:
      return error.code === 'source_unreadable' || error.code === 'destination_unwritable' ? 1 : 2;
    case 404:
    case 410:
      return 3;
    case 401:
    case 403:
    case 409:
    case 411:
    case 412:
    case 413:
      return 4;
    case 408:
    case 429:
    case 503:
      return 5;
    case 499:
      return INTERRUPTED;
    default:
      return 1;
  }
}

/** What is said about a failure: code, what happened, what to do. With `json` one object on one line. */
export function describeFailure(error: unknown, json: boolean): string {
  if (error instanceof FilesFailed) return describeFiles(error, json);
  if (error instanceof ChecksFailed) return error.message;
  const { code, message, remedy, details } = factsOf(error);
  if (json) return JSON.stringify({ error: { code, message, remedy, details } });
  if (code === 'aborted') return `${message.replace('The caller gave up', 'Interrupted')}.`;
  const list = details['errors'];
  const fields = Array.isArray(list) ? list.map((line) => `\n  ${printable(String(line))}`).join('') : '';
  const requestId = typeof details['requestId'] === 'string' ? `\n  Request id: ${details['requestId']}` : '';
  return `Error (${code}): ${linesOf(message)}${fields}\n  ${remedy}${commandsFor(code, details)}${requestId}`;
}

/** Our own line breaks stay. */
const linesOf = (message: string): string => message.split('\n').map(printable).join('\n');

/** What to type next, where that is known. */
function commandsFor(code: string, { artifactId, holds }: ArtifactError['details']): string {
  if (code !== 'held' || typeof artifactId !== 'string' || !Array.isArray(holds)) return '';
  return holds.map((hold) => `\n    artifacts unhold ${artifactId} ${hold}`).join('');
}

/** A failed file for scripts. */
export const failureJson = ({ file, error }: FailedFile): object => ({ file, error: factsOf(error) });

function describeFiles({ message, failures, hint }: FilesFailed, json: boolean): string {
  if (json)
    return JSON.stringify({ error: factsOf(failures[0]?.error), message, hint, files: failures.map(failureJson) });
  return [
    `${message}:`,
    ...failures.map(({ file, error }) => `\n${printable(file)}\n${describeFailure(error, false)}`),
    ...(hint === undefined ? [] : [`\n${hint}`]),
  ].join('\n');
}

function factsOf(error: unknown): {
  code: string;
  message: string;
  remedy: string;
  details: ArtifactError['details'];
} {
  if (error instanceof ArtifactError) {
    const { code, message, details } = error;
    return { code, message, remedy: errorKind(code).remedy, details };
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: 'internal', message, remedy: 'This is a bug of the command line: please report it.', details: {} };
}
