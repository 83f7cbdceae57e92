import cliProgress from 'cli-progress';
import type { ArtifactClient, DeletionCounts } from '../sdk/index.js';
import { barOf, percentOf } from './progress.js';
import type { Terminal } from './terminal.js';

const BAR_COLUMNS = 24;

/** Deletes everything an execution has, with a bar on a terminal. Ctrl-C ends the waiting only. */
export async function deleteExecution(
  client: ArtifactClient,
  executionId: string,
  { terminal, quiet }: { terminal: Terminal; quiet: boolean },
): Promise<DeletionCounts> {
  const { err, signal } = terminal;
  const display = quiet || !err.isTTY ? NO_DISPLAY : countDisplay(err);
  const say = (): void => void err.write('\nThe deletion goes on by itself; the same command joins it.\n');
  signal.addEventListener('abort', say);
  try {
    return await terminal.withCleanup(() =>
      client.deleteExecutionArtifactsWithReport(executionId, { onProgress: display.update, signal }),
    );
  } finally {
    signal.removeEventListener('abort', say);
    display.stop();
  }
}

/** What became of them, for people. */
export function deletionText({ deleted, held, underWay, orphaned }: DeletionCounts): string {
  const sentences = [
    `Deleted ${deleted}.`,
    held === 0 ? '' : `${held} ${held === 1 ? 'is held and stays' : 'are held and stay'}.`,
    underWay === 0 ? '' : `${underWay} could not be deleted yet; that goes on by itself.`,
    orphaned === 0 ? '' : `${orphaned} cannot be deleted: tell an operator that the workflow is gone.`,
  ];
  return `${sentences.filter((sentence) => sentence !== '').join(' ')}\n`;
}

interface CountDisplay {
  update: (counts: DeletionCounts) => void;
  stop: () => void;
}

const NO_DISPLAY: CountDisplay = { update: () => undefined, stop: () => undefined };

function countDisplay(stream: NodeJS.WriteStream): CountDisplay {
  const bar = new cliProgress.SingleBar({
    stream,
    format: (_options, { progress, value, total }) =>
      ` ${barOf(progress, BAR_COLUMNS)} ${percentOf(progress)} ${value} of ${total} deleted`,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
  });
  let isShown = false;
  return {
    update: ({ deleted, underWay }) => {
      if (isShown) bar.setTotal(deleted + underWay);
      else bar.start(deleted + underWay, deleted);
      isShown = true;
      bar.update(deleted);
    },
    stop: () => bar.stop(),
  };
}
