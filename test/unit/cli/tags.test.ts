import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { runArtifacts } from '../../support/cli.js';
import { FAKE_TOKEN, FakeApi } from '../../support/fake-api.js';
import { newExecution } from '../../support/sdk.js';

test('tag adds, changes, removes and replaces, and asks for tags when there are none', async () => {
  const fake = await FakeApi.start();
  const cwd = await mkdtemp(join(tmpdir(), 'cli-'));
  onTestFinished(() => Promise.all([fake.close(), rm(cwd, { recursive: true })]).then(() => undefined));
  await writeFile(join(cwd, 'a.txt'), 'hello');
  const artifacts = (...args: string[]) =>
    runArtifacts(args, { cwd, env: { ARTIFACTS_URL: fake.url, ARTIFACTS_TOKEN: FAKE_TOKEN } });
  await artifacts('upload', 'a.txt', '--execution', newExecution(), '--tag', 'draft=yes', '--tag', 'a=1');
  const { id } = fake.artifacts.only();
  expect((await artifacts('tag', id, 'a=2', 'b=x=y', '--remove', 'draft')).out).toMatch(/^Tags +a=2, b=x=y$/m);
  const replaced = await artifacts('tag', id, 'c=3', '--replace', '--json');
  expect(JSON.parse(replaced.out)).toMatchObject({ id, tags: { c: '3' } });
  expect(await artifacts('tag', id)).toMatchObject({ code: 2, out: '' });
  expect((await artifacts('tag', id, 'nonsense')).err).toContain('Give key=value.');
  expect((await artifacts('tag', id, '--replace', '--json')).out).toContain('"tags": {}');
}, 60_000);
