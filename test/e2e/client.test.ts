import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArtifactClient } from '../../src/sdk/index.js';
import { runArtifacts } from '../support/cli.js';
import { clientOf } from '../support/e2e.js';
import { MIB, bytesOf, codeOf } from '../support/sdk.js';
import { startTestStack } from '../support/stack.js';
import type { TestStack } from '../support/stack.js';

const MAX_RSS_BYTES = 200 * MIB;
const LARGE_BYTES = 512 * MIB;

let stack: TestStack;
let token: string;
let client: ArtifactClient;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'client-'));
  stack = await startTestStack();
  token = await stack.token();
  client = clientOf(stack, token);
});
afterAll(async () => {
  client.close();
  await stack.stop();
  await rm(folder, { recursive: true });
});

describe('a large upload', () => {
  test.each(['file', 'stream'])('of a %s holds under 200 MiB', async (kind) => {
    const path = join(folder, 'large.bin');
    await writeFile(path, bytesOf(MIB));
    await truncate(path, LARGE_BYTES);
    const hash = createHash('sha256');
    await pipeline(createReadStream(path), hash);
    const script = fileURLToPath(new URL('../support/upload-and-measure.ts', import.meta.url));
    const args = ['--import', 'tsx', script, stack.apiUrl, token, randomUUID(), path, kind];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    const { checksum, maxRssBytes } = JSON.parse(stdout) as { checksum: string; maxRssBytes: number };
    console.log(`${kind} of ${LARGE_BYTES / MIB} MiB: at most ${Math.round(maxRssBytes / MIB)} MiB resident`);
    expect(checksum).toBe(hash.digest('hex'));
    expect(maxRssBytes).toBeLessThan(MAX_RSS_BYTES);
  });
});

test('an upload given up in the middle leaves nothing that goes on', async () => {
  const executionId = randomUUID();
  const controller = new AbortController();
  const running = client.uploadArtifact(executionId, bytesOf(80 * MIB), {
    fileName: 'a.bin',
    signal: controller.signal,
    concurrency: 1,
    onProgress: ({ part }) => {
      if (part === 2) controller.abort();
    },
  });
  expect(await codeOf(running)).toBe('aborted');
  const [artifact] = await client.listArtifacts(executionId, { status: 'DELETED' });
  expect(artifact).toMatchObject({ deletionReason: 'upload_aborted' });
});

test('the command line takes a file in, finds it, and brings it back', async () => {
  const run = (...args: string[]): ReturnType<typeof runArtifacts> =>
    runArtifacts(args, { cwd: folder, env: { ARTIFACTS_URL: stack.apiUrl, ARTIFACTS_TOKEN: token } });
  const executionId = randomUUID();
  const bytes = bytesOf(17 * MIB);
  await writeFile(join(folder, 'in.bin'), bytes);
  const uploaded = await run('upload', 'in.bin', '--execution', executionId, '--tag', 'agent=tester', '--json');
  expect(uploaded.code).toBe(0);
  const { artifacts } = JSON.parse(uploaded.out) as { artifacts: { id: string }[] };
  const id = artifacts[0]?.id ?? '';
  expect((await run('list', executionId, '--tag', 'agent=tester')).out).toContain(id);
  expect((await run('keep', id, '--reason', 'evidence')).out).toContain('for ever');
  expect((await run('download', id, '-o', 'out.bin')).code).toBe(0);
  expect((await readFile(join(folder, 'out.bin'))).equals(bytes)).toBe(true);
  expect((await run('delete', id)).code).toBe(0);
  expect(await run('download', id, '-o', 'again.bin')).toMatchObject({ code: 3, out: '' });
});
