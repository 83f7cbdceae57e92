import cliProgress from 'cli-progress';
import type { Publication } from '../sdk/index.js';
import { humanBytes } from './format.js';
import { barOf, percentOf } from './progress.js';

const BAR_COLUMNS = 24;

export interface PublicationDisplay {
  update: (publication: Publication) => void;
  stop: () => void;
}

const NOTHING: PublicationDisplay = { update: () => undefined, stop: () => undefined };

/** A bar on a terminal, nothing elsewhere: by bytes of what was found so far. */
export function showPublication(stream: NodeJS.WriteStream, { quiet }: { quiet: boolean }): PublicationDisplay {
  if (quiet || !stream.isTTY) return NOTHING;
  const bar = new cliProgress.SingleBar({
    stream,
    format: (_options, { progress }, { text }: { text: string }) =>
      ` ${barOf(progress, BAR_COLUMNS)} ${percentOf(progress)} ${text}`,
    hideCursor: true,
    clearOnComplete: true,
    gracefulExit: false,
  });
  let isShown = false;
  return {
    update: (publication) => {
      const { counts } = publication;
      const total = Math.max(1, counts.foundBytes);
      const done = Math.min(total, counts.uploadedBytes + counts.unchangedBytes + counts.sendingBytes);
      const text = { text: textOf(publication) };
      if (isShown) bar.setTotal(total);
      else bar.start(total, done, text);
      isShown = true;
      bar.update(done, text);
    },
    stop: () => bar.stop(),
  };
}

function textOf({ phase, counts }: Publication): string {
  const done = counts.uploaded + counts.unchanged + counts.failed;
  const bytes = counts.uploadedBytes + counts.unchangedBytes + counts.sendingBytes;
  return `${done} of ${counts.found} files, ${humanBytes(bytes)}, ${phase}`;
}
