import { createCipheriv, createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { MIB_BYTES } from '../../domain/units.js';
import { packageRoot } from '../settings.js';

/** One file to publish. */
export interface DemoFile {
  /** Where it is on this machine. */
  source: string;
  /** What it is to be called in the execution's output; folders are kept. */
  fileName: string;
  sizeBytes: number;
}

const GENERATED_BYTES = 64 * MIB_BYTES;
/** Never part of what an agent produced, and often enormous. */
const SKIPPED_FOLDERS = new Set(['.git', 'node_modules', '.local']);

/** All regular files of a folder and its subfolders, in order. Symbolic links are not followed. */
export async function filesOf(folder: string, prefix = ''): Promise<DemoFile[]> {
  const files: DemoFile[] = [];
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const source = join(folder, entry.name);
    const fileName = `${prefix}${entry.name}`;
    if (entry.isDirectory() && !SKIPPED_FOLDERS.has(entry.name)) files.push(...(await filesOf(source, `${fileName}/`)));
    else if (entry.isFile()) files.push({ source, fileName, sizeBytes: (await stat(source)).size });
  }
  return files;
}

/**
 * What is published when no folder is given: this project's documents and sources, and a file that is large enough for a multipart
 * upload. @param cacheFolder the large file is made there once.
 */
export async function defaultFiles(cacheFolder: string): Promise<DemoFile[]> {
  const own = ['docs', 'src'].map((name) => filesOf(join(packageRoot, name), `${name}/`));
  const source = await generatedFile(cacheFolder);
  return [
    ...(await Promise.all(own)).flat(),
    { source, fileName: `generated/${basename(source)}`, sizeBytes: GENERATED_BYTES },
  ];
}

/** 64 MiB that look random and are the same on every machine: the key stream of AES-128-CTR under a key of zeros. */
async function generatedFile(folder: string): Promise<string> {
  const path = join(folder, 'random-64-mib.bin');
  const size = await stat(path).then(
    (stats) => stats.size,
    () => 0,
  );
  if (size === GENERATED_BYTES) return path;
  await mkdir(folder, { recursive: true });
  const zeros = Buffer.alloc(MIB_BYTES);
  const blocks = function* (): Generator<Buffer> {
    for (let bytes = 0; bytes < GENERATED_BYTES; bytes += zeros.length) yield zeros;
  };
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  await pipeline(blocks, cipher, createWriteStream(`${path}.part`));
  await rename(`${path}.part`, path);
  return path;
}

/** SHA-256 of a local file, hex. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
