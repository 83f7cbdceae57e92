import { isErrorCode } from '../domain/errors.js';
import type { FileToUpload, UploadedFile } from '../domain/publish.js';

/** A file that need not be looked at again. Its other facts are those of the query. */
export interface DoneFile {
  /** In `files` of the query. */
  index: number;
  outcome: UploadedFile['outcome'];
  /** Absent where the query says it. */
  sha256?: string;
  code?: NonNullable<UploadedFile['code']>;
  message?: string;
}

/** A large file under way. */
export interface SendingFile {
  artifactId: string;
  sentBytes: number;
  sizeBytes: number;
  /** Parts that are in the store. */
  parts: number;
  partCount: number;
}

/**
 * What `uploadFiles` tells Temporal while it runs: how far it is, for whoever watches, and what the next attempt need not do again.
 * Which parts of a large file are there, the store knows better.
 */
export interface UploadCheckpoint {
  v: 1;
  files: number;
  totalBytes: number;
  doneFiles: number;
  /** In the store, parts of files under way included. */
  doneBytes: number;
  done: DoneFile[];
  sending: SendingFile[];
}

/** What an earlier attempt told last; null when it told nothing that this version understands. */
export function readCheckpoint(details: unknown, files: readonly FileToUpload[]): DoneFile[] {
  if (typeof details !== 'object' || details === null) return [];
  const { v, done } = details as Partial<UploadCheckpoint>;
  if (v !== 1 || !Array.isArray(done)) return [];
  return done.filter(({ index, code }) => files[index] !== undefined && (code === undefined || isErrorCode(code)));
}

/** Keeps count of one call of `uploadFiles`. */
export class Tally {
  readonly #files: readonly FileToUpload[];
  readonly #done = new Map<number, DoneFile>();
  readonly #sending = new Map<number, SendingFile>();

  constructor(files: readonly FileToUpload[], done: readonly DoneFile[]) {
    this.#files = files;
    for (const one of done) this.#done.set(one.index, one);
  }

  isDone(index: number): boolean {
    return this.#done.has(index);
  }

  sending(index: number, file: SendingFile): void {
    this.#sending.set(index, file);
  }

  /** It is not being sent any more, however that ended. */
  stopped(index: number): void {
    this.#sending.delete(index);
  }

  done(file: DoneFile): void {
    this.#sending.delete(file.index);
    this.#done.set(file.index, file);
  }

  checkpoint(): UploadCheckpoint {
    const done = [...this.#done.values()];
    const sending = [...this.#sending.values()];
    const sizeOf = ({ index, outcome }: DoneFile): number =>
      outcome === 'failed' ? 0 : (this.#files[index]?.sizeBytes ?? 0);
    return {
      v: 1,
      files: this.#files.length,
      totalBytes: sum(this.#files.map(({ sizeBytes }) => sizeBytes)),
      doneFiles: done.length,
      doneBytes: sum(done.map(sizeOf)) + sum(sending.map(({ sentBytes }) => sentBytes)),
      done,
      sending,
    };
  }

  /** For a line in the log. */
  summary(): Record<DoneFile['outcome'] | 'files', number> {
    const outcomes = [...this.#done.values()].map(({ outcome }) => outcome);
    const count = (wanted: DoneFile['outcome']): number => outcomes.filter((outcome) => outcome === wanted).length;
    const files = this.#files.length;
    return { files, uploaded: count('uploaded'), unchanged: count('unchanged'), failed: count('failed') };
  }

  /** Once every file is done, in the order of the query. */
  results(): UploadedFile[] {
    return this.#files.map((file, index): UploadedFile => {
      const done = this.#done.get(index);
      if (done === undefined) throw new Error(`file ${index} is not done`);
      const { file: name, path, artifactId, sizeBytes } = file;
      const { outcome, sha256 = file.sha256, code, message } = done;
      return {
        ...{ file: name, path, sizeBytes, sha256, outcome },
        artifactId: outcome === 'unchanged' ? (file.existing?.artifactId ?? artifactId) : artifactId,
        ...(code === undefined ? {} : { code }),
        ...(message === undefined ? {} : { message }),
      };
    });
  }
}

const sum = (numbers: number[]): number => numbers.reduce((total, number) => total + number, 0);
