import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Option } from 'commander';
import type { Command } from 'commander';
import { ARTIFACT_TYPES } from '../../sdk/index.js';
import type { Artifact, ArtifactClient } from '../../sdk/index.js';
import { isThere, saveFile } from '../../sdk/save-file.js';
import { humanBytes, relativeTime } from '../format.js';
import { showTransfer } from '../progress.js';
import type { FileDisplay } from '../progress.js';
import { printable } from '../text-width.js';
import type { Terminal } from '../terminal.js';
import { parseDuration, parseTag, parseWholeNumber, print, withClient, withJson } from './common.js';
import type { JsonOption } from './common.js';
import { downloadExecution } from './download-execution.js';
import type { DownloadExecutionOptions } from './download-execution.js';

interface DownloadCommandOptions extends DownloadExecutionOptions {
  execution?: string;
  output?: string;
  wrongBytes?: true;
}

const WRONG_BYTES = ['--wrong-bytes', 'also when its bytes were found not to be those that were uploaded'] as const;

const DOWNLOAD_EXAMPLES = `
Examples:
  artifacts download 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10
  artifacts download 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10 -o results/
  artifacts download 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10 -o - | tar xz
  artifacts download --execution 7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11 --to results
  artifacts download --execution 7f9c2f4e-1f0b-4a53-9b52-0c7b3b1f8f11 --type image --path output/charts/

A file appears under its name only when it is complete and its SHA-256 is right.
Those of an execution go below the folder as output/... and logs/...; what is
there already with the right content is not downloaded, so the same command
goes on file by file; one that was under way begins anew. Nothing is written
outside of the folder, and links in it are not followed.`;

const URL_EXAMPLES = `
Examples:
  artifacts url 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10
  curl -o report.pdf "$(artifacts url 0d9f4c1a-52c1-4a0e-9f6d-3f1f0f1f2b10 --expires-in 1m)"

Whoever has the URL can download until it expires.`;

const ONLY_FOR_ONE = ['output', 'wrongBytes'] as const;
const ONLY_FOR_MANY = ['execution', 'to', 'type', 'tag', 'path', 'concurrency'] as const;

function refuseOptions(
  names: readonly (keyof DownloadCommandOptions)[],
  { options, command, why }: { options: DownloadCommandOptions; command: Command; why: string },
): void {
  const given = names.find((name) => options[name] !== undefined);
  if (given === undefined) return;
  const flag = given.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  command.error(`error: --${flag} ${why}`);
}

/** `download` and `url`: the bytes. */
export function addDownloadCommands(program: Command, terminal: Terminal): void {
  withJson(program.command('download'))
    .description('download an artifact, or all of an execution, and check the SHA-256')
    .argument('[id]', 'artifact id')
    .option('-o, --output <path>', "file or folder; - is stdout (default: the artifact's name, here)")
    .option('--execution <uuid>', 'instead: all artifacts of this execution')
    .option('--to <folder>', 'folder for those of an execution; is made (default: here)')
    .addOption(new Option('--type <type>', 'of an execution: only these').choices(ARTIFACT_TYPES))
    .option('--tag <key=value>', 'of an execution: only those with this tag, repeatable', parseTag)
    .option('--path <prefix>', 'of an execution: only paths that begin with this: output/charts/')
    .option('--concurrency <n>', 'of an execution: files at the same time, 1 to 16 (default 4)', parseWholeNumber)
    .option('--force', 'replace files that are there with other content')
    .option(...WRONG_BYTES)
    .addHelpText('after', DOWNLOAD_EXAMPLES)
    .action(async (id: string | undefined, options: DownloadCommandOptions, command: Command) => {
      const { execution } = options;
      if (id === undefined) {
        if (execution === undefined) command.error('error: name an artifact, or an --execution');
        refuseOptions(ONLY_FOR_ONE, { options, command, why: 'is for one artifact, not with --execution' });
        await withClient(terminal, (client) => downloadExecution(client, execution, { options, terminal }));
        return;
      }
      refuseOptions(ONLY_FOR_MANY, { options, command, why: 'is not for one artifact' });
      if (options.json === true && options.output === '-') command.error('error: stdout cannot take both: drop --json');
      await withClient(terminal, async (client) => {
        const artifact = await client.getArtifact(id);
        if (options.output === '-') await toStdout(client, artifact, { options, terminal });
        else await toFile(client, artifact, { options, terminal });
      });
    });

  withJson(program.command('url'))
    .description('make a download link that needs no token')
    .argument('<id>', 'artifact id')
    .option('--expires-in <time>', 'life of the link: 90s, 30m (default 5m)', parseDuration)
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
  { options, terminal }: { options: DownloadCommandOptions; terminal: Terminal },
): Promise<void> {
  const path = targetOf(artifact, resolve(terminal.cwd, options.output ?? '.'));
  const force = options.wrongBytes === true;
  const { fileSize: sizeBytes, checksum } = artifact;
  const replace = options.force === true;
  // Wrong bytes are other ones than the checksum says.
  const expected = { sizeBytes, sha256: force ? null : checksum };
  const present = await isThere(path, expected, { replace, signal: terminal.signal });
  if (!present) await fetchTo(client, { artifact, path, force }, { options, terminal });
  else if (options.json !== true) terminal.err.write(`${printable(artifact.fileName)}: is there already\n`);
  print(terminal, options, { json: { artifact, path, present }, text: `${path}\n` });
}

async function fetchTo(
  client: ArtifactClient,
  { artifact, path, force }: Omit<Saving, 'shown'>,
  { options, terminal }: { options: DownloadCommandOptions; terminal: Terminal },
): Promise<void> {
  const display = showTransfer(terminal.err, null, { quiet: options.json === true, signal: terminal.signal });
  const shown = display.begin(artifact.fileName, artifact.fileSize);
  try {
    await terminal.withCleanup(() => save(client, { artifact, path, shown, force }, terminal));
    shown.end(`saved, ${humanBytes(artifact.fileSize)}`);
  } catch (error) {
    shown.end(terminal.signal.aborted ? 'interrupted' : 'failed');
    throw error;
  } finally {
    display.stop();
  }
}

/** A folder takes the artifact under its own name. */
const targetOf = (artifact: Artifact, path: string): string =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? join(path, artifact.fileName) : path;

interface Saving {
  artifact: Artifact;
  path: string;
  shown: FileDisplay;
  force: boolean;
}

async function save(
  client: ArtifactClient,
  { artifact, path, shown, force }: Saving,
  terminal: Terminal,
): Promise<void> {
  const body = await client.downloadArtifact(artifact.id, { force, signal: terminal.signal });
  await saveFile(body, path, (bytes) => shown.update(bytes, ''));
}
