import { resolve } from 'node:path';
import type { ReadableStream } from 'node:stream/web';
import { mapConcurrently } from '../domain/concurrency.js';
import { ArtifactError, concernsAll } from '../domain/errors.js';
import { abortedError } from '../transfer/aborted.js';
import { isThere, placeBelow, saveFile } from './save-file.js';
import type { ListFilters } from './lists.js';
import type { Artifact } from './wire.js';

const DEFAULT_CONCURRENCY = 4;
const MAX_CONCURRENCY = 16;

/** Which artifacts of an execution are downloaded, and how. */
export interface ExecutionDownloadOptions extends Pick<ListFilters, 'type' | 'tags' | 'path'> {
  /** Replaces files that are there with other content. Default false: they fail with `destination_taken`. */
  replace?: boolean;
  /** Files at the same time, 1 to 16; default 4. */
  concurrency?: number;
  /** Told once what there is to do, before anything is done. */
  onBegin?: (total: { files: number; bytes: number }) => void;
  /** Called often; must return quickly. */
  onProgress?: (progress: FileDownloadProgress) => void;
  /** Stops after the files that are complete, which stay; the call throws `aborted`. */
  signal?: AbortSignal;
}

export interface FileDownloadProgress {
  artifact: Artifact;
  receivedBytes: number;
  /** `running`, or how it ended; `present`: it was there already. */
  state: 'running' | 'saved' | 'present' | 'failed';
}

export interface DownloadedFile {
  artifact: Artifact;
  /** Where it is, absolute. */
  file: string;
}

/** What became of every artifact, each list by path. */
export interface ExecutionDownload {
  saved: DownloadedFile[];
  /** Those that were there already, with the same content. */
  present: DownloadedFile[];
  failed: { artifact: Artifact; error: ArtifactError }[];
  /** Not even tried, as the same would have come of it: no API, no access. */
  untried: Artifact[];
}

/** What this needs of the client. */
export interface ExecutionSource {
  listArtifacts: (executionId: string, filters: ListFilters) => Promise<Artifact[]>;
  downloadArtifact: (artifactId: string, options: { signal?: AbortSignal }) => Promise<ReadableStream<Uint8Array>>;
}

/** See `ArtifactService.downloadExecution`. */
export async function downloadExecution(
  source: ExecutionSource,
  { executionId, directory }: { executionId: string; directory: string },
  options: ExecutionDownloadOptions,
): Promise<ExecutionDownload> {
  const { concurrency = DEFAULT_CONCURRENCY, signal, onBegin } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MAX_CONCURRENCY)
    throw new ArtifactError('invalid_request', `concurrency must be a whole number from 1 to ${MAX_CONCURRENCY}`);
  const folder = resolve(directory);
  const artifacts = (await source.listArtifacts(executionId, options)).sort(byPath);
  onBegin?.({ files: artifacts.length, bytes: artifacts.reduce((sum, { fileSize }) => sum + fileSize, 0) });
  const result: ExecutionDownload = { saved: [], present: [], failed: [], untried: [] };
  let isOver = false;
  await mapConcurrently(artifacts, concurrency, async (artifact) => {
    if (isOver || signal?.aborted === true) {
      result.untried.push(artifact);
      return;
    }
    try {
      const { file, state } = await downloadFile(source, { artifact, folder }, options);
      result[state].push({ artifact, file });
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      result.failed.push({ artifact, error });
      isOver ||= concernsAll(error);
    }
  });
  if (signal?.aborted === true) throw abortedError(signal);
  for (const list of [result.saved, result.present, result.failed]) list.sort((a, b) => byPath(a.artifact, b.artifact));
  result.untried.sort(byPath);
  return result;
}

async function downloadFile(
  source: ExecutionSource,
  { artifact, folder }: { artifact: Artifact; folder: string },
  { replace = false, onProgress, signal }: ExecutionDownloadOptions,
): Promise<{ file: string; state: 'saved' | 'present' }> {
  const tell = (receivedBytes: number, state: FileDownloadProgress['state']): void =>
    onProgress?.({ artifact, receivedBytes, state });
  const { id, path, fileSize: sizeBytes, checksum: sha256 } = artifact;
  tell(0, 'running');
  try {
    const file = await placeBelow(folder, path);
    if (await isThere(file, { sizeBytes, sha256 }, { replace, signal })) {
      tell(sizeBytes, 'present');
      return { file, state: 'present' };
    }
    const body = await source.downloadArtifact(id, signal === undefined ? {} : { signal });
    await saveFile(body, file, (bytes) => tell(bytes, 'running'));
    tell(sizeBytes, 'saved');
    return { file, state: 'saved' };
  } catch (error) {
    tell(0, 'failed');
    throw error;
  }
}

const byPath = (a: Artifact, b: Artifact): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
