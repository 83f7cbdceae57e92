import type { GenericFormatter, MultiBar as Bars, SingleBar } from 'cli-progress';
import cliProgress from 'cli-progress';
import type { UploadProgress } from '../sdk/index.js';
import { humanBytes } from './format.js';
import { columnsOf, fit, printable, shorten } from './text-width.js';

const MAX_NAME_COLUMNS = 40;
const MIN_NAME_COLUMNS = 12;
/** `1023.9 KiB`. */
const MOVED_COLUMNS = 10;
/** `reading 1023.9 KiB`, and `verifying`. */
const NOTE_COLUMNS = { wide: 18, narrow: 9 };
/** On narrower terminals the bars get shorter, so that names stay readable. */
const WIDE_COLUMNS = 100;
const DEFAULT_COLUMNS = 80;

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

interface DisplayOptions {
  /** Show nothing. */
  quiet?: boolean;
  /** When it fires, the display says that what was begun is being cleaned up. */
  signal?: AbortSignal;
}

const STOPPING = 'Stopping and cleaning up; press Ctrl-C again to leave at once.';

/**
 * Bars on a terminal (those of running files, and a total when there are several), a line per finished file elsewhere.
 * @param total of all files; null when there is one or the sizes are not known.
 */
export function showTransfer(
  stream: NodeJS.WriteStream,
  total: { files: number; bytes: number } | null,
  { quiet = false, signal }: DisplayOptions = {},
): TransferDisplay {
  if (quiet) return NOTHING;
  const display = stream.isTTY ? new BarDisplay(stream, total) : lineDisplay(stream);
  const say = (): void => display.say(STOPPING);
  signal?.addEventListener('abort', say);
  return {
    begin: (name, totalBytes) => display.begin(name, totalBytes),
    stop: () => {
      signal?.removeEventListener('abort', say);
      display.stop();
    },
  };
}

interface TalkingDisplay extends TransferDisplay {
  /** A line that stays. */
  say: (text: string) => void;
}

const lineDisplay = (stream: NodeJS.WriteStream): TalkingDisplay => ({
  begin: (name) => ({
    update: () => undefined,
    end: (note) => void stream.write(`${printable(name)}: ${note}\n`),
  }),
  say: (text) => void stream.write(`${text}\n`),
  stop: () => undefined,
});

interface BarText {
  name: string;
  movedBytes: number;
  note: string;
}

class BarDisplay implements TalkingDisplay {
  readonly #stream: NodeJS.WriteStream;
  readonly #bars: Bars;
  readonly #total: SingleBar | undefined;
  readonly #files: number;
  #filesDone = 0;
  #movedBytes = 0;

  constructor(stream: NodeJS.WriteStream, total: { files: number; bytes: number } | null) {
    this.#stream = stream;
    const format: GenericFormatter = (_options, { progress }, text: BarText) =>
      formatBar(progress, text, columnsOfStream(stream));
    this.#bars = new cliProgress.MultiBar({
      stream,
      format,
      hideCursor: true,
      clearOnComplete: true,
      forceRedraw: true,
      // Ctrl-C is ours: the upload is cleaned up first.
      gracefulExit: false,
    });
    this.#files = total?.files ?? 1;
    this.#total = total === null ? undefined : this.#bars.create(Math.max(1, total.bytes), 0, this.#totalText());
  }

  begin(name: string, totalBytes: number | null): FileDisplay {
    const text = (movedBytes: number, note: string): BarText => ({ name, movedBytes, note });
    const bar = this.#bars.create(Math.max(1, totalBytes ?? 1), 0, text(0, ''));
    let seen = 0;
    const move = (bytes: number): void => {
      this.#movedBytes += bytes - seen;
      seen = bytes;
      this.#total?.update(this.#movedBytes, this.#totalText());
    };
    return {
      update: (bytes, note) => {
        bar.update(totalBytes === null ? 0 : Math.min(bytes, bar.getTotal()), text(bytes, note));
        move(bytes);
      },
      end: (note) => {
        this.#filesDone += 1;
        move(totalBytes ?? seen);
        bar.stop();
        // A line waits for the next redraw, which removing the bar is: the last file has no other.
        const columns = columnsOfStream(this.#stream) - columnsOf(note) - 3;
        this.#bars.log(` ${fit(name, Math.max(MIN_NAME_COLUMNS, Math.min(MAX_NAME_COLUMNS, columns)))} ${note}\n`);
        this.#bars.remove(bar);
      },
    };
  }

  say(text: string): void {
    this.#bars.log(` ${text}\n`);
    this.#bars.update();
  }

  stop(): void {
    this.#bars.stop();
  }

  #totalText(): BarText {
    return { name: `${this.#filesDone} of ${this.#files} files`, movedBytes: this.#movedBytes, note: '' };
  }
}

const columnsOfStream = (stream: NodeJS.WriteStream): number => stream.columns || DEFAULT_COLUMNS;

/** @param progress 0 to 1. */
export function barOf(progress: number, columns: number): string {
  const filled = Math.round(progress * columns);
  return '█'.repeat(filled) + '░'.repeat(columns - filled);
}

export const percentOf = (progress: number): string => `${Math.floor(progress * 100)}%`.padStart(4);

/** One line that never wraps: a wrapped one would be drawn again and again below itself. */
function formatBar(progress: number, { name, movedBytes, note }: BarText, columns: number): string {
  const [barColumns, noteColumns] = columns >= WIDE_COLUMNS ? [24, NOTE_COLUMNS.wide] : [12, NOTE_COLUMNS.narrow];
  const bar = barOf(progress, barColumns);
  const percent = percentOf(progress);
  const moved = humanBytes(movedBytes).padStart(MOVED_COLUMNS);
  const rest = columns - barColumns - percent.length - MOVED_COLUMNS - noteColumns - 6;
  const nameColumns = Math.max(MIN_NAME_COLUMNS, Math.min(MAX_NAME_COLUMNS, rest));
  return shorten(` ${bar} ${percent} ${fit(name, nameColumns)} ${moved} ${shorten(note, noteColumns)}`, columns - 1);
}

/** Feeds the progress of an upload into a display. */
export const uploadInto =
  (display: FileDisplay) =>
  ({ phase, hashedBytes, sentBytes }: UploadProgress): void => {
    if (phase === 'hashing') display.update(0, `reading ${humanBytes(hashedBytes)}`);
    else display.update(sentBytes, phase === 'verifying' ? 'verifying' : '');
  };
