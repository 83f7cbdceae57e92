import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { deleteExecution, deletionText } from '../../../src/cli/deletion.js';
import type { Terminal } from '../../../src/cli/terminal.js';
import type { ArtifactClient, DeletionCounts } from '../../../src/sdk/index.js';

const counts = (some: Partial<DeletionCounts>): DeletionCounts => ({
  deleted: 0,
  held: 0,
  underWay: 0,
  orphaned: 0,
  ...some,
});

test.each([
  [{ deleted: 12 }, 'Deleted 12.\n'],
  [{ deleted: 12, held: 2 }, 'Deleted 12. 2 are held and stay.\n'],
  [{ held: 1 }, 'Deleted 0. 1 is held and stays.\n'],
  [{ deleted: 1, underWay: 3 }, 'Deleted 1. 3 could not be deleted yet; that goes on by itself.\n'],
  [{ orphaned: 1 }, 'Deleted 0. 1 cannot be deleted: tell an operator that the workflow is gone.\n'],
])('%j reads %s', (some, text) => {
  expect(deletionText(counts(some))).toBe(text);
});

/** A terminal that remembers what was written to it, and a client that is half done once. */
function scene(isTTY: boolean) {
  const written: string[] = [];
  const err = Object.assign(new PassThrough(), {
    isTTY,
    columns: 80,
    rows: 24,
    cursorTo: () => true,
    clearLine: () => true,
  });
  err.on('data', (chunk: Buffer) => written.push(chunk.toString()));
  const controller = new AbortController();
  const terminal = {
    err: err as unknown as NodeJS.WriteStream,
    signal: controller.signal,
    withCleanup: (work: () => Promise<unknown>) => work(),
  } as unknown as Terminal;
  const client = {
    deleteExecutionArtifactsWithReport: (
      _id: string,
      { onProgress }: { onProgress: (counts: DeletionCounts) => void },
    ): Promise<DeletionCounts> => {
      onProgress(counts({ deleted: 5, underWay: 15 }));
      onProgress(counts({ deleted: 20 }));
      return Promise.resolve(counts({ deleted: 20 }));
    },
  } as unknown as ArtifactClient;
  return { terminal, client, controller, written: () => written.join('') };
}

test('shows how far it is on a terminal, and nothing elsewhere', async () => {
  const { terminal, client, written } = scene(true);
  expect(await deleteExecution(client, 'x', { terminal, quiet: false })).toEqual(counts({ deleted: 20 }));
  expect(written()).toContain('5 of 20 deleted');
  for (const [isTTY, quiet] of [
    [false, false],
    [true, true],
  ] as const) {
    const silent = scene(isTTY);
    await deleteExecution(silent.client, 'x', { terminal: silent.terminal, quiet });
    expect(silent.written()).toBe('');
  }
});

test('says that the deletion goes on when the wait is given up', async () => {
  const { terminal, client, controller, written } = scene(false);
  const given = Object.assign(client, {
    deleteExecutionArtifactsWithReport: () => {
      controller.abort();
      return Promise.reject(new Error('aborted'));
    },
  });
  await expect(deleteExecution(given, 'x', { terminal, quiet: false })).rejects.toThrow('aborted');
  expect(written()).toContain('The deletion goes on by itself; the same command joins it.');
});
