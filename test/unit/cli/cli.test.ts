import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runArtifacts } from '../../support/cli.js';
import type { CliOptions, CliResult } from '../../support/cli.js';
import { FAKE_TOKEN, FakeApi } from '../../support/fake-api.js';
import { MIB, bytesOf, newExecution } from '../../support/sdk.js';

let fake: FakeApi;
let folder: string;
let execution: string;

beforeEach(async () => {
  fake = await FakeApi.start();
  folder = await mkdtemp(join(tmpdir(), 'cli-'));
  execution = newExecution();
});
afterEach(async () => {
  await fake.close();
  await rm(folder, { recursive: true });
});

const artifacts = (args: string[], options: Partial<CliOptions> = {}): Promise<CliResult> =>
  runArtifacts(args, { cwd: folder, env: { ARTIFACTS_URL: fake.url, ARTIFACTS_TOKEN: FAKE_TOKEN }, ...options });

const file = (name: string, content: string | Buffer): Promise<void> => writeFile(join(folder, name), content);

/** Uploads one file and answers with its id. */
async function uploaded(content = 'hello'): Promise<string> {
  await file('hello.txt', content);
  expect((await artifacts(['upload', 'hello.txt', '--execution', execution])).code).toBe(0);
  return fake.artifacts.only().id;
}

describe('upload', () => {
  test('stores several files below a folder and prints JSON alone', async () => {
    await file('a.txt', 'a');
    await file('b.txt', 'b');
    const options = ['--path', 'in/', '--tag', 'k=v', '--tag', 'x=a=b', '--json'];
    const { code, out, err } = await artifacts(['upload', 'a.txt', 'b.txt', '--execution', execution, ...options]);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(out)).toMatchObject({
      artifacts: [
        { path: 'output/in/a.txt', tags: { k: 'v', x: 'a=b' }, status: 'ACTIVE' },
        { path: 'output/in/b.txt', status: 'ACTIVE' },
      ],
    });
  });

  test('takes stdin', async () => {
    const args = ['upload', '-', '--path', 'logs/run.log', '--execution', execution, '--json'];
    const { code, out } = await artifacts(args, { input: 'from a pipe' });
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ artifacts: [{ path: 'logs/run.log', fileSize: 11 }] });
  });

  test('of several files goes on after one that fails, and says which', async () => {
    for (const name of ['a.txt', 'b.txt']) await file(name, name);
    const args = ['upload', 'a.txt', 'absent.txt', 'b.txt', 'gone.txt', '--execution', execution];
    const { code, out, err } = await artifacts(args);
    expect(code).toBe(1);
    expect(out).toMatch(/output\/a\.txt.*\n.*output\/b\.txt/);
    expect(err).toMatch(/2 of 4 files failed:\n\nabsent\.txt\nError \(source_unreadable\).*/);
    expect(err).toContain('\ngone.txt\nError');
    const json = await artifacts([...args, '--json']);
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({
      artifacts: [{ path: 'output/a.txt' }, { path: 'output/b.txt' }],
      failures: [{ file: 'absent.txt', error: { code: 'source_unreadable' } }, { file: 'gone.txt' }],
      untried: 0,
    });
    expect(JSON.parse(json.err)).toMatchObject({ error: { code: 'source_unreadable' } });
  });

  test('replaces other content only when it is told to', async () => {
    await file('a.txt', 'first');
    await artifacts(['upload', 'a.txt', '--execution', execution]);
    const before = fake.artifacts.only();
    await file('a.txt', 'second');
    const refused = await artifacts(['upload', 'a.txt', '--execution', execution]);
    expect(refused.code).toBe(4);
    expect(refused.err).toContain('--replace');
    expect((await artifacts(['upload', 'a.txt', '--execution', execution, '--replace'])).code).toBe(0);
    expect(before.status).toBe('DELETED');
  });

  test('stops at a failure that all files would share', async () => {
    for (const name of ['a.txt', 'b.txt']) await file(name, name);
    const env = { ARTIFACTS_URL: fake.url, ARTIFACTS_TOKEN: 'wrong' };
    const { code, err } = await artifacts(['upload', 'a.txt', 'b.txt', '--execution', execution], { env });
    expect(code).toBe(4);
    expect(err).toContain('1 of 2 files failed; 1 more was not tried');
    expect(fake.requests).toHaveLength(1);
  });

  test('takes a folder with all below it, links left out', async () => {
    await mkdir(join(folder, 'work', 'charts'), { recursive: true });
    await file('work/charts/a.svg', '<svg/>');
    await file('work/report.md', '# Report');
    await symlink('report.md', join(folder, 'work', 'link.md'));
    const whole = await artifacts(['upload', 'work', '--path', 'run/', '--execution', execution]);
    expect(whole.code).toBe(0);
    expect(whole.err).toContain('no regular files: work/link.md');
    expect(fake.artifacts.paths()).toEqual(['output/run/work/charts/a.svg', 'output/run/work/report.md']);
    const contents = await artifacts(['upload', '.', '--execution', newExecution()], { cwd: join(folder, 'work') });
    expect(contents.code).toBe(0);
    expect(fake.artifacts.paths().slice(2)).toEqual(['output/charts/a.svg', 'output/report.md']);
  });

  test('refuses two files for one path, an empty folder and a pipe before anything is sent', async () => {
    await mkdir(join(folder, 'other'));
    await file('a.txt', 'a');
    await file('other/a.txt', 'another');
    const same = await artifacts(['upload', 'a.txt', 'other/a.txt', '--execution', execution]);
    expect(same.code).toBe(4);
    expect(same.err).toContain('a.txt and other/a.txt would both be stored as output/a.txt');
    await mkdir(join(folder, 'empty'));
    expect((await artifacts(['upload', 'empty', '--execution', execution])).err).toContain('empty has no files in it');
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect((await artifacts(['upload', 'pipe', '--execution', execution])).err).toContain('is a pipe');
    expect(fake.requests).toEqual([]);
  });

  test('is removed on Ctrl-C, and says 130', async () => {
    await file('big.bin', bytesOf(40 * MIB));
    fake.store.fault = () => 'stall';
    const { code, err } = await artifacts(['upload', 'big.bin', '--execution', execution], {
      onStart: (child) => {
        void (async () => {
          while (fake.store.putsNow === 0) await sleep(20);
          child.kill('SIGINT');
        })();
      },
    });
    expect(code).toBe(130);
    expect(err).toMatch(/Stopping and cleaning up; .*\n(.*\n)*Interrupted; what was sent has been removed\./);
    expect(fake.artifacts.only()).toMatchObject({ status: 'DELETED', deletionReason: 'upload_aborted' });
  });
});

describe('download', () => {
  test('saves under the name of the artifact and leaves nothing else', async () => {
    const id = await uploaded();
    await mkdir(join(folder, 'target'));
    const { code, out } = await artifacts(['download', id, '-o', 'target']);
    expect({ code, out }).toEqual({ code: 0, out: `${join(folder, 'target', 'hello.txt')}\n` });
    expect(await readFile(join(folder, 'target', 'hello.txt'), 'utf8')).toBe('hello');
    expect(await readdir(join(folder, 'target'))).toEqual(['hello.txt']);
  });

  test('does not replace a file without --force', async () => {
    const id = await uploaded();
    await file('mine', 'mine');
    const refused = await artifacts(['download', id, '-o', 'mine', '--json']);
    expect(refused.code).toBe(4);
    expect(JSON.parse(refused.err)).toMatchObject({
      error: { code: 'destination_taken', remedy: expect.stringContaining('--force') as string },
    });
    expect(await readFile(join(folder, 'mine'), 'utf8')).toBe('mine');
    expect((await artifacts(['download', id, '-o', 'mine', '--force'])).code).toBe(0);
    expect(await readFile(join(folder, 'mine'), 'utf8')).toBe('hello');
  });

  test('does not download again what is there already', async () => {
    const id = await uploaded();
    await file('same', 'hello');
    const { code, out, err } = await artifacts(['download', id, '-o', 'same']);
    expect({ code, out }).toEqual({ code: 0, out: `${join(folder, 'same')}\n` });
    expect(err).toContain('is there already');
    expect(JSON.parse((await artifacts(['download', id, '-o', 'same', '--json'])).out)).toMatchObject({
      present: true,
    });
    expect(fake.count(/\/content$/)).toBe(0);
  });

  test('writes to stdout', async () => {
    const id = await uploaded();
    expect(await artifacts(['download', id, '-o', '-'])).toEqual({ code: 0, out: 'hello', err: '' });
  });

  test('of what was found to be wrong needs a word of its own, and lists say it loudly', async () => {
    const id = await uploaded();
    Object.assign(fake.artifacts.only(), { checksumState: 'mismatch' });
    for (const command of [
      ['download', id, '-o', 'x', '--force'],
      ['url', id],
    ]) {
      const { code, err } = await artifacts(command);
      expect([code, err]).toEqual([4, expect.stringContaining('--wrong-bytes')]);
    }
    expect(await artifacts(['download', id, '-o', '-', '--wrong-bytes'])).toMatchObject({ code: 0, out: 'hello' });
    expect((await artifacts(['url', id, '--wrong-bytes'])).code).toBe(0);
    expect((await artifacts(['show', id])).out).toContain('WRONG BYTES');
    expect((await artifacts(['list', execution])).out).toContain('ACTIVE (WRONG BYTES)');
  });

  test('of wrong bytes fails and leaves no file', async () => {
    const id = await uploaded();
    fake.artifacts.contentOverride = Buffer.from('HELLO');
    const { code, err } = await artifacts(['download', id, '-o', 'x']);
    expect(code).toBe(1);
    expect(err).toContain('download_corrupted');
    expect(err).not.toContain('upload');
    expect(await readdir(folder)).toEqual(['hello.txt']);
  });

  test('link alone goes to stdout', async () => {
    const id = await uploaded();
    const { out } = await artifacts(['url', id, '--expires-in', '1m']);
    expect(await (await fetch(out.trim())).text()).toBe('hello');
  });
});

test('list and show print tables for people and JSON for scripts', async () => {
  const id = await uploaded();
  const table = await artifacts(['list', execution]);
  expect(table.out).toMatch(/^ID +PATH +TYPE +SIZE +STATUS +TIER +KEPT\n/);
  expect(table.out).toMatch(/output\/hello.txt +other +5 B +ACTIVE +HOT +in 30 days/);
  const list = await artifacts(['list', execution, '--json']);
  expect(JSON.parse(list.out)).toMatchObject({ artifacts: [{ id }] });
  expect((await artifacts(['show', id])).out).toMatch(/^Size +5 B \(5 bytes\)$/m);
  expect(JSON.parse((await artifacts(['show', id, '--json'])).out)).toMatchObject({ id, fileSize: 5 });
});

test('keep, retention, archive, restore and history change what show says', async () => {
  const id = await uploaded();
  expect((await artifacts(['keep', id, '--reason', 'evidence'])).out).toMatch(/for ever, by tester .*: evidence/);
  expect((await artifacts(['retention', id, '90'])).out).toMatch(/90 days \(artifact\)/);
  expect((await artifacts(['archive', id])).out).toMatch(/ARCHIVED/);
  expect((await artifacts(['restore', id, '--tier', 'Bulk'])).out).toMatch(/^Restored by .* \(in 12 hours\)$/m);
  expect((await artifacts(['restore', id])).out).toMatch(/ACTIVE/);
  expect((await artifacts(['history', id])).out).toMatch(/UTC +upload begun +tester/);
});

test('delete says how many, and which were deleted already', async () => {
  const id = await uploaded();
  const deletion = await artifacts(['delete', id, '--json']);
  const { purgeAt } = fake.artifacts.only();
  expect(JSON.parse(deletion.out)).toEqual({ deleted: 1, alreadyDeleted: [], purgeAt: { [id]: purgeAt } });
  expect((await artifacts(['delete', id])).out).toMatch(/^Deleted 0\.\n.* was already deleted\.\nUntil .* undelete /);
  expect((await artifacts(['list', execution])).out).toMatch(/DELETED \(requested\) +HOT +gone in 7 days\n/);
  expect((await artifacts(['delete', '--execution', execution])).out).toBe('Deleted 0.\n');
});

describe('exit codes', () => {
  const absent = newExecution();
  test.each([
    { what: 'an unknown command', args: ['lst'], code: 2, says: 'Did you mean list' },
    { what: 'a missing option', args: ['upload', 'x'], code: 2, says: '--execution' },
    { what: 'an unknown type', args: ['list', absent, '--type', 'film'], code: 2, says: 'Allowed choices' },
    { what: 'ids together with an execution', args: ['delete', 'x', '--execution', 'y'], code: 2, says: 'not both' },
    { what: 'a malformed id', args: ['show', 'x'], code: 2, says: 'invalid_id' },
    { what: 'an unknown artifact', args: ['show', absent], code: 3, says: 'artifact_not_found' },
    { what: 'an unknown execution', args: ['list', absent], code: 3, says: 'execution_not_found' },
    { what: 'help', args: ['--help'], code: 0, says: '' },
  ])('$what: $code', async ({ args, code, says }) => {
    const result = await artifacts(args);
    expect(result.code).toBe(code);
    expect(result.err).toContain(says);
  });

  test('a wrong token: 4, as JSON on stderr when asked for', async () => {
    const env = { ARTIFACTS_URL: fake.url, ARTIFACTS_TOKEN: 'wrong' };
    const { code, out, err } = await artifacts(['show', absent, '--json'], { env });
    expect({ code, out }).toEqual({ code: 4, out: '' });
    expect(JSON.parse(err)).toMatchObject({
      error: { code: 'unauthenticated', remedy: expect.stringMatching(/token/) as string },
    });
  });

  test('no API anywhere: 5, with what to do', async () => {
    const { code, err } = await artifacts(['list', absent], { env: {} });
    expect(code).toBe(5);
    expect(err).toContain('ARTIFACTS_URL');
  });
});

test('the connection of the local stack is found from a folder below it', async () => {
  await mkdir(join(folder, '.local'));
  await mkdir(join(folder, 'deep', 'er'), { recursive: true });
  await file('.local/connection.json', JSON.stringify({ apiUrl: fake.url, token: FAKE_TOKEN }));
  const { code } = await artifacts(['list', execution], { env: {}, cwd: join(folder, 'deep', 'er') });
  expect(code).toBe(3);
});

test('a token of its own is used with the local stack', async () => {
  await mkdir(join(folder, '.local'));
  await file('.local/connection.json', JSON.stringify({ apiUrl: fake.url, token: FAKE_TOKEN }));
  expect((await artifacts(['list', execution], { env: { ARTIFACTS_TOKEN: 'mine' } })).code).toBe(4);
});

test('an address where something else answers is named', async () => {
  const server = createServer((_request, response) => void response.end('<html>'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const { code, err } = await artifacts(['list', execution], { env: { ARTIFACTS_URL: url, ARTIFACTS_TOKEN: 'x' } });
  server.close();
  expect(code).toBe(1);
  expect(err).toContain(`Error (not_the_api): ${url}`);
  expect(err).toContain('Check the address');
});

test('--version prints the version of the package', async () => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  expect((await artifacts(['--version'])).out).toBe(`${version}\n`);
});

test('every command has examples in its help', async () => {
  const commands =
    'upload list show history download url keep retention hold holds unhold archive restore delete undelete'.split(' ');
  const texts = await Promise.all(commands.map((command) => artifacts([command, '--help'])));
  for (const { code, out } of texts) {
    expect(code).toBe(0);
    expect(out).toContain('Examples:');
    expect(out).toContain('--json');
  }
}, 30_000);
