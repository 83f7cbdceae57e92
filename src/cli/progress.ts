import type { MultiBar as Bars, SingleBar } from 'cli-progress';
import cliProgress from 'cli-progress';
import type { UploadProgress } from '../sdk/index.js';
import { humanBytes } from './format.js';

const NAME_COLUMNS = 32;

/** How a transfer of several files is shown. */
export interface TransferDisplay {
  /** A file has begun. @param totalBytes null while it is not known. */
  begin: (name: string, totalBytes: number | null) => FileDisplay;
  /** Removes the bars, so that what follows is not mixed with them. */
  stop: () => void;
}

export interface FileDisplay {
  /** @param bytes moved so far. */
  update: (bytes: number, note: string) => void;
  /** It has come to its end, as the note says. */
  end: (note: string) => void;
}

const NOTHING: TransferDisplay = {
  begin: () => ({ update: () => undefined, end: () => undefined }),
  stop: () => undefined,
};

/**
 * Bars on a terminal (those of running files, and a total when there are several), a line per finished file elsewhere.
 * @param total of all files; null when there is one or the sizes are not known.
 */
export function showTransfer(
  stream: NodeJS.WriteStream,
  total: { files: number; bytes: number } | null,
  quiet = false,
): TransferDisplay {
  if (quiet) return NOTHING;
  return stream.isTTY ? new BarDisplay(stream, total) : lineDisplay(stream);
}

const lineDisplay = (stream: NodeJS.WriteStream): TransferDisplay => ({
  begin: (name) => ({
    update: () => undefined,
    end: (note) => void stream.write(`${name}: ${note}\n`),
  }),
  stop: () => undefined,
});

class BarDisplay implements TransferDisplay {
  readonly #bars: Bars;
  readonly #total: SingleBar | undefined;
  readonly #files: number;
  #filesDone = 0;
  #movedBytes = 0;

  constructor(stream: NodeJS.WriteStream, total: { files: number; bytes: number } | null) {
    this.#bars = new cliProgress.MultiBar({
      stream,
      format: ' {bar} {percentage}% {name} {moved} {note}',
      barsize: 24,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      hideCursor: true,
      clearOnComplete: true,
      forceRedraw: true,
      // Ctrl-C is ours: the upload is cleaned up first.
      gracefulExit: false,
    });
    this.#files = total?.files ?? 1;
    this.#total = total === null ? undefined : this.#bars.create(Math.max(1, total.bytes), 0, this.#totalNote(0));
  }

  begin(name: string, totalBytes: number | null): FileDisplay {
    const payload = (bytes: number, note: string): object => ({ name: fit(name), moved: humanBytes(bytes), note });
    const bar = this.#bars.create(Math.max(1, totalBytes ?? 1), 0, payload(0, ''));
    let seen = 0;
    const move = (bytes: number): void => {
      this.#movedBytes += bytes - seen;
      seen = bytes;
      this.#total?.update(this.#movedBytes, this.#totalNote(this.#movedBytes));
    };
    return {
      update: (bytes, note) => {
        bar.update(totalBytes === null ? 0 : Math.min(bytes, bar.getTotal()), payload(bytes, note));
        move(bytes);
      },
      end: (note) => {
        this.#filesDone += 1;
        move(totalBytes ?? seen);
        bar.stop();
        this.#bars.remove(bar);
        this.#bars.log(` ${fit(name)} ${note}\n`);
      },
    };
  }

  stop(): void {
    this.#bars.stop();
  }

  #totalNote(bytes: number): object {
    return { name: fit(`total, ${this.#filesDone} of ${this.#files} files`), moved: humanBytes(bytes), note: '' };
  }
}

const fit = (name: string): string =>
  (name.length > NAME_COLUMNS ? `…${name.slice(1 - NAME_COLUMNS)}` : name).padEnd(NAME_COLUMNS);

/** Feeds the progress of an upload into a display. */
export const uploadInto =
  (display: FileDisplay) =>
  ({ phase, hashedBytes, sentBytes }: UploadProgress): void => {
    if (phase === 'hashing') display.update(0, `reading ${humanBytes(hashedBytes)}`);
    else display.update(sentBytes, phase === 'verifying' ? 'checking' : '');
  };
