import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { cachedServer, cacheDirectory } from '../../../src/dev/servers/cache.js';

describe('the cache of built servers', () => {
  let home: string;

  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'cache-test-'));
    vi.stubEnv('XDG_CACHE_HOME', home);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await rm(home, { recursive: true });
  });

  const buildWith = (text: string) => (targetDir: string) => writeFile(join(targetDir, 'program'), text);
  const refuse = (): Promise<void> => Promise.reject(new Error('must not build'));

  test('builds a version once and then uses it', async () => {
    const directory = await cachedServer('thing', 'v1', buildWith('one'));
    expect(directory).toBe(join(home, 'durable-artifacts', 'servers', 'thing-v1'));
    expect(await cachedServer('thing', 'v1', refuse)).toBe(directory);
    expect(await readFile(join(directory, 'program'), 'utf8')).toBe('one');
  });

  test('builds another version beside it', async () => {
    const first = await cachedServer('thing', 'v1', buildWith('one'));
    const second = await cachedServer('thing', 'v2', buildWith('two'));
    expect(await readFile(join(first, 'program'), 'utf8')).toBe('one');
    expect(await readFile(join(second, 'program'), 'utf8')).toBe('two');
  });

  test('keeps nothing of a build that failed', async () => {
    const build = async (targetDir: string): Promise<void> => {
      await buildWith('half')(targetDir);
      throw new Error('no compiler');
    };
    await expect(cachedServer('thing', 'v1', build)).rejects.toThrow('no compiler');
    expect(await readdir(cacheDirectory())).toEqual([]);
  });

  test('lets only one of two builders work, and tells the other that it waits', async () => {
    let builds = 0;
    const progress: string[] = [];
    const build = async (targetDir: string): Promise<void> => {
      builds += 1;
      await buildWith('one')(targetDir);
    };
    const both = [1, 2].map(() => cachedServer('thing', 'v1', build, (line) => progress.push(line)));
    expect(new Set(await Promise.all(both)).size).toBe(1);
    expect(builds).toBe(1);
    expect(progress).toEqual(['waiting for another process that builds thing v1']);
    expect(await readdir(cacheDirectory())).toEqual(['thing-v1']);
  });

  test('does not wait for a builder that has died', async () => {
    await cachedServer('other', 'v1', buildWith('one'));
    // No process has this id: Linux ends at 4,194,304.
    await writeFile(join(cacheDirectory(), 'thing-v1.lock'), '99999999');
    await cachedServer('thing', 'v1', buildWith('one'));
    expect((await readdir(cacheDirectory())).sort()).toEqual(['other-v1', 'thing-v1']);
  });
});
