import { createHash, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { MIB_BYTES } from '../../src/domain/units.js';
import type { ArtifactClient, ShareLink, ShareOptions } from '../../src/sdk/index.js';
import { aFile, clientOf, sha256Of } from '../support/e2e.js';
import { openStoreGate, type StoreGate } from '../support/gates/store-gate.js';
import { startTestStack, type TestStack } from '../support/stack.js';

const FILE_BYTES = 12 * MIB_BYTES;

let gate: StoreGate;
let stack: TestStack;
let client: ArtifactClient;
/** Of every link of this run. */
const secrets: string[] = [];

beforeAll(async () => {
  gate = await openStoreGate(inject('versitygw').endpoint);
  stack = await startTestStack({ env: { S3_ENDPOINT: gate.url, LOG_LEVEL: 'info' } });
  client = clientOf(stack, await stack.token());
});
afterAll(async () => {
  client.close();
  await stack.stop();
  await gate.close();
});

async function shared(options: ShareOptions = {}): Promise<{ link: ShareLink; sha256: string }> {
  const { bytes, sha256 } = aFile(FILE_BYTES);
  const artifact = await client.uploadArtifact(randomUUID(), bytes, { fileName: 'a.bin' });
  return { link: await share(artifact.id, options), sha256 };
}

async function share(artifactId: string, options: ShareOptions = {}): Promise<ShareLink> {
  const link = await client.shareArtifact(artifactId, options);
  secrets.push(link.url.split('/').at(-1) ?? '');
  return link;
}

const usesOf = async ({ artifactId }: ShareLink): Promise<number[]> =>
  (await client.listShares(artifactId)).map(({ uses }) => uses);
const codeOf = async (answer: Response): Promise<string> => ((await answer.json()) as { code: string }).code;

test('of 20 who ask at once for a link of a single use one gets the file, and all of it', async () => {
  const { link, sha256 } = await shared({ singleUse: true });
  const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(link.url)));
  const [winner, ...others] = answers.filter(({ status }) => status === 200);
  expect(others).toEqual([]);
  expect(sha256Of(new Uint8Array(await winner!.arrayBuffer()))).toBe(sha256);
  const refused = await Promise.all(answers.filter((answer) => answer !== winner).map(codeOf));
  expect(refused).toEqual(Array.from({ length: 19 }, () => 'share_ended'));
  const used = (await client.history(link.artifactId)).filter(({ kind }) => kind === 'share_used');
  expect(used.map(({ actor, detail }) => [actor, detail['use']])).toEqual([['link', 1]]);
});

test('a store that is away uses up nothing', async () => {
  const { link, sha256 } = await shared({ singleUse: true });
  gate.outage = 503;
  const refused = await fetch(link.url);
  gate.outage = null;
  expect([refused.status, await codeOf(refused)]).toEqual([503, 'storage_unavailable']);
  expect(await usesOf(link)).toEqual([0]);
  expect(sha256Of(new Uint8Array(await (await fetch(link.url)).arrayBuffer()))).toBe(sha256);
  expect(await usesOf(link)).toEqual([1]);
});

test('a link that is revoked in the middle of a download gives that one to its end, and no other', async () => {
  const { link, sha256 } = await shared();
  const running = await fetch(link.url);
  const hash = createHash('sha256');
  let isRevoked = false;
  for await (const chunk of running.body as AsyncIterable<Uint8Array>) {
    hash.update(chunk);
    if (!isRevoked) await client.unshareArtifact(link.artifactId, link.id);
    isRevoked = true;
  }
  expect(hash.digest('hex')).toBe(sha256);
  const refused = await fetch(link.url);
  expect([refused.status, await codeOf(refused)]).toEqual([410, 'share_ended']);
});

test('a deletion ends the links of its artifact, and what is brought back is not shared by them again', async () => {
  const { link } = await shared();
  await client.deleteArtifact(link.artifactId);
  const gone = await fetch(link.url);
  expect([gone.status, await codeOf(gone)]).toEqual([410, 'share_ended']);
  expect((await client.undeleteArtifact(link.artifactId)).status).toBe('ACTIVE');
  expect((await fetch(link.url)).status).toBe(410);
  const again = await share(link.artifactId);
  const part = await fetch(again.url, { headers: { range: 'bytes=0-9' } });
  expect([part.status, (await part.arrayBuffer()).byteLength]).toEqual([206, 10]);
});

test('a link ends when its time is over', async () => {
  const { link } = await shared({ expiresIn: 1 });
  await expect.poll(async () => (await fetch(link.url, { method: 'HEAD' })).status).toBe(410);
  expect(await client.listShares(link.artifactId)).toMatchObject([{ ended: 'expired' }]);
});

test('no process has written the secret of a link', () => {
  expect(secrets.length).toBeGreaterThan(5);
  const output = stack.output();
  expect(output).toContain('/v1/shared/:token');
  expect(secrets.filter((secret) => output.includes(secret.slice('shr_'.length)))).toEqual([]);
});
