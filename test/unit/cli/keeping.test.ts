import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { describeFailure } from '../../../src/cli/failures.js';
import { ArtifactError } from '../../../src/sdk/index.js';
import { runArtifacts } from '../../support/cli.js';
import type { CliResult } from '../../support/cli.js';
import { FAKE_TOKEN, FakeApi } from '../../support/fake-api.js';
import { newExecution } from '../../support/sdk.js';

let fake: FakeApi;
let folder: string;
beforeEach(async () => {
  fake = await FakeApi.start();
  folder = await mkdtemp(join(tmpdir(), 'cli-'));
  await writeFile(join(folder, 'a.txt'), 'hello');
});
afterEach(async () => {
  await fake.close();
  await rm(folder, { recursive: true });
});

const artifacts = (...args: string[]): Promise<CliResult> =>
  runArtifacts(args, { cwd: folder, env: { ARTIFACTS_URL: fake.url, ARTIFACTS_TOKEN: FAKE_TOKEN } });

/** Uploads a file and answers with its id. */
async function uploaded(...options: string[]): Promise<string> {
  expect(await artifacts('upload', 'a.txt', '--execution', newExecution(), ...options)).toMatchObject({ code: 0 });
  return fake.artifacts.only().id;
}

describe('hold, holds and unhold', () => {
  test('keep from deleting, say who and why, and how that ends', async () => {
    const id = await uploaded();
    const held = await artifacts('hold', id, '--reason', 'case 17', '--until', '2100-01-01');
    const holdId = fake.artifacts.only().holds[0]?.id ?? '';
    expect(held.out).toMatch(/^Held until 2100-01-01 00:00:00 UTC .*: case 17\n/);
    expect(held.out).toContain(`It ends with: artifacts unhold ${id} ${holdId}\n`);
    expect((await artifacts('show', id)).out).toMatch(new RegExp(`^Held +by tester .* \\(hold ${holdId}\\)$`, 'm'));
    expect((await artifacts('holds', id)).out).toMatch(/^ID +BY +SINCE +UNTIL +REASON\n.* tester .*2100.* case 17\n$/);
    const refused = await artifacts('delete', id);
    expect(refused).toMatchObject({ code: 4, out: '' });
    expect(refused.err).toContain(`Error (held): output/a.txt is held (${holdId} by tester: case 17)`);
    expect((await artifacts('unhold', id)).out).not.toContain('Held');
    expect((await artifacts('holds', id)).out).toBe('No holds.\n');
    expect((await artifacts('delete', id)).code).toBe(0);
  }, 30_000);

  test('of several ask which one', async () => {
    const id = await uploaded();
    const first = JSON.parse((await artifacts('hold', id, '--reason', 'one', '--json')).out) as { id: string };
    await artifacts('hold', id, '--reason', 'two');
    const refused = await artifacts('unhold', id);
    expect(refused.code).toBe(3);
    expect(refused.err).toMatch(new RegExp(`It has 2 holds; say which one:\n +${first.id} by tester .*: one\n`));
    expect((await artifacts('unhold', id, first.id)).code).toBe(0);
    const { holds } = JSON.parse((await artifacts('holds', id, '--json')).out) as { holds: object[] };
    expect(holds).toMatchObject([{ reason: 'two' }]);
    expect((await artifacts('unhold', id, newExecution())).err).toContain('hold_not_found');
  }, 30_000);

  test('tell when the end of the last one deletes the artifact', async () => {
    const id = await uploaded();
    await artifacts('hold', id, '--reason', 'one');
    fake.artifacts.only().expiresAt = '2020-01-01T00:00:00.000Z';
    expect((await artifacts('unhold', id)).err).toBe(
      'Its deadline is over and nothing holds it any more: it is being deleted.\n',
    );
  });

  test('a refusal names the command for each hold', () => {
    const error = new ArtifactError('held', 'it is held', { details: { artifactId: 'a', holds: ['h1', 'h2'] } });
    expect(describeFailure(error, false)).toMatch(/\n {4}artifacts unhold a h1\n {4}artifacts unhold a h2$/);
  });
});

describe('delete and undelete', () => {
  test('say until when, and bring back', async () => {
    const id = await uploaded();
    const deleted = await artifacts('delete', id);
    expect(deleted.out).toMatch(
      new RegExp(
        `^Deleted 1\\.\nUntil \\S+ \\S+ UTC \\(in 7 days\\) it can be brought back: artifacts undelete ${id}\n$`,
      ),
    );
    expect((await artifacts('show', id)).out).toMatch(/^Undelete by .* \(in 7 days\)$/m);
    expect((await artifacts('undelete', id)).out).toMatch(/^Status +ACTIVE$/m);
    expect((await artifacts('download', id, '-o', '-')).out).toBe('hello');
  }, 30_000);

  test('with --purge leave nothing to bring back, also afterwards', async () => {
    const id = await uploaded();
    await artifacts('delete', id);
    expect((await artifacts('delete', id, '--purge')).out).toBe('Deleted 1 for good.\n');
    expect((await artifacts('delete', id, '--purge')).out).toBe(`Deleted 0 for good.\n${id} was already deleted.\n`);
    const refused = await artifacts('undelete', id);
    expect(refused.code).toBe(3);
    expect(refused.err).toContain('cannot be brought back');
    expect((await artifacts('delete', '--execution', newExecution(), '--purge')).code).toBe(2);
  }, 30_000);
});

describe('how long', () => {
  test('is days or a time, and not both', async () => {
    const id = await uploaded();
    const until = await artifacts('retention', id, '--until', '2100-01-01');
    expect(until.out).toMatch(/^Retention +until 2100-01-01T00:00:00\.000Z$/m);
    const time = await artifacts('retention', id, '--until', '2100-01-01T12:00:00+09:00', '--json');
    expect(JSON.parse(time.out)).toMatchObject({ expiresAt: '2100-01-01T03:00:00.000Z' });
    expect((await artifacts('retention', id, '90')).out).toMatch(/90 days \(artifact\)/);
    for (const wrong of [[], ['90', '--until', '2100-01-01'], ['--until', 'tomorrow'], ['--until', '2100-02-30']])
      expect((await artifacts('retention', id, ...wrong)).code).toBe(2);
    expect((await artifacts('retention', id, '--execution', '--until', '2100-01-01')).code).toBe(2);
  }, 30_000);

  test('and when it moves can be said with the upload', async () => {
    await uploaded('--expires-at', '2100-01-01', '--warm-after', 'never', '--cold-after', '7');
    expect(fake.artifacts.only()).toMatchObject({
      expiresAt: '2100-01-01T00:00:00.000Z',
      tiering: { warmAfterDays: null, coldAfterDays: 7 },
    });
    const sheet = (await artifacts('show', fake.artifacts.only().id)).out;
    expect(sheet).toMatch(/^Tiers +COLD after 7 days$/m);
    const wrong = await artifacts('upload', 'a.txt', '--execution', newExecution(), '--warm-after', 'soon');
    expect(wrong.code).toBe(2);
  });
});
