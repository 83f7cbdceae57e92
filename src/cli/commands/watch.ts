import type { Command } from 'commander';
import { ArtifactError } from '../../sdk/index.js';
import type { Artifact, UploadEvent } from '../../sdk/index.js';
import { showUpload, uploadLine } from '../watch.js';
import type { Terminal } from '../terminal.js';
import { ARTIFACT_EXAMPLE, examples, withClient, withJson } from './common.js';
import type { JsonOption } from './common.js';

/** `watch`: how far an upload is, whoever sends it. */
export function addWatchCommand(program: Command, terminal: Terminal): void {
  withJson(program.command('watch'))
    .description('show how far an upload is, whoever sends it, until it is over; with --json one JSON object per line')
    .argument('<id>', 'artifact id')
    .addHelpText(
      'after',
      examples(`watch ${ARTIFACT_EXAMPLE}`, `watch ${ARTIFACT_EXAMPLE} --json | jq --unbuffered .percent`),
    )
    .action((id: string, options: JsonOption) => watch(terminal, id, options));
}

async function watch(terminal: Terminal, id: string, { json }: JsonOption): Promise<void> {
  const { out, err, signal } = terminal;
  const bar = json === true || !err.isTTY ? null : showUpload(err);
  let last: UploadEvent | null = null;
  let shown = '';
  const show = (event: UploadEvent): void => {
    bar?.update(event);
    const line = json === true ? JSON.stringify(event) : uploadLine(event);
    // Between two parts there is nothing new to read.
    if (bar === null && line !== shown) out.write(`${line}\n`);
    shown = line;
  };
  try {
    last = await terminal.withCleanup(() =>
      withClient(terminal, async (client) => {
        let latest: UploadEvent | null = null;
        for await (const event of client.watchUpload(id, { signal })) {
          latest = event;
          show(event);
        }
        return latest;
      }),
    );
  } finally {
    bar?.stop();
  }
  if (bar !== null && last !== null) out.write(`${shown}\n`);
  if (last?.artifact.status === 'DELETED') throw deletedOf(last.artifact);
}

const deletedOf = ({ id, path, deletionReason }: Artifact): ArtifactError =>
  new ArtifactError('artifact_deleted', `${path} is deleted (${deletionReason ?? 'no reason known'})`, {
    details: { artifactId: id },
  });
