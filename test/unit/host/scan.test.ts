import { execFileSync } from 'node:child_process';
import { mkdir, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { FoundFile, RefusedFile } from '../../../src/domain/publish.js';
import { MIB_BYTES } from '../../../src/domain/units.js';
import { sha256Of } from '../../support/api.js';
import { startTestHost, temporaryFolder, writeFiles, type TestHost } from '../../support/host.js';

const names = (files: { file: string }[]): string[] => files.map(({ file }) => file);
const refusals = (refused: RefusedFile[]): Record<string, string> =>
  Object.fromEntries(refused.map(({ file, code }) => [file, code]));

async function hostWith(files: Record<string, string | Buffer>): Promise<TestHost> {
  const host = await startTestHost();
  await writeFiles(host.root, files);
  return host;
}

describe('a page of a folder', () => {
  it('tells path, size, time and hash of each file; those of 16 MiB and more are hashed while they are sent', async () => {
    const host = await hostWith({
      'report.txt': 'hello',
      'logs/agent.log': '',
      'big.bin': Buffer.alloc(16 * MIB_BYTES),
    });
    const modifiedAtMs = async (file: string): Promise<number> =>
      Math.floor((await stat(join(host.root, file))).mtimeMs);
    const expected: FoundFile[] = [
      {
        ...{ file: 'big.bin', path: 'output/big.bin', sizeBytes: 16 * MIB_BYTES, sha256: null },
        modifiedAtMs: await modifiedAtMs('big.bin'),
      },
      {
        ...{ file: 'logs/agent.log', path: 'logs/agent.log', sizeBytes: 0, sha256: sha256Of('') },
        modifiedAtMs: await modifiedAtMs('logs/agent.log'),
      },
      {
        ...{ file: 'report.txt', path: 'output/report.txt', sizeBytes: 5, sha256: sha256Of('hello') },
        modifiedAtMs: await modifiedAtMs('report.txt'),
      },
    ];
    expect(await host.scan()).toEqual({ files: expected, refused: [], next: null });
  });

  it('is one of many that together have every file once, in one order', async () => {
    const all = ['a', 'a.txt', 'a/b', 'a/b/c', 'a/b.x', 'a-b', 'a0', 'b/1', 'b/2', 'é', 'z/z/z'].filter(
      (name) => name !== 'a' && name !== 'a/b',
    );
    const host = await hostWith(Object.fromEntries(all.map((name) => [name, name])));
    for (const limit of [1, 2, 3, 100]) {
      const seen: string[] = [];
      let after: string | null = null;
      do {
        const page = await host.scan({ after, limit });
        expect(page.files.length).toBeLessThanOrEqual(limit);
        seen.push(...names(page.files));
        after = page.next;
      } while (after !== null);
      expect(seen).toEqual([...all].sort((a, b) => (a < b ? -1 : 1)));
    }
  });

  it('ends early when the names are long, so that it fits into a message', async () => {
    const long = (index: number): string => `${'x'.repeat(240)}/${'y'.repeat(240)}/${'z'.repeat(240)}${index}`;
    const files = Array.from({ length: 300 }, (_, index) => [long(1_000 + index), '']);
    const host = await hostWith(Object.fromEntries(files) as Record<string, string>);
    const page = await host.scan();
    expect(JSON.stringify(page).length).toBeLessThan(512 * 1_024);
    expect(page.next).toBe(page.files.at(-1)?.file);
    expect((await host.scan({ after: page.next })).files).toHaveLength(300 - page.files.length);
  });

  it('is of one file when that is what was named', async () => {
    const host = await hostWith({ 'out/a.txt': 'a', 'out/b.txt': 'b', 'out/.artifactsignore': '*' });
    const page = await host.scan({ folder: 'out/a.txt' });
    expect(page.files).toMatchObject([{ file: 'a.txt', path: 'output/a.txt' }]);
  });

  it('is empty for an empty folder, and an error for none', async () => {
    const host = await hostWith({});
    expect(await host.scan()).toEqual({ files: [], refused: [], next: null });
    await expect(host.scan({ folder: 'none' })).rejects.toMatchObject({
      type: 'source_unreadable',
      nonRetryable: true,
    });
    await expect(host.scan({ folder: '..' })).rejects.toMatchObject({ type: 'source_not_allowed', nonRetryable: true });
  });

  it('is refused to another tenant', async () => {
    const host = await hostWith({ 'a.txt': 'a' });
    await expect(host.scan({ tenantId: 'other' })).rejects.toMatchObject({ type: 'source_not_allowed' });
  });
});

describe('what is chosen', () => {
  const files = {
    '.artifactsignore': '# left out\n*.tmp\n/build/\nnode_modules\n!keep.tmp\n',
    'a.tmp': '',
    'keep.tmp': '',
    'build/x': '',
    'deep/build/y': '',
    'deep/node_modules/z': '',
    'report.pdf': '',
    'deep/report.pdf': '',
    'Report.TMP': '',
  };

  it('follows the ignore file, in the syntax of .gitignore, which is not published itself', async () => {
    const host = await hostWith(files);
    const { files: found, refused } = await host.scan();
    expect(names(found)).toEqual(['Report.TMP', 'deep/build/y', 'deep/report.pdf', 'keep.tmp', 'report.pdf']);
    expect(refused).toEqual([]);
  });

  it('follows include and exclude in the same syntax', async () => {
    const host = await hostWith(files);
    expect(names((await host.scan({ include: ['*.pdf'] })).files)).toEqual(['deep/report.pdf', 'report.pdf']);
    expect(names((await host.scan({ include: ['*.pdf'], exclude: ['/deep'] })).files)).toEqual(['report.pdf']);
    expect(names((await host.scan({ include: ['/deep/**', '!*.pdf'] })).files)).toEqual(['deep/build/y']);
  });

  it('does not look into folders that are left out', async () => {
    const host = await hostWith({ '.artifactsignore': 'closed\n', 'a.txt': '' });
    await mkdir(join(host.root, 'closed'));
    await symlink('/etc', join(host.root, 'closed/out'));
    expect(await host.scan()).toMatchObject({ refused: [] });
  });
});

describe('what is refused, one by one', () => {
  it('are links that lead out, links to folders, and what is no regular file', async () => {
    const outside = await temporaryFolder();
    await writeFiles(outside, { 'secret.txt': 'secret' });
    const host = await hostWith({ 'ok.txt': 'ok', 'sub/b.txt': 'b' });
    const link = (target: string, name: string): Promise<void> => symlink(target, join(host.root, name));
    await link(join(outside, 'secret.txt'), 'file-out');
    await link(outside, 'folder-out');
    await link('sub', 'folder-in');
    await link('sub/b.txt', 'file-in');
    await link('nowhere', 'dangling');
    await link('loop', 'loop');
    execFileSync('mkfifo', [join(host.root, 'pipe')]);
    const page = await host.scan();
    expect(names(page.files)).toEqual(['file-in', 'ok.txt', 'sub/b.txt']);
    expect(refusals(page.refused)).toEqual({
      dangling: 'source_unreadable',
      'file-out': 'source_not_allowed',
      'folder-in': 'source_not_allowed',
      'folder-out': 'source_not_allowed',
      loop: 'source_unreadable',
      pipe: 'source_not_allowed',
    });
    expect(JSON.stringify(page)).not.toContain(outside);
  });

  it('are names that no artifact may have', async () => {
    const host = await hostWith({ 'ok.txt': '', 'back\\slash': '', 'line\nbreak': '' });
    await writeFile(Buffer.concat([Buffer.from(`${host.root}/`), Buffer.from([0x66, 0xff, 0x6f])]), 'latin-1');
    const page = await host.scan();
    expect(names(page.files)).toEqual(['ok.txt']);
    expect(refusals(page.refused)).toEqual({
      'back\\slash': 'invalid_path',
      'line\nbreak': 'invalid_path',
      'f\ufffdo': 'invalid_path',
    });
  });

  it('is the second of two files that would get one path', async () => {
    const host = await hostWith({ 'a.txt': 'a', 'output/a.txt': 'other', 'output/b.txt': 'b', 'output/logs/c': 'c' });
    const page = await host.scan();
    expect(page.files.map(({ path }) => path)).toEqual(['output/a.txt', 'output/b.txt', 'output/logs/c']);
    expect(refusals(page.refused)).toEqual({ 'output/a.txt': 'path_taken' });
  });
});
