import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB_BYTES } from '../src/domain/units.js';
import { ArtifactClient, fromFile } from '../src/sdk/index.js';
import { mib } from './figures.js';
import { withStack } from './stack.js';
import { writeLargeFile } from './upload/files.js';

/** Uploads one large file (`memory [MiB]`, default 1024) by the client library, in this process, and prints its resident set. */
export const memory = ([size = '1024']: string[]): Promise<void> =>
  withStack(async ({ apiUrl, token }) => {
    const sizeBytes = Number(size) * MIB_BYTES;
    const file = join(tmpdir(), `durable-artifacts-bench-${process.pid}`);
    await writeLargeFile(file, sizeBytes);
    const before = process.memoryUsage.rss();
    let peak = before;
    const sampler = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 20);
    const client = new ArtifactClient({ baseUrl: apiUrl, token });
    try {
      const cpu = process.cpuUsage();
      const t0 = performance.now();
      const artifact = await client.uploadArtifact(randomUUID(), fromFile(file), { fileName: 'large.bin' });
      const seconds = (performance.now() - t0) / 1000;
      const userSeconds = process.cpuUsage(cpu).user / 1e6;
      console.log(
        `${mib(artifact.fileSize)} in ${seconds.toFixed(1)} s (${mib(sizeBytes / seconds)}/s), ${userSeconds.toFixed(1)} s user`,
      );
      console.log(`resident: ${mib(before)} before, ${mib(peak)} at its peak`);
      await client.deleteArtifact(artifact.id);
    } finally {
      clearInterval(sampler);
      await rm(file, { force: true });
    }
  });
