import { resolve } from 'node:path';
import type { Command } from 'commander';
import { ArtifactError, type ArtifactClient, type ListedFile, type Publication, type Tags } from '../../sdk/index.js';
import { isErrorCode } from '../../domain/errors.js';
import { defaultHostId } from '../../host/host-id.js';
import { FilesFailed } from '../failures.js';
import { humanBytes } from '../format.js';
import { showPublication } from '../publication-display.js';
import { table, type Column } from '../tables.js';
import type { Terminal } from '../terminal.js';
import { EXECUTION_EXAMPLE, examples, parseTag, parseWholeNumber, print, withClient, withJson } from './common.js';
import type { JsonOption } from './common.js';

interface PublishCommandOptions extends JsonOption {
  execution: string;
  host?: string;
  include?: string[];
  exclude?: string[];
  tag?: Tags;
  retentionDays?: number;
  allOrNothing?: true;
  replace?: true;
  id?: string;
}

const HELP = `
Everything below the folder becomes an artifact: logs/… as logs, all else as
output. The upload worker of the host reads and sends it, so this command only
waits; the publication goes on when it is killed, and the same --id joins it.
Ctrl-C cancels it: what was complete by then stays, unless it is all or nothing.
What is there already with the same content is not sent.
${examples(
  `publish ./turn-7 --execution ${EXECUTION_EXAMPLE} --tag turn=7`,
  `publish out --execution ${EXECUTION_EXAMPLE} --exclude '**/*.tmp' --all-or-nothing`,
  `publish turn-7 --host agent-12 --execution ${EXECUTION_EXAMPLE}`,
)}`;

export function addPublishCommand(program: Command, terminal: Terminal): void {
  withJson(program.command('publish'))
    .description('publish a folder of a host with an upload worker, as output and logs of an execution')
    .argument('<folder>', 'folder or file; with --host as that host calls it, else on this machine')
    .requiredOption('--execution <uuid>', 'execution the files belong to')
    .option(
      '--host <id>',
      'name that the upload worker of the host runs under (default: UPLOAD_HOST_ID, or the name of this machine)',
    )
    .option('--include <glob>', 'only these, relative to the folder; repeatable', collect)
    .option('--exclude <glob>', 'not these, besides those in .artifactsignore; repeatable', collect)
    .option('--tag <key=value>', 'tag of every file, repeatable', parseTag)
    .option('--retention-days <n>', 'whole days to keep them', parseWholeNumber)
    .option('--all-or-nothing', 'nothing becomes visible before everything is there')
    .option('--replace', 'replace what is there with other content, instead of failing for that file')
    .option('--id <uuid>', 'publication id: to join one that runs, or ask how it ended')
    .addHelpText('after', HELP)
    .action(async (folder: string, options: PublishCommandOptions) => {
      const publication = await withClient(terminal, (client) => run(client, folder, { options, terminal }));
      print(terminal, options, { json: publication, text: publicationText(publication) });
      requireAll(publication);
    });
}

const collect = (text: string, before: string[] = []): string[] => [...before, text];

async function run(
  client: ArtifactClient,
  folder: string,
  { options, terminal }: { options: PublishCommandOptions; terminal: Terminal },
): Promise<Publication> {
  const { execution, host, include, exclude, tag, retentionDays, allOrNothing, replace, id } = options;
  const display = showPublication(terminal.err, { quiet: options.json === true });
  try {
    return await terminal.withCleanup(() =>
      client.publish(execution, {
        hostId: host ?? (terminal.env['UPLOAD_HOST_ID'] || defaultHostId()),
        folder: host === undefined ? resolve(terminal.cwd, folder) : folder,
        onProgress: display.update,
        signal: terminal.signal,
        ...(include === undefined ? {} : { include }),
        ...(exclude === undefined ? {} : { exclude }),
        ...(tag === undefined ? {} : { tags: tag }),
        ...(retentionDays === undefined ? {} : { retentionDays }),
        ...(allOrNothing === undefined ? {} : { allOrNothing }),
        ...(replace === undefined ? {} : { replace }),
        ...(id === undefined ? {} : { publicationId: id }),
      }),
    );
  } finally {
    display.stop();
  }
}

const COLUMNS: Column<ListedFile>[] = [
  { head: 'PATH', text: ({ path }) => path, maxColumns: 60 },
  { head: 'SIZE', text: ({ sizeBytes }) => humanBytes(sizeBytes), align: 'right' },
  { head: 'RESULT', text: ({ outcome }) => outcome },
  { head: 'ID', text: ({ artifactId }) => artifactId },
];

/** What was published, for people. */
export function publicationText({ files, counts, outcome }: Publication): string {
  const { uploaded, uploadedBytes, unchanged, failed } = counts;
  const unlisted = uploaded + unchanged - files.length;
  const sentences = [
    outcome === 'cancelled' ? 'Cancelled.' : '',
    `${uploaded} uploaded (${humanBytes(uploadedBytes)}), ${unchanged} unchanged${failed === 0 ? '' : `, ${failed} failed`}.`,
    unlisted > 0 ? `${unlisted} more are not listed here.` : '',
  ].filter((sentence) => sentence !== '');
  return `${files.length === 0 ? '' : `${table(COLUMNS, files)}\n`}${sentences.join(' ')}\n`;
}

/** Some files failed: they are listed, and the exit code is that of the first. @throws `FilesFailed`, `aborted`. */
function requireAll({ failures, counts, outcome }: Publication): void {
  if (outcome === 'cancelled') throw new ArtifactError('aborted', 'The publication was cancelled');
  if (failures.length === 0) return;
  const failed = failures.map(({ file, code, message }) => ({
    file,
    error: new ArtifactError(isErrorCode(code) ? code : 'internal', message),
  }));
  throw new FilesFailed(failed, { files: counts.found, untried: 0 });
}
