import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConnectionFile } from '../../src/dev/connection.js';
import { MIB, bytesOf } from '../support/sdk.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'demo-'));
  await mkdir(join(folder, 'input', 'charts'), { recursive: true });
});
afterEach(() => rm(folder, { recursive: true }));

const PORTS = ['API_PORT', 'LOCAL_TEMPORAL_PORT', 'LOCAL_TEMPORAL_UI_PORT', 'LOCAL_POSTGRES_PORT', 'LOCAL_S3_PORT'];

/** Runs the demo on `input` with a stack of its own. */
async function demo(
  input = 'input',
  onOutput?: (output: string, child: ChildProcess) => void,
): Promise<{ code: number | null; output: string }> {
  const script = fileURLToPath(new URL('../../src/dev/demo.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, join(folder, input)], {
    env: {
      ...process.env,
      LOCAL_DIRECTORY: join(folder, 'local'),
      ...Object.fromEntries(PORTS.map((name) => [name, '0'])),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      onOutput?.(output, child);
    });
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output };
}

test('the demo publishes a folder, proves each step, links every workflow and stops the stack it started', async () => {
  await writeFile(join(folder, 'input', 'large.bin'), bytesOf(20 * MIB));
  await writeFile(join(folder, 'input', 'charts', 'a.svg'), '<svg/>');
  await writeFile(join(folder, 'input', 'report.md'), '# Report');
  const { code, output } = await demo();
  expect(output).toContain('Every step did what it says.');
  expect(output).toContain('output/charts/a.svg');
  expect(output).toContain('was held, its deletion refused');
  expect(output).toMatch(/▸ Bring it back\n {2}✔ charts\/a\.svg, 6 B, SHA-256 \S+ is that of the file/);
  expect(output.match(/\/namespaces\/default\/workflows\/artifact%2F[0-9a-f-]{36} /g)).toHaveLength(6);
  expect(output).toContain('all of them: ');
  expect(code).toBe(0);
  expect(output).not.toContain('Try it in another terminal');
  expect(output).toMatch(/Look again:\s+npm start\s+npx artifacts list [0-9a-f-]{36}\s/);
  expect(readConnectionFile(join(folder, 'local'))).toBeNull();
});

test('the demo of an empty folder fails and says why', async () => {
  const { code, output } = await demo();
  expect(code).toBe(1);
  expect(output).toContain('has no files');
});

test('the demo of a folder that is not there says so in one line, and starts nothing', async () => {
  expect(await demo('nothere')).toEqual({ code: 1, output: `\n✘ ${join(folder, 'nothere')} does not exist\n` });
});

test('an interrupted demo says what stays and how to delete it', async () => {
  await writeFile(join(folder, 'input', 'a.txt'), 'a');
  let isSent = false;
  const { code, output } = await demo('input', (soFar, child) => {
    if (isSent || !soFar.includes('▸ List them')) return;
    isSent = true;
    child.kill('SIGINT');
  });
  expect(code).toBe(130);
  expect(output).toContain('The demo was interrupted.');
  expect(output).toMatch(
    /1 published file stays .* under execution .*Delete them:\s+npm start\s+npx artifacts delete --execution/,
  );
});
