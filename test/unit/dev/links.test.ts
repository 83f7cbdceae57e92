import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { showMainWorkflows, showWorkflows } from '../../../src/dev/demo/links.js';
import type { Published } from '../../../src/dev/demo/publish.js';

let printed: string[];
beforeEach(() => {
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const ui = { temporalUiUrl: 'http://ui', namespace: 'default' };
const published: Published[] = Array.from({ length: 30 }, (_, index) => ({
  file: { source: `/f${index}`, fileName: `f${index}`, sizeBytes: 1 },
  artifact: { workflowId: `artifact/${index}` } as Published['artifact'],
}));
const linkOf = (index: number): string => `  http://ui/namespaces/default/workflows/artifact%2F${index}  f${index}`;

test('every workflow is linked, however many they are', () => {
  expect(showWorkflows(published, ui)).toContain('30 workflows');
  expect(printed).toEqual(published.map((_, index) => linkOf(index)));
});

test('those that played a part are linked once more at the end, each once, with the list of all', () => {
  showMainWorkflows('e', [published[0]!, published[1]!, published[0]!], ui);
  const list = '  all of them: http://ui/namespaces/default/workflows?query=ExecutionId%3D%22e%22';
  expect(printed).toEqual([linkOf(0), linkOf(1), list]);
});
