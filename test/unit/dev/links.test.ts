import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { showWorkflows } from '../../../src/dev/demo/links.js';
import type { Published } from '../../../src/dev/demo/publish.js';

let folder: string;
let printed: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'links-'));
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

const ui = { temporalUiUrl: 'http://ui', namespace: 'default' };
const files = (count: number): Published[] =>
  Array.from({ length: count }, (_, index) => ({
    file: { source: `/f${index}`, fileName: `f${index}`, sizeBytes: 1 },
    artifact: { workflowId: `artifact/${index}` } as Published['artifact'],
  }));
const show = (count: number, showAll = false): string => {
  const published = files(count);
  const file = join(folder, 'demo', 'links.txt');
  return showWorkflows(published, ui, { executionId: 'e', main: published.slice(0, 3), showAll, file });
};
const LIST = 'http://ui/namespaces/default/workflows?query=ExecutionId%3D%22e%22';

test('few workflows are all linked, and nothing is written', () => {
  show(3);
  expect(printed).toEqual([0, 1, 2].map((n) => `  http://ui/namespaces/default/workflows/artifact%2F${n}  f${n}`));
  expect(existsSync(join(folder, 'demo'))).toBe(false);
});

test('up to twenty come with a link to the list of them', () => {
  show(20);
  expect(printed).toHaveLength(21);
  expect(printed.at(-1)).toContain(LIST);
});

test('of more, those that played a part are shown, and all are in a file that is named', async () => {
  const said = show(21);
  expect(printed).toHaveLength(4);
  expect(printed.at(-1)).toContain(LIST);
  expect(said).toContain(join(folder, 'demo', 'links.txt'));
  const lines = (await readFile(join(folder, 'demo', 'links.txt'), 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(21);
  expect(lines.at(-1)).toBe('http://ui/namespaces/default/workflows/artifact%2F20  f20');
});

test('of more, all are shown when they are asked for', () => {
  show(21, true);
  expect(printed).toHaveLength(22);
  expect(existsSync(join(folder, 'demo'))).toBe(false);
});
