import { spawn } from 'node:child_process';
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
async function demo(): Promise<{ code: number | null; output: string }> {
  const script = fileURLToPath(new URL('../../src/dev/demo.ts', import.meta.url));
  const child = spawn(process.execPath, ['--import', 'tsx', script, join(folder, 'input')], {
    env: {
      ...process.env,
      LOCAL_DIRECTORY: join(folder, 'local'),
      ...Object.fromEntries(PORTS.map((name) => [name, '0'])),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
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
  expect(output.match(/\/namespaces\/default\/workflows\/artifact%2F[0-9a-f-]{36} /g)).toHaveLength(3);
  expect(code).toBe(0);
  expect(readConnectionFile(join(folder, 'local'))).toBeNull();
});

test('the demo of an empty folder fails and says why', async () => {
  const { code, output } = await demo();
  expect(code).toBe(1);
  expect(output).toContain('has no files');
});
