import { resolve } from 'node:path';
import type { ArtifactClient, ExecutionDownload, ExecutionDownloadOptions } from '../../sdk/index.js';
import { FilesFailed, failureJson } from '../failures.js';
import type { FailedFile } from '../failures.js';
import { humanBytes } from '../format.js';
import { showTransfer } from '../progress.js';
import type { FileDisplay, TransferDisplay } from '../progress.js';
import type { Terminal } from '../terminal.js';
import { print } from './common.js';
import type { JsonOption } from './common.js';

export interface DownloadExecutionOptions
  extends JsonOption, Pick<ExecutionDownloadOptions, 'type' | 'path' | 'concurrency'> {
  tag?: Record<string, string>;
  to?: string;
  force?: true;
}

/** Downloads an execution below a folder. @throws `FilesFailed` when not all of it could be. */
export async function downloadExecution(
  client: ArtifactClient,
  executionId: string,
  { options, terminal }: { options: DownloadExecutionOptions; terminal: Terminal },
): Promise<void> {
  const directory = resolve(terminal.cwd, options.to ?? '.');
  const { type, path, concurrency, tag: tags } = options;
  const shown = new ShownDownload(terminal, options.json === true);
  let result: ExecutionDownload;
  try {
    result = await terminal.withCleanup(() =>
      client.downloadExecution(executionId, directory, {
        ...(type === undefined ? {} : { type }),
        ...(tags === undefined ? {} : { tags }),
        ...(path === undefined ? {} : { path }),
        ...(concurrency === undefined ? {} : { concurrency }),
        replace: options.force === true,
        signal: terminal.signal,
        onBegin: (total) => shown.begin(total),
        onProgress: (progress) => shown.update(progress),
      }),
    );
  } finally {
    shown.stop();
  }
  report(result, { directory, options, terminal });
}

type Progress = Parameters<NonNullable<ExecutionDownloadOptions['onProgress']>>[0];
const GOES_ON = 'The same command again goes on: files that are there are not downloaded again.';
const NOTES = { present: 'is there already', failed: 'failed' } as const;

class ShownDownload {
  readonly #terminal: Terminal;
  readonly #quiet: boolean;
  readonly #files = new Map<string, FileDisplay>();
  #display: TransferDisplay | undefined;

  constructor(terminal: Terminal, quiet: boolean) {
    this.#terminal = terminal;
    this.#quiet = quiet;
  }

  begin(total: { files: number; bytes: number }): void {
    const { err, signal } = this.#terminal;
    this.#display = showTransfer(err, total.files === 1 ? null : total, { quiet: this.#quiet, signal });
  }

  update({ artifact: { id, path, fileSize }, receivedBytes, state }: Progress): void {
    const file = this.#files.get(id) ?? this.#display?.begin(path, fileSize);
    if (file === undefined) return;
    this.#files.set(id, file);
    if (state === 'running') {
      file.update(receivedBytes, '');
      return;
    }
    this.#files.delete(id);
    file.end(state === 'saved' ? `saved, ${humanBytes(fileSize)}` : NOTES[state]);
  }

  stop(): void {
    this.#display?.stop();
  }
}

function report(
  { saved, present, failed, untried }: ExecutionDownload,
  { directory, options, terminal }: { directory: string; options: DownloadExecutionOptions; terminal: Terminal },
): void {
  const failures = failed.map(({ artifact, error }): FailedFile => ({ file: artifact.path, error }));
  const bytes = saved.reduce((sum, { artifact }) => sum + artifact.fileSize, 0);
  const there = present.length === 0 ? '' : `, ${present.length} there already`;
  const files = `${saved.length} ${saved.length === 1 ? 'file' : 'files'}`;
  const json = { directory, saved, present, failures: failures.map(failureJson), untried: untried.length };
  const isNothing = saved.length + present.length + failed.length + untried.length === 0;
  if (isNothing && options.json !== true) {
    terminal.err.write('Nothing matches.\n');
    return;
  }
  print(terminal, options, { json, text: `${directory}: ${files} saved (${humanBytes(bytes)})${there}\n` });
  if (failures.length === 0) return;
  const all = saved.length + present.length + failures.length + untried.length;
  const isWorthRepeating = untried.length > 0 || failed.some(({ error }) => error.retryable);
  throw new FilesFailed(failures, {
    files: all,
    untried: untried.length,
    hint: isWorthRepeating ? GOES_ON : undefined,
  });
}
