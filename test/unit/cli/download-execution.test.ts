import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runArtifacts, type CliResult } from '../../support/cli.js';
import { FAKE_TOKEN, FakeApi } from '../../support/fake-api.js';
import { clientOf, newExecution } from '../../support/sdk.js';

let fake: FakeApi;
let folder: string;
let execution: string;

beforeEach(async () => {
  fake = await FakeApi.start();
  folder = await mkdtemp(join(tmpdir(), 'cli-'));
  execution = newExecution();
  const client = clientOf(fake);
  for (const fileName of ['a.txt', 'charts/b.png', 'logs/c.log'])
    await client.uploadArtifact(execution, Buffer.from(fileName), { fileName });
  client.close();
});
afterEach(async () => {
  await fake.close();
  await rm(folder, { recursive: true });
});

const download = (...args: string[]): Promise<CliResult> =>
  runArtifacts(['download', ...args], { cwd: folder, env: { ARTIFACTS_URL: fake.url, ARTIFACTS_TOKEN: FAKE_TOKEN } });

test('an execution is saved below the folder that is named, and again only what is missing', async () => {
  const first = await download('--execution', execution, '--to', 'results');
  expect(first).toMatchObject({ code: 0, out: `${join(folder, 'results')}: 3 files saved (27 B)\n` });
  expect(first.err).toContain('output/charts/b.png: saved');
  expect(await readFile(join(folder, 'results/output/charts/b.png'), 'utf8')).toBe('charts/b.png');
  await rm(join(folder, 'results/logs/c.log'));
  const second = await download('--execution', execution, '--to', 'results');
  expect(second).toMatchObject({ code: 0, out: `${join(folder, 'results')}: 1 file saved (10 B), 2 there already\n` });
});

test('with --json it says of every file what became of it, and what failed decides the exit code', async () => {
  const [first] = fake.artifacts.entries.values();
  Object.assign(first!.json, { status: 'ARCHIVED' });
  const { code, out, err } = await download('--execution', execution, '--json', '--path', 'output/');
  expect(code).toBe(4);
  expect(JSON.parse(out)).toMatchObject({
    directory: folder,
    saved: [{ artifact: { path: 'output/charts/b.png' }, file: join(folder, 'output/charts/b.png') }],
    present: [],
    failures: [{ file: 'output/a.txt', error: { code: 'not_downloadable' } }],
    untried: 0,
  });
  expect(JSON.parse(err)).toMatchObject({ message: '1 of 2 files failed' });
});

test('filters that leave nothing are said, and are no failure', async () => {
  const none = await download('--execution', execution, '--path', 'output/nowhere/');
  expect(none).toEqual({ code: 0, out: '', err: 'Nothing matches.\n' });
});

test('when the API goes away in the middle, it says that the same command goes on', async () => {
  const gone = { code: 'api_unreachable', retryAfterSeconds: 60 } as const;
  fake.faults.push({ nth: 2, method: 'GET', path: /content$/, answer: gone });
  const { code, err } = await download('--execution', execution, '--concurrency', '1');
  expect(code).toBe(5);
  expect(err).toContain('1 of 3 files failed; 1 more was not tried');
  expect(err).toMatch(/The same command again goes on: files that are there are not downloaded again\.\n$/);
  expect((await download('--execution', execution)).out).toContain('2 files saved (17 B), 1 there already');
});

test('files with other content stay until --force', async () => {
  await mkdir(join(folder, 'output'));
  await writeFile(join(folder, 'output/a.txt'), 'mine');
  const refused = await download('--execution', execution);
  expect(refused.code).toBe(4);
  expect(refused.err).toContain('is there already, with other content');
  expect(refused.err).toContain('--force');
  expect(refused.err).not.toContain('The same command again');
  expect(await readFile(join(folder, 'output/a.txt'), 'utf8')).toBe('mine');
  expect((await download('--execution', execution, '--force')).code).toBe(0);
  expect(await readFile(join(folder, 'output/a.txt'), 'utf8')).toBe('a.txt');
});

test('options that do not fit together are refused, and so is none at all', async () => {
  const id = [...fake.artifacts.entries.keys()][0] ?? '';
  for (const [args, text] of [
    [[], 'name an artifact, or an --execution'],
    [['--execution', execution, '-o', 'x'], '--output is for one artifact'],
    [['--execution', execution, '--wrong-bytes'], '--wrong-bytes is for one artifact'],
    [[id, '--execution', execution], '--execution is not for one artifact'],
    [[id, '--to', 'x'], '--to is not for one artifact'],
  ] as const) {
    const { code, err } = await download(...args);
    expect([code, err]).toEqual([2, expect.stringContaining(text)]);
  }
}, 30_000);
