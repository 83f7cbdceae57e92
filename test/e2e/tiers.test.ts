import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { ArtifactError, type ArtifactClient } from '../../src/sdk/index.js';
import { clientOf, request, sha256Of } from '../support/e2e.js';
import { anArtifact, anUpload, completed, look, openLifeWorld, sent, type LifeWorld } from '../support/life-world.js';
import { startTestStack, type TestStackOptions } from '../support/stack.js';

const actor = 'ann';
const SETTLE = { interval: 200 };

let world: LifeWorld;
let client: ArtifactClient;

function onStack(options: TestStackOptions): void {
  beforeAll(async () => {
    world = await openLifeWorld(await startTestStack(options));
    client = clientOf(world.stack, await world.stack.token());
  });
  afterAll(async () => {
    client.close();
    await world.close();
    await world.stack.stop();
  });
}

async function downloadedSha256(id: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of await client.downloadArtifact(id)) chunks.push(chunk);
  return sha256Of(Buffer.concat(chunks));
}

/** HTTP status and code with which the API refuses a download. */
async function refusalOf(id: string): Promise<{ status: number; code: string } | 'none'> {
  try {
    await downloadedSha256(id);
    return 'none';
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    return { status: error.status, code: error.code };
  }
}

const REFUSED = { status: 409, code: 'not_downloadable' };

/** How restores on moto move on: to their end at the next look, or one step after so many looks. A step: asked for, in progress, done. */
async function setRestoreProgress(transition: object): Promise<void> {
  const body = JSON.stringify({ model_name: 's3::keyrestore', transition });
  const url = `${inject('moto').endpoint}/moto-api/state-manager/set-transition`;
  expect((await fetch(url, { method: 'POST', body })).ok).toBe(true);
}

describe('on a store with storage classes', () => {
  onStack({ store: 'moto', env: { RESTORE_POLL_SECONDS: '2' } });
  afterAll(() => setRestoreProgress({ progression: 'immediate' }));

  it('an archived artifact is in GLACIER, refused until it is restored, and then in STANDARD with the same bytes', async () => {
    await setRestoreProgress({ progression: 'manual', times: 1_000_000 });
    const { id, key, sha256 } = await anArtifact(world);
    await client.archiveArtifact(id);
    expect(await look(world, id)).toMatchObject({
      row: { status: 'ARCHIVED', tier: 'COLD', storageClass: 'GLACIER' },
      versions: ['GLACIER'],
    });
    expect(await refusalOf(id)).toEqual(REFUSED);
    await expect(world.bucket.read({ key })).rejects.toMatchObject({ code: 'not_downloadable' });

    await client.restoreArtifact(id, { tier: 'Expedited' });
    const artifact = await client.getArtifact(id);
    expect(artifact).toMatchObject({ status: 'ARCHIVED', restoreState: 'in_progress' });
    // The worker would move it on with a look of its own.
    world.stack.gates.store.outage = 503;
    await setRestoreProgress({ progression: 'manual', times: 1 });
    expect((await world.bucket.head({ key }))?.restore).toMatchObject({ inProgress: true });
    await setRestoreProgress({ progression: 'manual', times: 1_000_000 });
    world.stack.gates.store.outage = null;
    expect(await refusalOf(id)).toEqual(REFUSED);
    // A second request joins the first.
    await client.restoreArtifact(id);
    const looks = (): number => world.stack.gates.store.calls.filter((call) => call.verb === 'HEAD').length;
    const before = looks();
    await expect.poll(looks, SETTLE).toBeGreaterThan(before + 1);
    expect((await client.getArtifact(id)).restoreState).toBe('in_progress');
    await setRestoreProgress({ progression: 'immediate' });

    await expect
      .poll(() => look(world, id), SETTLE)
      .toMatchObject({
        row: { status: 'ACTIVE', tier: 'HOT', storageClass: 'STANDARD', restoreState: null },
        versions: ['STANDARD'],
        audit: ['upload_begun', 'upload_completed', 'archived', 'restore_requested', 'restored'],
      });
    expect(await downloadedSha256(id)).toBe(sha256);
  });

  it('age moves an artifact to STANDARD_IA, where it can be downloaded, and nothing older is left', async () => {
    const { id, sha256 } = await anArtifact(world, { tiering: { warmAfterDays: 0 } });
    await expect
      .poll(() => look(world, id), SETTLE)
      .toMatchObject({
        row: { status: 'ACTIVE', tier: 'WARM', storageClass: 'STANDARD_IA' },
        versions: ['STANDARD_IA'],
        audit: ['upload_begun', 'upload_completed', 'tier_changed'],
      });
    expect(await downloadedSha256(id)).toBe(sha256);
  });

  it('age archives an artifact', async () => {
    const { id } = await anArtifact(world, { tiering: { coldAfterDays: 0 } });
    await expect
      .poll(() => look(world, id), SETTLE)
      .toMatchObject({
        row: { status: 'ARCHIVED', tier: 'COLD', storageClass: 'GLACIER' },
        versions: ['GLACIER'],
        audit: ['upload_begun', 'upload_completed', 'archived'],
      });
    expect(await refusalOf(id)).toEqual(REFUSED);
  });

  it('what the bucket has moved by itself is recorded, and not copied again', async () => {
    const { id, key } = await anArtifact(world);
    const moved = await world.bucket.copyToClass({ key }, 'GLACIER');
    await world.lifecycle.archiveArtifact(id, { actor });
    expect(await look(world, id)).toMatchObject({
      row: { status: 'ARCHIVED', storageClass: 'GLACIER', versionId: moved.versionId },
      versions: ['GLACIER'],
    });
    const copies = world.stack.gates.store.calls.filter((call) => call.verb === 'CopyObject' && call.key === key);
    expect(copies).toEqual([]);
  });

  it('what is in another class when its upload is completed is known to be', async () => {
    const artifact = await sent(world, anUpload());
    await world.bucket.copyToClass({ key: artifact.key }, 'STANDARD_IA');
    expect(await completed(world, artifact)).toMatchObject({ tier: 'WARM', storageClass: 'STANDARD_IA' });
  });
});

describe('on a store without storage classes', () => {
  onStack({ store: 'versitygw' });

  it('a request that is repeated late with its Idempotency-Key is answered with its first outcome, and archives nothing', async () => {
    const { id } = await anArtifact(world);
    const token = await world.stack.token();
    const archive = (key: string) =>
      request(world.stack, token, {
        method: 'POST',
        path: `/v1/artifacts/${id}/archive`,
        headers: { 'idempotency-key': key, 'x-request-id': `by-${key}` },
      });
    const first = await archive('turn-7');
    expect(first).toMatchObject({ status: 200, body: { artifact: { status: 'ARCHIVED' } } });
    await client.restoreArtifact(id);
    expect(await archive('turn-7')).toEqual(first);
    const audit = ['upload_begun', 'upload_completed', 'archived', 'restored'];
    expect(await look(world, id)).toMatchObject({ row: { status: 'ACTIVE' }, audit });
    expect(await archive('turn-8')).toMatchObject({ status: 200, body: { artifact: { status: 'ARCHIVED' } } });
    expect(await look(world, id)).toMatchObject({ row: { status: 'ARCHIVED' }, audit: [...audit, 'archived'] });
    const archivals = (await client.history(id)).filter(({ kind }) => kind === 'archived');
    expect(archivals.map(({ detail }) => detail['requestId'])).toEqual(['by-turn-7', 'by-turn-8']);
  });

  it('archiving is a fact of the row alone: refused until restored, which is at once, with the same bytes', async () => {
    const { id, versionId, sha256 } = await anArtifact(world);
    await client.archiveArtifact(id);
    expect(await look(world, id)).toMatchObject({
      row: { status: 'ARCHIVED', tier: 'COLD', storageClass: 'STANDARD', versionId },
      versions: ['STANDARD'],
    });
    expect(await refusalOf(id)).toEqual(REFUSED);
    await client.restoreArtifact(id);
    expect(await look(world, id)).toMatchObject({
      row: { status: 'ACTIVE', tier: 'HOT', versionId, restoreState: null },
      versions: ['STANDARD'],
      audit: ['upload_begun', 'upload_completed', 'archived', 'restored'],
    });
    expect(await downloadedSha256(id)).toBe(sha256);
  });

  it.each([
    { tiering: { warmAfterDays: 0 }, row: { status: 'ACTIVE', tier: 'WARM' }, kind: 'tier_changed', refusal: 'none' },
    { tiering: { coldAfterDays: 0 }, row: { status: 'ARCHIVED', tier: 'COLD' }, kind: 'archived', refusal: REFUSED },
  ])('age makes it $row.tier without touching the bytes', async ({ tiering, row, kind, refusal }) => {
    const { id, versionId } = await anArtifact(world, { tiering });
    await expect
      .poll(() => look(world, id), SETTLE)
      .toMatchObject({
        row: { ...row, storageClass: 'STANDARD', versionId },
        versions: ['STANDARD'],
        audit: ['upload_begun', 'upload_completed', kind],
      });
    expect(await refusalOf(id)).toEqual(refusal);
  });
});
