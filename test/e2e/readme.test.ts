import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readmePath } from '../../scripts/config-table.js';
import { startTestStack, type TestStack } from '../support/stack.js';

let stack: TestStack;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'durable-artifacts-readme-'));
  stack = await startTestStack();
});
afterAll(async () => {
  await stack.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('the README', () => {
  it('shows curl lines that work as printed', async () => {
    const readme = await readFile(readmePath, 'utf8');
    const [, lines = ''] = /<!-- curl -->\s+```bash\n([\s\S]*?)```/.exec(readme) ?? [];
    expect(lines).toContain('curl');
    await mkdir(join(folder, '.local'));
    const connection = { apiUrl: stack.apiUrl, token: await stack.token() };
    await writeFile(join(folder, '.local/connection.json'), JSON.stringify(connection));

    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', lines], { cwd: folder });

    const [completed, put, content, kept, deleted] = stdout.split('\n').filter((line) => line !== '');
    expect(JSON.parse(completed ?? '')).toMatchObject({ artifact: { status: 'ACTIVE', fileSize: 16 } });
    expect(JSON.parse(put ?? '')).toMatchObject({ artifact: { status: 'ACTIVE', path: 'output/whole.txt' } });
    expect(content).toBe('hello');
    expect(JSON.parse(kept ?? '')).toMatchObject({
      artifact: { retention: { rule: 'permanent', reason: 'evidence' } },
    });
    expect(JSON.parse(deleted ?? '')).toMatchObject({ deleted: 2, finished: true });
  });
});
