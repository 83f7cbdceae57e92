import { humanBytes } from '../../cli/format.js';
import { showTransfer, uploadInto } from '../../cli/progress.js';
import type { TransferDisplay } from '../../cli/progress.js';
import { fromFile } from '../../sdk/index.js';
import type { Artifact, ArtifactClient } from '../../sdk/index.js';
import type { DemoFile } from './input.js';

/** Files uploaded at the same time. */
const FILES_AT_ONCE = 4;

/** A file and what it has become. */
export interface Published {
  file: DemoFile;
  artifact: Artifact;
}

/**
 * Uploads all files as one execution's output, a few at a time, with a bar for each running one and one for all. The first failure
 * stops the others.
 */
export async function publish(
  client: ArtifactClient,
  { executionId, files, onStored }: { executionId: string; files: DemoFile[]; onStored: () => void },
  signal: AbortSignal,
): Promise<Published[]> {
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const display = showTransfer(process.stdout, { files: files.length, bytes }, { signal });
  const siblings = new AbortController();
  const either = AbortSignal.any([signal, siblings.signal]);
  const published: Published[] = [];
  const failures: unknown[] = [];
  const queue = files.entries();
  const worker = async (): Promise<void> => {
    for (const [index, file] of queue) {
      try {
        published[index] = { file, artifact: await publishOne(client, { executionId, file, display }, either) };
        onStored();
      } catch (error) {
        failures.push(error);
        siblings.abort(error);
        return;
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: FILES_AT_ONCE }, worker));
  } finally {
    display.stop();
  }
  if (failures.length > 0) throw failures[0];
  return published;
}

async function publishOne(
  client: ArtifactClient,
  { executionId, file, display }: { executionId: string; file: DemoFile; display: TransferDisplay },
  signal: AbortSignal,
): Promise<Artifact> {
  const shown = display.begin(file.fileName, file.sizeBytes);
  try {
    const artifact = await client.uploadArtifact(executionId, fromFile(file.source), {
      fileName: file.fileName,
      tags: { source: 'demo' },
      onProgress: uploadInto(shown),
      signal,
    });
    shown.end(`uploaded, ${humanBytes(artifact.fileSize)}`);
    return artifact;
  } catch (error) {
    shown.end('failed');
    throw error;
  }
}
