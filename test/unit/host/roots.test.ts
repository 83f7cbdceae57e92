import { renameSync } from 'node:fs';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ArtifactError } from '../../../src/domain/errors.js';
import { openInside, openRoots, openSource, resolveInside } from '../../../src/host/roots.js';
import { temporaryFolder, writeFiles } from '../../support/host.js';

async function world() {
  const top = await temporaryFolder();
  await writeFiles(top, { 'root/a.txt': 'a', 'root/sub/b.txt': 'b', 'secret/s.txt': 's', 'root-2/c.txt': 'c' });
  const roots = await openRoots([join(top, 'root')]);
  return { top, root: join(top, 'root'), roots };
}

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'allowed',
    (error: unknown) => (error instanceof ArtifactError ? error.code : String(error)),
  );

describe('roots', () => {
  it('are refused when they are missing or no folders, by name', async () => {
    const { top, root } = await world();
    await expect(openRoots([root, join(top, 'none')])).rejects.toThrow(/root .*none does not exist/);
    await expect(openRoots([join(root, 'a.txt')])).rejects.toThrow(/a\.txt is not a folder/);
    await expect(openRoots([])).rejects.toThrow(/at least one root/);
  });

  it('may be links themselves', async () => {
    const { top, root } = await world();
    await symlink(root, join(top, 'link'));
    expect(await openRoots([join(top, 'link')])).toEqual([root]);
  });
});

describe('what may be read', () => {
  it('lies below a root, relative to the first one', async () => {
    const { root, roots } = await world();
    expect(await resolveInside(roots, '.')).toBe(root);
    expect(await resolveInside(roots, 'sub/../sub')).toBe(join(root, 'sub'));
    expect(await resolveInside(roots, join(root, 'sub'))).toBe(join(root, 'sub'));
  });

  it.each(['..', '../secret', 'sub/../../secret', '/etc/passwd', '../root-2', '/', '../none'])(
    'is not %s',
    async (path) => {
      const { roots } = await world();
      expect(await codeOf(resolveInside(roots, path))).toBe('source_not_allowed');
    },
  );

  it('is not behind a link that leads out, in any component', async () => {
    const { top, root, roots } = await world();
    await symlink(join(top, 'secret'), join(root, 'out'));
    await symlink(join(top, 'secret/s.txt'), join(root, 's.txt'));
    expect(await codeOf(resolveInside(roots, 'out'))).toBe('source_not_allowed');
    expect(await codeOf(openSource(roots, root, 'out/s.txt'))).toBe('source_not_allowed');
    expect(await codeOf(openSource(roots, root, 's.txt'))).toBe('source_not_allowed');
    expect(await codeOf(openSource(roots, root, '../secret/s.txt'))).toBe('source_not_allowed');
  });

  it('is behind a link that stays inside', async () => {
    const { root, roots } = await world();
    await symlink('sub/b.txt', join(root, 'latest'));
    const reader = await openSource(roots, root, 'latest');
    expect(reader.sizeBytes).toBe(1);
    await reader.close();
  });

  it('is no folder and no pipe where a file is meant, and never waits for one', async () => {
    const { root, roots } = await world();
    expect(await codeOf(openSource(roots, root, 'sub'))).toBe('source_not_allowed');
    expect(await codeOf(openInside(roots, join(root, 'a.txt'), { name: 'a.txt', kind: 'folder' }))).toBe(
      'source_not_allowed',
    );
  });

  it('is not told apart from what does not exist when it lies outside, and is when it lies inside', async () => {
    const { root, roots } = await world();
    expect(await codeOf(openSource(roots, root, 'none.txt'))).toBe('source_unreadable');
    expect(await codeOf(resolveInside(roots, '/no/such/folder'))).toBe('source_not_allowed');
  });

  it('stays inside however fast a folder is swapped for a link', async () => {
    const { top, root, roots } = await world();
    await writeFiles(top, { 'secret/b.txt': 'secret', 'root/sub/b.txt': 'b' });
    await symlink(join(top, 'secret'), join(root, 'link'));
    let isOver = false;
    const swap = async (): Promise<void> => {
      while (!isOver) {
        renameSync(join(root, 'sub'), join(root, 'kept'));
        renameSync(join(root, 'link'), join(root, 'sub'));
        await new Promise((resolve) => setImmediate(resolve));
        renameSync(join(root, 'sub'), join(root, 'link'));
        renameSync(join(root, 'kept'), join(root, 'sub'));
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    const swapping = swap();
    const seen = new Set<string>();
    // On a busy machine the two may keep step for a while.
    for (let round = 0; round < 500 || !seen.has('b'); round += 1) {
      try {
        const reader = await openSource(roots, root, 'sub/b.txt');
        seen.add((await reader.readExactly(Buffer.alloc(reader.sizeBytes), 0).catch(() => 'touched')).toString());
        await reader.close();
      } catch (error) {
        seen.add(error instanceof ArtifactError ? error.code : String(error));
      }
    }
    isOver = true;
    await swapping;
    expect(seen).not.toContain('secret');
    expect(seen).toContain('b');
  });
});
