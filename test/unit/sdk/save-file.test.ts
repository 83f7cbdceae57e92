import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { placeBelow } from '../../../src/sdk/save-file.js';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'save-file-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the place of a file', () => {
  test('is made with the folders above it, by several at once', async () => {
    const to = join(folder, 'a/b/c');
    const places = await Promise.all(
      ['output/x.txt', 'output/y.txt', 'logs/z.txt'].map((path) => placeBelow(to, path)),
    );
    expect(places).toEqual(['output/x.txt', 'output/y.txt', 'logs/z.txt'].map((path) => join(to, path)));
    expect((await stat(join(to, 'logs'))).isDirectory()).toBe(true);
    expect(await placeBelow(to, 'output/x.txt')).toBe(places[0]);
  });

  test('is refused below a file', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(placeBelow(join(folder, 'file/below'), 'x.txt')).rejects.toMatchObject({
      code: 'destination_unwritable',
    });
  });

  // There a folder cannot be made, and the system says that its parent is missing, which it is not.
  test.runIf(process.platform === 'linux')('is refused below /proc, instead of being tried for ever', async () => {
    for (const to of ['/proc/x', '/proc/x/y/z'])
      await expect(placeBelow(to, 'x.txt')).rejects.toMatchObject({ code: 'destination_unwritable' });
  });
});
