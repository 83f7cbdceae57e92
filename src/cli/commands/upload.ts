import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { Option } from 'commander';
import type { Command } from 'commander';
import { ARTIFACT_TYPES, fromFile } from '../../sdk/index.js';
import type { Artifact, ArtifactClient, ArtifactType, Tags, UploadSource } from '../../sdk/index.js';
import { humanBytes } from '../format.js';
import { showTransfer, uploadInto } from '../progress.js';
import type { TransferDisplay } from '../progress.js';
import { artifactTable } from '../tables.js';
import type { Terminal } from '../terminal.js';
import { parseTag, parseWholeNumber, print, withClient, withJson } from './common.js';
import type { JsonOption } from './common.js';

interface UploadCommandOptions extends JsonOption {
  execution: string;
  path?: string;
  type?: ArtifactType;
  mime?: string;
  tag?: Tags;
  retentionDays?: number;
  concurrency?: number;
}

interface LocalFile {
  /** As it was typed; `-` is stdin. */
  name: string;
  fileName: string;
  source: UploadSource;
  /** Null for stdin and for what cannot be looked at (the upload then says why). */
  sizeBytes: number | null;
}

const EXAMPLES = `
Examples:
  artifacts upload report.pdf --execution 7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11
  artifacts upload a.png b.png --path charts/ --tag agent=plotter --execution …
  artifacts upload run.log --path logs/run.log --retention-days 7 --execution …
  pg_dump shop | artifacts upload - --path shop.sql --execution …

An interrupted upload is removed. One that failed for want of a network goes on when the same command is repeated.`;

export function addUploadCommand(program: Command, terminal: Terminal): void {
  withJson(program.command('upload'))
    .description('upload files as output or logs of an execution')
    .argument('<file...>', 'files; - is stdin (give it a --path)')
    .requiredOption('--execution <uuid>', 'execution the files belong to')
    .option('--path <path>', 'path to store it under; with a / at its end, folder for all the files')
    .addOption(new Option('--type <type>', 'what it is; guessed from the name').choices(ARTIFACT_TYPES))
    .option('--mime <type>', 'MIME type; guessed from the name')
    .option('--tag <key=value>', 'tag, repeatable', parseTag)
    .option('--retention-days <n>', 'whole days to keep it', parseWholeNumber)
    .option('--concurrency <n>', 'parts of a large file sent at once (default 4, stdin 3)', parseWholeNumber)
    .addHelpText('after', EXAMPLES)
    .action(async (names: string[], options: UploadCommandOptions, command: Command) => {
      const files = names.map((name) => localFile(name, names.length, { options, command, terminal }));
      await withClient(terminal, (client) => terminal.withCleanup(() => uploadAll(client, files, options, terminal)));
    });
}

function localFile(
  name: string,
  count: number,
  { options, command, terminal }: { options: UploadCommandOptions; command: Command; terminal: Terminal },
): LocalFile {
  const { path } = options;
  const isFolder = path?.endsWith('/') === true;
  if (count > 1 && path !== undefined && !isFolder)
    command.error('error: several files cannot have one --path; end it with / to make it their folder');
  if (name === '-' && (path === undefined || isFolder)) command.error('error: stdin has no name: give it a --path');
  const fileName = path === undefined ? basename(name) : isFolder ? `${path}${basename(name)}` : path;
  if (name === '-') return { name, fileName, source: terminal.input, sizeBytes: null };
  const absolute = resolve(terminal.cwd, name);
  const sizeBytes = statSync(absolute, { throwIfNoEntry: false })?.size ?? null;
  return { name, fileName, source: fromFile(absolute), sizeBytes };
}

/** One after the other; each uses all the connections. What was uploaded before a failure is printed all the same. */
async function uploadAll(
  client: ArtifactClient,
  files: LocalFile[],
  options: UploadCommandOptions,
  terminal: Terminal,
): Promise<void> {
  const sizes = files.map(({ sizeBytes }) => sizeBytes ?? 0);
  const total = files.length === 1 ? null : { files: files.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
  const display = showTransfer(terminal.err, total, options.json === true);
  const artifacts: Artifact[] = [];
  try {
    for (const file of files) artifacts.push(await uploadOne(client, file, { options, terminal, display }));
  } finally {
    display.stop();
    if (artifacts.length > 0 || options.json === true)
      print(terminal, options, { json: { artifacts }, text: artifactTable(artifacts) });
  }
}

async function uploadOne(
  client: ArtifactClient,
  file: LocalFile,
  { options, terminal, display }: { options: UploadCommandOptions; terminal: Terminal; display: TransferDisplay },
): Promise<Artifact> {
  const shown = display.begin(file.name, file.sizeBytes);
  const { execution, type, mime, tag, retentionDays, concurrency } = options;
  try {
    const artifact = await client.uploadArtifact(execution, file.source, {
      fileName: file.fileName,
      onProgress: uploadInto(shown),
      signal: terminal.signal,
      ...(type === undefined ? {} : { type }),
      ...(mime === undefined ? {} : { mimeType: mime }),
      ...(tag === undefined ? {} : { tags: tag }),
      ...(retentionDays === undefined ? {} : { retentionDays }),
      ...(concurrency === undefined ? {} : { concurrency }),
    });
    shown.end(`uploaded, ${humanBytes(artifact.fileSize)}`);
    return artifact;
  } catch (error) {
    shown.end('failed');
    throw error;
  }
}
