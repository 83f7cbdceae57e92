import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ArtifactClient } from '../../../src/sdk/index.js';
import { startTestApi, tokenFor, type TestApi } from '../../support/api.js';
import { runArtifacts, type CliResult } from '../../support/cli.js';
import { codeOf } from '../../support/sdk.js';

interface World {
  api: TestApi;
  id: string;
  client: ArtifactClient;
  /** Runs a command. */
  artifacts: (...args: string[]) => Promise<CliResult>;
}

/** The API itself over memory, on a real port. */
async function startWorld(fetch = globalThis.fetch): Promise<World> {
  const api = await startTestApi();
  const baseUrl = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const token = await tokenFor();
  const retry = { tries: 3, budgetMs: 5_000, firstDelayMs: 5, maxDelayMs: 20 };
  const client = new ArtifactClient({ baseUrl, token, fetch, retry });
  const cwd = await mkdtemp(join(tmpdir(), 'shares-'));
  onTestFinished(async () => {
    client.close();
    await rm(cwd, { recursive: true });
  });
  const env = { ARTIFACTS_URL: baseUrl, ARTIFACTS_TOKEN: token };
  return { api, id: await api.upload({}), client, artifacts: (...args) => runArtifacts(args, { cwd, env }) };
}

const textAt = async (url: string): Promise<string> => (await fetch(url)).text();

test('a client makes links, lists them and revokes them', async () => {
  const { client, id } = await startWorld();
  const link = await client.shareArtifact(id, { expiresIn: 3_600, maxUses: 2 });
  expect(link.expiresAt.getTime() - link.createdAt.getTime()).toBe(3_600_000);
  expect(await textAt(link.url)).toBe('hello artifact');
  const { url, ...share } = link;
  const lastUsedAt = expect.any(Date) as Date;
  expect(await client.listShares(id)).toEqual([{ ...share, uses: 1, lastUsedAt }]);
  const revoked = await client.unshareArtifact(id, link.id);
  expect(revoked).toMatchObject({ ended: 'revoked', revokedBy: 'agent-7' });
  expect(await client.unshareArtifact(id, link.id)).toEqual(revoked);
  expect(await textAt(url)).toContain('share_ended');
  expect((await client.history(id)).map(({ kind }) => kind).slice(-3)).toEqual([
    'share_created',
    'share_used',
    'share_revoked',
  ]);
  expect(await codeOf(client.unshareArtifact(id, id))).toBe('share_not_found');
});

test('an answer that is lost leaves one link behind, and the one that is given works', async () => {
  let lost = 0;
  const { client, id } = await startWorld(async (...args) => {
    const answer = await fetch(...args);
    if (lost > 0 || answer.status !== 201 || !answer.url.endsWith('/shares')) return answer;
    lost += 1;
    throw new TypeError('fetch failed');
  });
  const { url } = await client.shareArtifact(id, { singleUse: true });
  expect(lost).toBe(1);
  expect(await client.listShares(id)).toHaveLength(1);
  expect(await textAt(url)).toBe('hello artifact');
});

test('commands share, list and unshare; what goes to a pipe is the link alone', async () => {
  const { artifacts, id } = await startWorld();
  const shared = await artifacts('share', id, '--expires-in', '12h', '--single-use');
  expect(shared.out).toMatch(/^http:\S+\/v1\/shared\/shr_[\w-]{43}\n$/);
  expect(shared.err).toMatch(/^For one download, until .* \(in 12 hours\)\./);
  expect(await textAt(shared.out.trim())).toBe('hello artifact');
  const listed = await artifacts('shares', id);
  expect(listed.out).toMatch(/^ID +BY +MADE +USES +LAST USED +ENDS\n\S+ +agent-7 .* 1 of 1 .* used up\n$/);
  expect((await artifacts('history', id)).out).toMatch(/share used +link +.*address 127\.0\.0\.1/);

  const { url, id: shareId } = JSON.parse((await artifacts('share', id, '--json')).out) as { url: string; id: string };
  const command = (await artifacts('share', id, '--expires-in', '60')).err.split('\n')[1]?.trim();
  expect(command).toMatch(new RegExp(`^artifacts unshare ${id} \\S+$`));
  expect((await artifacts('unshare', id, shareId)).out).toMatch(/ 0 of 1000 +never +revoked\n$/);
  expect(await textAt(url)).toContain('share_ended');
  const all = JSON.parse((await artifacts('unshare', id, '--all', '--json')).out) as { shares: object[] };
  expect(all.shares).toMatchObject([{ ended: 'revoked' }]);
  expect((await artifacts('unshare', id, '--all')).out).toBe('No links to end.\n');
}, 60_000);

test('commands that make no sense are refused', async () => {
  const { artifacts, id } = await startWorld();
  for (const args of [
    ['share', id, '--expires-in', 'soon'],
    ['share', id, '--expires-in', '400d'],
    ['share', id, '--single-use', '--max-uses', '2'],
    ['unshare', id],
    ['unshare', id, id, '--all'],
  ])
    expect([args, (await artifacts(...args)).code]).toEqual([args, 2]);
  expect((await artifacts('unshare', id, id)).code).toBe(3);
}, 60_000);
