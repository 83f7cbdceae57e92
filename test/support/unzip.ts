import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';

const SCRIPT = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as z:
    assert z.testzip() is None
    print(json.dumps([[i.filename, z.read(i).decode('latin-1')] for i in z.infolist()]))
`;

/** Path and bytes of every file in a zip, in its order, as Python reads it. */
export async function unzip(zip: Buffer): Promise<[path: string, bytes: Buffer][]> {
  const folder = await mkdtemp(join(tmpdir(), 'unzip-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'a.zip');
  await writeFile(file, zip);
  const options = { maxBuffer: 256 * 1024 ** 2 };
  const { stdout } = await promisify(execFile)('python3', ['-c', SCRIPT, file], options);
  return (JSON.parse(stdout) as [string, string][]).map(([path, text]) => [path, Buffer.from(text, 'latin1')]);
}
