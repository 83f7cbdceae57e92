import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ArtifactClient, ArtifactError } from '../../src/sdk/index.js';
import { MIB_BYTES } from '../../src/domain/units.js';
import { mib } from '../figures.js';
import { withFolder, writeLargeFile } from './files.js';
import { usageOf } from './measure.js';
import type { Place } from './place.js';

const SIZE_MIB = 1_024;
const POLL_MS = 10;

/** An upload is killed (SIGKILL) when half of it has arrived, and run again: how much is sent twice? */
export async function resume(place: Place): Promise<void> {
  const { apiUrl, token } = place.connection;
  const client = new ArtifactClient({ baseUrl: apiUrl, token });
  const execution = randomUUID();
  const sizeBytes = SIZE_MIB * MIB_BYTES;
  try {
    await withFolder(async (folder) => {
      const path = await writeLargeFile(join(folder, 'large.bin'), sizeBytes);
      const first = start(place, path, execution);
      await half(client, execution, sizeBytes);
      first.kill('SIGKILL');
      await ended(first);
      const { receivedBytes } = await status(client, execution);
      const second = start(place, path, execution);
      const writtenBytes = await writtenUntilEnd(second);
      const again = writtenBytes - (sizeBytes - receivedBytes);
      console.log(
        `\n${SIZE_MIB} MiB, killed when the store had ${mib(receivedBytes)}: the second run wrote ${mib(writtenBytes)} to its sockets, ` +
          `${(again / MIB_BYTES).toFixed(1)} MiB more than what was missing (headers and requests to the API included)\n`,
      );
    });
  } finally {
    for await (const { id } of client.iterateArtifacts(execution)) await client.deleteArtifact(id, { purge: true });
    client.close();
  }
}

function start({ cli, own }: Place, path: string, execution: string): ChildProcess {
  const args = [cli, 'upload', path, '--execution', execution, '--json'];
  return spawn(process.execPath, args, { env: { ...process.env, ...own }, stdio: ['ignore', 'ignore', 'inherit'] });
}

const ended = (child: ChildProcess): Promise<number | null> =>
  child.exitCode === null && child.signalCode === null
    ? new Promise((resolve) => child.once('exit', resolve))
    : Promise.resolve(child.exitCode);

async function half(client: ArtifactClient, execution: string, sizeBytes: number): Promise<void> {
  while ((await status(client, execution)).receivedBytes < sizeBytes / 2) await sleep(POLL_MS);
}

async function status(client: ArtifactClient, execution: string): Promise<{ receivedBytes: number }> {
  const [artifact] = await client.listArtifacts(execution).catch((error: unknown) => {
    // Its first upload has not begun.
    if (error instanceof ArtifactError && error.code === 'execution_not_found') return [];
    throw error;
  });
  return artifact === undefined ? { receivedBytes: 0 } : client.getUploadStatus(artifact.id);
}

async function writtenUntilEnd(child: ChildProcess): Promise<number> {
  const over = ended(child);
  let isOver = false;
  void over.then(() => (isOver = true));
  let written = 0;
  while (!isOver) {
    written = usageOf(child.pid ?? -1)?.writtenBytes ?? written;
    await sleep(POLL_MS);
  }
  const code = await over;
  if (code !== 0) throw new Error(`the second run ended with ${code}`);
  return written;
}
