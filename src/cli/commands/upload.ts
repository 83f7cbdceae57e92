import { resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { concernsAll } from '../../domain/errors.js';
import { ARTIFACT_TYPES } from '../../sdk/index.js';
import type { Artifact, ArtifactClient, ArtifactType, Tags, Tiering } from '../../sdk/index.js';
import { FilesFailed, failureJson } from '../failures.js';
import type { FailedFile } from '../failures.js';
import { humanBytes } from '../format.js';
import { findFiles, isFolder } from '../local-files.js';
import type { LocalFile } from '../local-files.js';
import { showTransfer, uploadInto } from '../progress.js';
import type { TransferDisplay } from '../progress.js';
import { artifactTable } from '../tables.js';
import { columnsOfTerminal } from '../terminal.js';
import type { Terminal } from '../terminal.js';
import { printable } from '../text-width.js';
import {
  parseDaysOrNever,
  parseTag,
  parseTimeOption,
  parseWholeNumber,
  print,
  withClient,
  withJson,
} from './common.js';
import type { JsonOption } from './common.js';

interface UploadCommandOptions extends JsonOption {
  execution: string;
  path?: string;
  type?: ArtifactType;
  mime?: string;
  tag?: Tags;
  retentionDays?: number;
  expiresAt?: Date;
  warmAfter?: number | 'never';
  coldAfter?: number | 'never';
  concurrency?: number;
  restart?: true;
  replace?: true;
}

const EXAMPLES = `
Examples:
  artifacts upload report.pdf --execution 7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11
  artifacts upload a.png b.png --path charts/ --tag agent=plotter --execution …
  artifacts upload run.log --path logs/run.log --retention-days 7 --execution …
  artifacts upload work --path run-7/ --execution …
  artifacts upload raw.parquet --expires-at 2030-01-01 --cold-after 7 --execution …
  pg_dump shop | artifacts upload - --path shop.sql --execution …

Where it goes: a file is stored under --path (if it ends in /) and its own
name: charts/a.png becomes output/a.png, and with --path x/ output/x/a.png.
That is below output/, unless it begins with logs/. What is there with the same
content is not sent again; other content is refused, unless --replace says to
delete it first (it can be undeleted). A folder is uploaded with
all its files, their paths beginning with its name ("." stands for its
contents alone); links are not followed. Two inputs that would get the same
path are refused before anything is sent.

When a file fails, the others are uploaded all the same, and what failed is
listed at the end. An upload interrupted by Ctrl-C is removed. One that failed
for want of a network, or whose process was killed, goes on from the first
missing part when the same command is repeated, for a day; if the file changed
since, it is refused, unless --restart says to begin anew.`;

export function addUploadCommand(program: Command, terminal: Terminal): void {
  withJson(program.command('upload'))
    .description('upload files as output or logs of an execution')
    .argument('<file...>', 'files and folders; - is stdin (give it a --path)')
    .requiredOption('--execution <uuid>', 'execution the files belong to')
    .option(
      '--path <path>',
      'path to store it under, below output/ or logs/; with a / at its end, folder for all the files',
    )
    .addOption(new Option('--type <type>', 'what it is; guessed from the name').choices(ARTIFACT_TYPES))
    .option('--mime <type>', 'MIME type; guessed from the name')
    .option('--tag <key=value>', 'tag, repeatable', parseTag)
    .option('--retention-days <n>', 'whole days to keep it', parseWholeNumber)
    .option('--expires-at <time>', 'instead: keep it until a day such as 2030-01-01, or a time', parseTimeOption)
    .option('--warm-after <days>', 'move it to infrequent access after so many days, or "never"', parseDaysOrNever)
    .option('--cold-after <days>', 'archive it after so many days, or "never"', parseDaysOrNever)
    .option('--concurrency <n>', 'most parts of a large file sent at once (default 8)', parseWholeNumber)
    .option('--replace', 'delete other content that has the path, and take its place')
    .option('--restart', 'begin anew when an unfinished upload is of an earlier state of the file')
    .addHelpText('after', EXAMPLES)
    .action(async (names: string[], options: UploadCommandOptions, command: Command) => {
      const { files, leftOut } = findFiles(names, placeOf(names, { options, command, terminal }), terminal);
      if (leftOut.length > 0 && options.json !== true)
        terminal.err.write(`Left out, as they are no regular files: ${printable(leftOut.join(', '))}\n`);
      await withClient(terminal, (client) => terminal.withCleanup(() => uploadAll(client, files, options, terminal)));
    });
}

/** Where `--path` puts what. */
function placeOf(
  names: string[],
  { options: { path }, command, terminal }: { options: UploadCommandOptions; command: Command; terminal: Terminal },
): { prefix: string; only: string | undefined } {
  const isPrefix = path?.endsWith('/') === true;
  const hasMany = names.length > 1 || names.some((name) => name !== '-' && isFolder(resolve(terminal.cwd, name)));
  if (hasMany && path !== undefined && !isPrefix)
    command.error('error: several files cannot have one --path; end it with / to make it their folder');
  if (names.includes('-') && (path === undefined || isPrefix))
    command.error('error: stdin has no name: give it a --path, and upload it alone');
  return isPrefix ? { prefix: path, only: undefined } : { prefix: '', only: path };
}

/** One after the other; each uses all the connections. A failure does not keep the others from being uploaded. */
async function uploadAll(
  client: ArtifactClient,
  files: LocalFile[],
  options: UploadCommandOptions,
  terminal: Terminal,
): Promise<void> {
  const sizes = files.map(({ sizeBytes }) => sizeBytes ?? 0);
  const total = files.length === 1 ? null : { files: files.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  const display = showTransfer(terminal.err, total, { quiet: options.json === true, signal: terminal.signal });
  const artifacts: Artifact[] = [];
  const failures: FailedFile[] = [];
  for (const file of files) {
    try {
      artifacts.push(await uploadOne(client, file, { options, terminal, display }));
    } catch (error) {
      failures.push({ file: file.name, error });
      if (concernsAll(error)) break;
    }
  }
  display.stop();
  const untried = files.length - artifacts.length - failures.length;
  const text = artifacts.length === 0 ? '' : artifactTable(artifacts, columnsOfTerminal(terminal.out));
  print(terminal, options, { json: { artifacts, failures: failures.map(failureJson), untried }, text });
  const [first] = failures;
  if (first === undefined) return;
  const isInterrupted = terminal.signal.aborted && failures.length === 1;
  throw files.length === 1 || isInterrupted ? first.error : new FilesFailed(failures, { files: files.length, untried });
}

const tieringOf = ({ warmAfter, coldAfter }: UploadCommandOptions): Tiering => ({
  ...(warmAfter === undefined ? {} : { warmAfterDays: warmAfter === 'never' ? null : warmAfter }),
  ...(coldAfter === undefined ? {} : { coldAfterDays: coldAfter === 'never' ? null : coldAfter }),
});

async function uploadOne(
  client: ArtifactClient,
  file: LocalFile,
  { options, terminal, display }: { options: UploadCommandOptions; terminal: Terminal; display: TransferDisplay },
): Promise<Artifact> {
  const shown = display.begin(file.name, file.sizeBytes);
  const { execution, type, mime, tag, retentionDays, expiresAt, concurrency, restart, replace } = options;
  try {
    const artifact = await client.uploadArtifact(execution, file.source, {
      fileName: file.fileName,
      onProgress: uploadInto(shown),
      signal: terminal.signal,
      ...(type === undefined ? {} : { type }),
      ...(mime === undefined ? {} : { mimeType: mime }),
      ...(tag === undefined ? {} : { tags: tag }),
      ...(retentionDays === undefined ? {} : { retentionDays }),
      ...(expiresAt === undefined ? {} : { expiresAt }),
      tiering: tieringOf(options),
      ...(concurrency === undefined ? {} : { concurrency }),
      ...(restart === true ? { restart } : {}),
      ...(replace === true ? { replace } : {}),
    });
    shown.end(`uploaded, ${humanBytes(artifact.fileSize)}`);
    return artifact;
  } catch (error) {
    shown.end(terminal.signal.aborted ? 'interrupted' : 'failed');
    throw error;
  }
}
