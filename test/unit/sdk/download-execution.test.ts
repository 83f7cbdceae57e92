import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ArtifactClient, type ExecutionDownload, type FileDownloadProgress } from '../../../src/sdk/index.js';
import { downloadExecution } from '../../../src/sdk/download-execution.js';
import { FAKE_TOKEN, FakeApi } from '../../support/fake-api.js';
import { listeningApi } from '../../support/plan-api.js';
import { bytesOf, clientOf, codeOf, errorOf, newExecution } from '../../support/sdk.js';

let fake: FakeApi;
let client: ArtifactClient;
let execution: string;
let folder: string;

beforeEach(async () => {
  fake = await FakeApi.start();
  client = clientOf(fake);
  execution = newExecution();
  folder = await mkdtemp(join(tmpdir(), 'download-'));
});
afterEach(async () => {
  client.close();
  await fake.close();
  await rm(folder, { recursive: true });
});

const LARGE = bytesOf(300_000);

async function uploadAll(files: Record<string, Buffer | string>): Promise<void> {
  for (const [fileName, content] of Object.entries(files))
    await client.uploadArtifact(execution, Buffer.from(content), {
      fileName,
      type: fileName.endsWith('.png') ? 'image' : 'other',
    });
}

/** Paths of an outcome, as tests compare them. */
const pathsOf = ({ saved, present, failed, untried }: ExecutionDownload): object => ({
  saved: saved.map(({ artifact }) => artifact.path),
  present: present.map(({ artifact }) => artifact.path),
  failed: failed.map(({ artifact, error }) => [artifact.path, error.code]),
  untried: untried.map(({ path }) => path),
});

/** Every file below a folder, with its content. */
async function filesIn(below: string): Promise<Record<string, string>> {
  const names = await readdir(below, { recursive: true });
  const entries: [string, string][] = [];
  for (const name of names.sort())
    if ((await lstat(join(below, name))).isFile()) entries.push([name, await readFile(join(below, name), 'utf8')]);
  return Object.fromEntries(entries);
}

const contentRequests = (): number => fake.count(/^GET .*\/content/);

describe('downloadExecution', () => {
  test('saves every file under its path, and leaves nothing else', async () => {
    await uploadAll({
      'a.txt': 'one',
      'charts/보고서.txt': 'two',
      'logs/run.log': 'three',
      empty: '',
      'big.bin': LARGE,
    });
    const target = join(folder, 'made', 'on', 'the way');
    const result = await client.downloadExecution(execution, target);
    const paths = ['logs/run.log', 'output/a.txt', 'output/big.bin', 'output/charts/보고서.txt', 'output/empty'];
    expect(pathsOf(result)).toEqual({ saved: paths, present: [], failed: [], untried: [] });
    expect(result.saved[1]?.file).toBe(join(target, 'output/a.txt'));
    const found = await filesIn(target);
    expect(Object.keys(found)).toEqual(paths);
    expect(found['output/a.txt']).toBe('one');
    expect(await readFile(join(target, 'output/big.bin'))).toEqual(LARGE);
  });

  test('downloads only what is not there yet, so that it goes on file by file', async () => {
    await uploadAll({ 'a.txt': 'one', 'b.txt': 'two', 'c.txt': 'three' });
    fake.faults.push({ nth: 2, method: 'GET', path: /content$/, answer: { code: 'internal', status: 404 } });
    const first = await client.downloadExecution(execution, folder, { concurrency: 1 });
    expect(pathsOf(first)).toMatchObject({
      saved: ['output/a.txt', 'output/c.txt'],
      failed: [['output/b.txt', 'internal']],
    });
    const before = contentRequests();
    const second = await client.downloadExecution(execution, folder);
    expect(pathsOf(second)).toMatchObject({
      saved: ['output/b.txt'],
      present: ['output/a.txt', 'output/c.txt'],
      failed: [],
    });
    expect(contentRequests() - before).toBe(1);
  });

  test('asks for each file more patiently than for the list, so that it outlives a restart of the API', async () => {
    await uploadAll({ 'a.txt': 'one' });
    for (let nth = 1; nth <= 5; nth += 1) fake.faults.push({ nth, method: 'GET', path: /content$/, answer: 'reset' });
    const patient = new ArtifactClient({ baseUrl: fake.url, token: FAKE_TOKEN });
    onTestFinished(() => patient.close());
    expect(pathsOf(await patient.downloadExecution(execution, folder))).toMatchObject({ saved: ['output/a.txt'] });
    expect(contentRequests()).toBe(6);
  }, 30_000);

  test('does not touch a file with other content, unless it may be replaced', async () => {
    await uploadAll({ 'a.txt': 'one' });
    await mkdir(join(folder, 'output'));
    await writeFile(join(folder, 'output/a.txt'), 'two');
    expect(pathsOf(await client.downloadExecution(execution, folder))).toMatchObject({
      failed: [['output/a.txt', 'destination_taken']],
    });
    expect(await filesIn(folder)).toEqual({ 'output/a.txt': 'two' });
    await client.downloadExecution(execution, folder, { replace: true });
    expect(await filesIn(folder)).toEqual({ 'output/a.txt': 'one' });
  });

  test('takes filters, and counts what they leave', async () => {
    await uploadAll({ 'charts/a.png': '1', 'charts/b.txt': '2', 'c.png': '33', 'logs/d.log': '4' });
    const totals: object[] = [];
    const options = { type: 'image', path: 'output/c', onBegin: (total: object) => void totals.push(total) } as const;
    await client.downloadExecution(execution, folder, options);
    expect(Object.keys(await filesIn(folder))).toEqual(['output/c.png', 'output/charts/a.png']);
    expect(totals).toEqual([{ files: 2, bytes: 3 }]);
  });

  test('asks the API itself for nothing that it does not know, whatever options there are', async () => {
    const { api, baseUrl, token } = await listeningApi();
    const real = new ArtifactClient({ baseUrl, token });
    onTestFinished(() => real.close());
    for (const fileName of ['charts/a.txt', 'b.txt']) await api.upload({ executionId: execution, fileName });
    const options = { path: 'output/charts/', concurrency: 2, replace: true, onProgress: () => undefined };
    expect(pathsOf(await real.downloadExecution(execution, folder, options))).toMatchObject({
      saved: ['output/charts/a.txt'],
      failed: [],
    });
  });

  test('tells of each file how it goes and ends', async () => {
    await uploadAll({ 'big.bin': LARGE });
    const seen: FileDownloadProgress[] = [];
    const onProgress = (progress: FileDownloadProgress): void => void seen.push(progress);
    await client.downloadExecution(execution, folder, { onProgress });
    await client.downloadExecution(execution, folder, { onProgress });
    const states = seen.map(({ state, receivedBytes }) => [state, receivedBytes]);
    expect(states[0]).toEqual(['running', 0]);
    expect(states.slice(-3)).toEqual([
      ['saved', LARGE.length],
      ['running', 0],
      ['present', LARGE.length],
    ]);
  });

  test('saves the others when files cannot be downloaded or are wrong, and keeps no byte of those', async () => {
    await uploadAll({ 'a.txt': 'one', 'b.txt': 'two', 'c.txt': 'three' });
    const [first, second] = [...fake.artifacts.entries.values()];
    Object.assign(first!.json, { status: 'ARCHIVED' });
    Object.assign(second!.json, { checksum: 'f'.repeat(64) });
    expect(pathsOf(await client.downloadExecution(execution, folder))).toEqual({
      saved: ['output/c.txt'],
      present: [],
      failed: [
        ['output/a.txt', 'not_downloadable'],
        ['output/b.txt', 'download_corrupted'],
      ],
      untried: [],
    });
    expect(await filesIn(folder)).toEqual({ 'output/c.txt': 'three' });
  });

  test('does not go on when there is no access any more', async () => {
    await uploadAll({ 'a.txt': 'one', 'b.txt': 'two', 'c.txt': 'three' });
    fake.faults.push({ nth: 2, method: 'GET', path: /content$/, answer: { code: 'unauthenticated', status: 401 } });
    expect(pathsOf(await client.downloadExecution(execution, folder, { concurrency: 1 }))).toMatchObject({
      saved: ['output/a.txt'],
      failed: [['output/b.txt', 'unauthenticated']],
      untried: ['output/c.txt'],
    });
  });

  test('stops when the caller does, and what is complete stays', async () => {
    await uploadAll({ 'a.txt': 'one', 'b.txt': 'two', 'c.txt': 'three' });
    const controller = new AbortController();
    const onProgress = ({ state }: FileDownloadProgress): void => {
      if (state === 'saved') controller.abort();
    };
    const call = client.downloadExecution(execution, folder, { concurrency: 1, onProgress, signal: controller.signal });
    expect(await codeOf(call)).toBe('aborted');
    expect(await filesIn(folder)).toEqual({ 'output/a.txt': 'one' });
  });

  test('has as many files under way as it may', async () => {
    await uploadAll(Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`${index}.txt`, String(index)])));
    let running = 0;
    let most = 0;
    const counting = {
      listArtifacts: client.listArtifacts.bind(client),
      downloadArtifact: async (id: string) => {
        running += 1;
        most = Math.max(most, running);
        // The first ones wait for each other: else a fast one ends before the next has begun.
        await expect.poll(() => most).toBeGreaterThanOrEqual(3);
        const body = await client.downloadArtifact(id);
        running -= 1;
        return body;
      },
    };
    await downloadExecution(counting, { executionId: execution, directory: folder }, { concurrency: 3 });
    expect(most).toBe(3);
    for (const concurrency of [0, 17, 1.5])
      expect(await codeOf(client.downloadExecution(execution, folder, { concurrency }))).toBe('invalid_request');
  });
});

describe('downloadExecution stays below its folder:', () => {
  test.each([
    '../evil.txt',
    'output/../../evil.txt',
    '/tmp/evil.txt',
    'output//evil.txt',
    'output\\..\\evil',
    'evil.txt',
    'output/a\n',
  ])('a server that calls a file %j is not believed', async (path) => {
    await uploadAll({ 'a.txt': 'one' });
    Object.assign(fake.artifacts.only(), { path });
    const target = join(folder, 'deep', 'er');
    const { failed, saved } = await client.downloadExecution(execution, target);
    expect([saved, failed[0]?.error.code]).toEqual([[], 'destination_unwritable']);
    expect(await filesIn(folder)).toEqual({});
    expect(contentRequests()).toBe(0);
  });

  test('a link where a folder should be is not followed', async () => {
    await uploadAll({ 'a.txt': 'one' });
    await mkdir(join(folder, 'elsewhere'));
    await mkdir(join(folder, 'target'));
    await symlink(join(folder, 'elsewhere'), join(folder, 'target', 'output'));
    const { failed } = await client.downloadExecution(execution, join(folder, 'target'), { replace: true });
    expect(failed[0]?.error).toMatchObject({ code: 'destination_unwritable' });
    expect(failed[0]?.error.message).toContain('is no folder');
    expect(await readdir(join(folder, 'elsewhere'))).toEqual([]);
  });

  test('a link under the name of a file is not written through, and only replaced when files may be', async () => {
    await uploadAll({ 'a.txt': 'one' });
    await writeFile(join(folder, 'victim'), 'one');
    await mkdir(join(folder, 'output'));
    await symlink(join(folder, 'victim'), join(folder, 'output', 'a.txt'));
    expect(pathsOf(await client.downloadExecution(execution, folder))).toMatchObject({
      failed: [['output/a.txt', 'destination_taken']],
    });
    await writeFile(join(folder, 'victim'), 'mine');
    await client.downloadExecution(execution, folder, { replace: true });
    expect((await lstat(join(folder, 'output/a.txt'))).isFile()).toBe(true);
    expect(await filesIn(folder)).toEqual({ 'output/a.txt': 'one', victim: 'mine' });
  });

  test('a file where a folder should be is told', async () => {
    await uploadAll({ 'a/b.txt': 'one' });
    await mkdir(join(folder, 'output'));
    await writeFile(join(folder, 'output/a'), 'a file');
    const { failed } = await client.downloadExecution(execution, folder);
    expect(failed[0]?.error.code).toBe('destination_unwritable');
  });

  test('an execution that does not exist makes no folder', async () => {
    const error = await errorOf(client.downloadExecution(newExecution(), join(folder, 'x')));
    expect(error.code).toBe('execution_not_found');
    expect(await readdir(folder)).toEqual([]);
  });
});
