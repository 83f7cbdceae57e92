import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, expect, test } from 'vitest';
import { runCli } from '../../../src/cli/program.js';
import { showPublication } from '../../../src/cli/publication-display.js';
import type { Terminal } from '../../../src/cli/terminal.js';
import type { Publication } from '../../../src/sdk/index.js';
import { startTestApi, tokenFor, type TestApi } from '../../support/api.js';

const executionId = randomUUID();
const counts = {
  found: 3,
  foundBytes: 30,
  uploaded: 1,
  uploadedBytes: 10,
  unchanged: 1,
  unchangedBytes: 10,
  failed: 1,
};
let api: TestApi;
let env: Record<string, string>;

beforeEach(async () => {
  api = await startTestApi();
  const ARTIFACTS_URL = await api.app.listen({ port: 0, host: '127.0.0.1' });
  env = { ARTIFACTS_URL, ARTIFACTS_TOKEN: await tokenFor() };
});

/** Runs `artifacts publish …` in this process. */
async function publish(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out = new PassThrough();
  const err = new PassThrough();
  const written = { out: '', err: '' };
  out.on('data', (chunk: Buffer) => (written.out += chunk.toString()));
  err.on('data', (chunk: Buffer) => (written.err += chunk.toString()));
  const terminal = {
    ...{ env, out, err, cwd: tmpdir(), signal: new AbortController().signal },
    withCleanup: (work: () => Promise<unknown>) => work(),
  } as unknown as Terminal;
  const code = await runCli(['publish', ...args, '--execution', executionId], terminal);
  return { code, ...written };
}

/** How each publication ends as soon as it is started. */
function endsAs(change: Parameters<TestApi['publications']['progress']>[1]): void {
  const { publications } = api;
  const start = publications.startPublication.bind(publications);
  publications.startPublication = async (request, hostTimeoutMs) => {
    await start(request, hostTimeoutMs);
    publications.progress(request.publicationId, { phase: 'ended', endedAtMs: 5, ...change });
  };
}
const artifactId = randomUUID();
const files = [{ path: 'output/a.md', artifactId, sizeBytes: 10, outcome: 'uploaded' as const }];

test('what was published is listed, and what was asked for is passed on', async () => {
  endsAs({ outcome: 'published', counts: { ...counts, failed: 0 }, files });
  const flags = ['--all-or-nothing', '--include', '*.md', '--include', '*.txt', '--exclude', 'x', '--tag', 'a=b'];
  const { code, out } = await publish('turn', '--host', 'host-1', '--retention-days', '7', ...flags);
  expect(code).toBe(0);
  expect(out).toMatch(new RegExp(`output/a.md +10 B +uploaded +${artifactId}`));
  expect(out).toContain('1 uploaded (10 B), 1 unchanged. 1 more are not listed here.\n');
  expect(api.publications.started[0]?.request).toMatchObject({
    ...{ hostId: 'host-1', folder: 'turn', include: ['*.md', '*.txt'], exclude: ['x'], tags: { a: 'b' } },
    ...{ retentionDays: 7, allOrNothing: true, replace: false },
  });
});

test('without a host the folder is one of this machine', async () => {
  const { code, err } = await publish('turn');
  expect([code, err]).toEqual([4, expect.stringContaining('host_unreachable')]);
  expect(api.publications.started).toEqual([]);
  endsAs({ outcome: 'published', counts, files });
  api.publications.isHostThere = () => Promise.resolve(true);
  await publish('turn');
  expect(api.publications.started[0]?.request.folder).toBe(join(tmpdir(), 'turn'));
});

test('files that failed are told one by one, and the exit code is that of the first; --json says all of it', async () => {
  const failures = [{ file: 'b.md', code: 'path_taken' as const, message: 'other content' }];
  endsAs({ outcome: 'partial', counts, files, failures });
  const text = await publish('turn', '--host', 'host-1');
  expect(text.code).toBe(4);
  expect(text.err).toContain('1 of 3 files failed');
  expect(text.err).toContain('b.md\nError (path_taken): other content');
  const json = await publish('turn', '--host', 'host-1', '--json');
  expect(json.code).toBe(4);
  expect(JSON.parse(json.out)).toMatchObject({ outcome: 'partial', counts, failures });
  expect(JSON.parse(json.err)).toMatchObject({ error: { code: 'path_taken' } });
});

test('one that was cancelled elsewhere is told as interrupted', async () => {
  endsAs({ outcome: 'cancelled', counts, files: [] });
  expect((await publish('turn', '--host', 'host-1')).code).toBe(130);
});

test('how far it is can be seen on a terminal, and nothing elsewhere', () => {
  const stream = Object.assign(new PassThrough(), {
    columns: 80,
    rows: 24,
    cursorTo: () => true,
    clearLine: () => true,
  });
  const written: string[] = [];
  stream.on('data', (chunk: Buffer) => written.push(chunk.toString()));
  const publication = { phase: 'uploading', counts: { ...counts, sendingBytes: 5 } } as unknown as Publication;
  for (const isTTY of [false, true]) {
    const display = showPublication(Object.assign(stream, { isTTY }) as unknown as NodeJS.WriteStream, {
      quiet: false,
    });
    display.update(publication);
    display.stop();
    if (!isTTY) expect(written).toEqual([]);
  }
  expect(written.join('')).toContain('3 of 3 files, 25 B, uploading');
});
