import { randomUUID } from 'node:crypto';
import { createWriteStream, existsSync, statSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { ArtifactError } from '../../sdk/index.js';
import type { Artifact, ArtifactClient } from '../../sdk/index.js';
import { humanBytes, relativeTime } from '../format.js';
import { showTransfer } from '../progress.js';
import type { FileDisplay } from '../progress.js';
import type { Terminal } from '../terminal.js';
import { parseWholeNumber, print, withClient, withJson } from './common.js';
import type { JsonOption } from './common.js';

interface DownloadCommandOptions extends JsonOption {
  output?: string;
  force?: true;
  wrongBytes?: true;
}

const WRONG_BYTES = ['--wrong-bytes', 'also when its bytes were found not to be those that were uploaded'] as const;

const DOWNLOAD_EXAMPLES = `
Examples:
  artifacts download 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10
  artifacts download 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10 -o results/
  artifacts download 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10 -o - | tar xz

The file appears under its name only when it is complete and its SHA-256 is right.`;

const URL_EXAMPLES = `
Examples:
  artifacts url 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10
  curl -o report.pdf "$(artifacts url 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10 --expires-in 60)"

Whoever has the URL can download until it expires.`;

/** `download` and `url`: the bytes. */
export function addDownloadCommands(program: Command, terminal: Terminal): void {
  withJson(program.command('download'))
    .description('download an artifact and check its SHA-256')
    .argument('<id>', 'artifact id')
    .option('-o, --output <path>', "file or folder; - is stdout (default: the artifact's name, here)")
    .option('--force', 'replace a file that is there')
    .option(...WRONG_BYTES)
    .addHelpText('after', DOWNLOAD_EXAMPLES)
    .action(async (id: string, options: DownloadCommandOptions, command: Command) => {
      if (options.json === true && options.output === '-') command.error('error: stdout cannot take both: drop --json');
      await withClient(terminal, async (client) => {
        const artifact = await client.getArtifact(id);
        if (options.output === '-') await toStdout(client, artifact, { options, terminal });
        else await toFile(client, artifact, { options, command, terminal });
      });
    });

  withJson(program.command('url'))
    .description('make a download link that needs no token')
    .argument('<id>', 'artifact id')
    .option('--expires-in <seconds>', 'life of the link (default 300)', parseWholeNumber)
    .option(...WRONG_BYTES)
    .addHelpText('after', URL_EXAMPLES)
    .action(async (id: string, options: JsonOption & { expiresIn?: number; wrongBytes?: true }) => {
      const { expiresIn, wrongBytes: force = false } = options;
      const link = await withClient(terminal, (client) => client.createDownloadUrl(id, expiresIn, { force }));
      print(terminal, options, { json: link, text: `${link.url}\n` });
      if (terminal.err.isTTY && options.json !== true) terminal.err.write(`Expires ${relativeTime(link.expiresAt)}.\n`);
    });
}

async function toStdout(
  client: ArtifactClient,
  artifact: Artifact,
  { options, terminal }: { options: DownloadCommandOptions; terminal: Terminal },
): Promise<void> {
  const force = options.wrongBytes === true;
  const body = await client.downloadArtifact(artifact.id, { force, signal: terminal.signal });
  await pipeline(Readable.fromWeb(body), terminal.out, { end: false });
}

async function toFile(
  client: ArtifactClient,
  artifact: Artifact,
  { options, command, terminal }: { options: DownloadCommandOptions; command: Command; terminal: Terminal },
): Promise<void> {
  const path = targetOf(artifact, resolve(terminal.cwd, options.output ?? '.'));
  if (options.force !== true && existsSync(path))
    command.error(`error: ${path} is there already; add --force to replace it`);
  const force = options.wrongBytes === true;
  const temporary = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomUUID().slice(0, 8)}.part`);
  const display = showTransfer(terminal.err, null, { quiet: options.json === true, signal: terminal.signal });
  const shown = display.begin(artifact.fileName, artifact.fileSize);
  try {
    await terminal.withCleanup(() => save(client, { artifact, path, temporary, shown, force }, terminal));
    shown.end(`saved, ${humanBytes(artifact.fileSize)}`);
  } catch (error) {
    shown.end(terminal.signal.aborted ? 'interrupted' : 'failed');
    throw error;
  } finally {
    display.stop();
  }
  print(terminal, options, { json: { artifact, path }, text: `${path}\n` });
}

/** A folder takes the artifact under its own name. */
const targetOf = (artifact: Artifact, path: string): string =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? join(path, artifact.fileName) : path;

interface Saving {
  artifact: Artifact;
  path: string;
  temporary: string;
  shown: FileDisplay;
  force: boolean;
}

async function save(
  client: ArtifactClient,
  { artifact, path, temporary, shown, force }: Saving,
  terminal: Terminal,
): Promise<void> {
  const body = await client.downloadArtifact(artifact.id, { force, signal: terminal.signal });
  let bytes = 0;
  const counted = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      shown.update(bytes, '');
      yield chunk;
    }
  };
  try {
    await pipeline(Readable.fromWeb(body), counted, createWriteStream(temporary, { flags: 'wx' }));
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof ArtifactError || !(error instanceof Error)) throw error;
    throw new ArtifactError('destination_unwritable', `${path} cannot be written: ${error.message}`, { cause: error });
  }
}
