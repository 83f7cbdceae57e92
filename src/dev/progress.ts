import type { WriteStream } from 'node:tty';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
/** Without a terminal: how often a step that is still running says so. */
const REMINDER_MS = 15_000;
const MAX_DETAIL_LENGTH = 60;

/** One thing that is being done. */
export interface Step {
  /** What it is at now: a word of a build, a download. */
  update(detail: string): void;
  done(result: string): void;
  failed(): void;
}

/** Shows steps that run side by side. */
export interface Progress {
  step(name: string): Step;
  /** A line above the running steps. */
  line(text: string): void;
  /** Ends the display; nothing of it stays on the screen but finished lines. */
  close(): void;
}

interface Running {
  name: string;
  detail: string;
  startMs: number;
}

const seconds = (sinceMs: number): string => `${((Date.now() - sinceMs) / 1_000).toFixed(1)} s`;

/**
 * Steps as lines with the time they took. A terminal also gets a spinner line with the time so far; anything else (a pipe, CI) gets
 * each new detail as a line and a sign of life every 15 s.
 */
export function createProgress(output: WriteStream | NodeJS.WriteStream = process.stdout): Progress {
  const running = new Set<Running>();
  const terminal = output.isTTY;
  const clear = (): void => void (terminal && output.write('\r\u001B[2K'));
  const print = (text: string): void => {
    clear();
    output.write(`${text}\n`);
  };
  const describe = ({ name, detail, startMs }: Running): string =>
    `${name}${detail === '' ? '' : `: ${detail.slice(0, MAX_DETAIL_LENGTH)}`} (${seconds(startMs)})`;
  let frame = 0;
  const spin = (): void => {
    if (running.size === 0) return;
    const text = `  ${FRAMES[frame++ % FRAMES.length] ?? ''} ${[...running].map(describe).join(' · ')}`;
    clear();
    output.write(text.slice(0, (output.columns || 100) - 1));
  };
  const remind = (): void => {
    for (const step of running) print(`  … ${describe(step)}`);
  };
  const timer = setInterval(terminal ? spin : remind, terminal ? FRAME_MS : REMINDER_MS);
  timer.unref();
  return {
    line: print,
    close() {
      clearInterval(timer);
      clear();
    },
    step(name) {
      const step: Running = { name, detail: '', startMs: Date.now() };
      running.add(step);
      return {
        update(detail) {
          step.detail = detail;
          if (!terminal) print(`  … ${describe(step)}`);
        },
        done(result) {
          running.delete(step);
          print(`  ✔ ${name.padEnd(13)} ${result} (${seconds(step.startMs)})`);
        },
        failed() {
          running.delete(step);
          print(`  ✘ ${name} (${seconds(step.startMs)})`);
        },
      };
    },
  };
}
