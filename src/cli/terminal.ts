import process from 'node:process';

/** What a command sees of the world around it. */
export interface Terminal {
  env: Record<string, string | undefined>;
  /** Where relative paths begin. */
  cwd: string;
  /** Results, and nothing else. */
  out: NodeJS.WriteStream;
  /** Progress, errors, hints. */
  err: NodeJS.WriteStream;
  input: NodeJS.ReadStream;
  /** Fires on Ctrl-C. */
  signal: AbortSignal;
  /**
   * Runs work that has something to clean up: while it runs, the first Ctrl-C only fires the signal. Outside of it Ctrl-C ends
   * the process at once.
   */
  withCleanup: <T>(work: () => Promise<T>) => Promise<T>;
}

/** Columns a line may take: those of a terminal, any number in a file or a pipe. */
export const columnsOfTerminal = (stream: NodeJS.WriteStream): number =>
  stream.isTTY && stream.columns > 0 ? stream.columns : Infinity;

/** Ends the process like a shell expects it after Ctrl-C. */
export const INTERRUPTED = 130;

/** The real terminal; installs the handlers of SIGINT and SIGTERM. */
export function processTerminal(): Terminal {
  const controller = new AbortController();
  let cleaning = 0;
  const interrupt = (): void => {
    if (cleaning === 0 || controller.signal.aborted) process.exit(INTERRUPTED);
    controller.abort(new Error('interrupted'));
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  // `artifacts list | head` closes the pipe early: that is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  return {
    env: process.env,
    cwd: process.cwd(),
    out: process.stdout,
    err: process.stderr,
    input: process.stdin,
    signal: controller.signal,
    withCleanup: async (work) => {
      cleaning += 1;
      try {
        return await work();
      } finally {
        cleaning -= 1;
      }
    },
  };
}
