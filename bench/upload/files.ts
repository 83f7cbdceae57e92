import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MIB_BYTES } from '../../src/domain/units.js';

/** A folder for the files of a benchmark, removed afterwards. */
export async function withFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-artifacts-bench-'));
  try {
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** No two MiB of it are the same. */
export async function writeLargeFile(path: string, sizeBytes: number): Promise<string> {
  const file = await open(path, 'w');
  try {
    const block = randomBytes(MIB_BYTES);
    for (let written = 0; written < sizeBytes; written += block.length) {
      block.writeUInt32LE(written / MIB_BYTES, 0);
      await file.write(block);
    }
  } finally {
    await file.close();
  }
  return path;
}

export async function writeSmallFiles(folder: string, count: number, sizeBytes: number): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < count; index += 1)
    await writeFile(join(folder, `${String(index).padStart(5, '0')}.bin`), randomBytes(sizeBytes));
  return folder;
}
