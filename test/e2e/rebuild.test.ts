import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { manifestKey } from '../../src/domain/keys.js';
import type { NextAction } from '../../src/domain/lifecycle.js';
import { rowsMade } from '../../src/domain/rebuild.js';
import { DAY_MS } from '../../src/domain/units.js';
import type { ArtifactClient } from '../../src/sdk/index.js';
import { connectLifecycle } from '../../src/temporal/connect-lifecycle.js';
import { executionManifestWorkflowId } from '../../src/temporal/ids.js';
import { aFile, clientOf } from '../support/e2e.js';
import { eventually } from '../support/eventually.js';
import { anUpload, openLifeWorld, type LifeWorld } from '../support/life-world.js';
import { anotherTemporal, loseDatabase, rebuildOf } from '../support/lost-servers.js';
import { startTestStack, type TestStack } from '../support/stack.js';
import type { TestProcess } from '../support/test-process.js';

/* One population in every state, from which one server after the other is taken away. */

const ACTOR = 'agent-7';
const STATES = [
  'active',
  'permanent',
  'held',
  'archived',
  'deleted',
  'uploading',
  'tagged',
  'shared',
  'hidden',
  'expiring',
] as const;
type State = (typeof STATES)[number];

let stack: TestStack;
let world: LifeWorld;
let client: ArtifactClient;
/** In one execution with a retention of its own, but for what is tagged, shared and permanent. */
const executionId = randomUUID();
const other = randomUUID();
const ids = {} as Record<State, string>;
/** As they were before anything was lost. */
let rows: Record<string, ArtifactRecord>;
let nexts: Record<string, NextAction>;
let worker: TestProcess | undefined;

beforeAll(async () => {
  stack = await startTestStack();
  world = await openLifeWorld(stack);
  client = clientOf(stack, await stack.token());
  await client.setExecutionRetention(executionId, 90);
  const upload = async (state: State, execution = executionId, tags: Record<string, string> = {}): Promise<void> => {
    const { id } = await client.uploadArtifact(execution, aFile(2_000).bytes, { fileName: `${state}.bin`, tags });
    ids[state] = id;
  };
  for (const state of ['active', 'held', 'archived', 'deleted', 'expiring'] as const) await upload(state);
  await upload('permanent', other);
  await upload('shared', other);
  await upload('tagged', other, { team: 'blue', stage: 'final one' });
  await client.keepForever(ids.permanent, 'evidence');
  await client.addHold(ids.held, { reason: 'case 17' });
  await client.archiveArtifact(ids.archived);
  await client.deleteArtifact(ids.deleted);
  await client.shareArtifact(ids.shared);
  const inParts = anUpload({ executionId, sizeBytes: null, sha256: null, actor: ACTOR }).upload;
  ids.uploading = (await world.lifecycle.beginUpload(inParts)).id;
  const publicationId = randomUUID();
  const key = { executionId, id: publicationId };
  await world.records.beginPublication({ ...key, tenantId: 'acme', actor: ACTOR, atMs: Date.now() });
  const hidden = anUpload({ executionId, publicationId, actor: ACTOR });
  const begun = await world.lifecycle.beginUpload(hidden.upload);
  ids.hidden = begun.id;
  await settled();
  rows = Object.fromEntries((await allRows()).map((row) => [row.id, row]));
  nexts = await nextsOf(world.lifecycle);
});

afterAll(async () => {
  client.close();
  await world.close();
  await worker?.stop();
  await stack.stop();
});

const allRows = async (): Promise<ArtifactRecord[]> =>
  (await Promise.all(Object.values(ids).map((id) => world.records.get(id)))).flatMap((row) => row ?? []);

async function nextsOf(lifecycle: LifeWorld['lifecycle']): Promise<Record<string, NextAction>> {
  const described = await Promise.all(
    STATES.map(async (state) => [ids[state], (await lifecycle.describe(ids[state])).next] as const),
  );
  return Object.fromEntries(described);
}

/** Until the manifests list all that they are to list. */
async function settled(): Promise<void> {
  const listed = async (id: string): Promise<string[]> => {
    const body = await world.bucket.read({ key: manifestKey(id) });
    if (body === null) return [];
    const { artifacts } = JSON.parse(Buffer.concat(await body.toArray()).toString()) as {
      artifacts: { id: string; tier: string }[];
    };
    return artifacts.map(({ id: listedId, tier }) => `${listedId} ${tier}`).sort();
  };
  const expected = (states: State[]) =>
    states.map((state) => `${ids[state]} ${state === 'archived' ? 'COLD' : 'HOT'}`).sort();
  // Every change was told before it was answered, and who writes ends when all that was told is written.
  for (const id of [executionId, other]) {
    const writer = world.temporal.workflow.getHandle(executionManifestWorkflowId(id));
    await eventually(async () => expect((await writer.describe()).status.name).toBe('COMPLETED'));
  }
  expect(await listed(executionId)).toEqual(expected(['active', 'held', 'archived', 'expiring']));
  expect(await listed(other)).toEqual(expected(['permanent', 'shared', 'tagged']));
}

describe('artifacts rebuild', () => {
  it('makes every row again when the database is lost, from lives that run, and the lives go on', async () => {
    await Promise.all([stack.kill9Api(), stack.kill9Worker()]);
    await loseDatabase(stack);
    await stack.startWorker();
    const plan = await rebuildOf(stack, stack.namespace);
    expect(plan).toMatchObject({
      applied: false,
      rows: { workflow: { artifacts: STATES.length } },
      hidden: 1,
      leftOut: [],
    });
    expect(await allRows()).toEqual([]);
    const made = await rebuildOf(stack, stack.namespace, '--apply');
    expect(made).toMatchObject({ rows: plan.rows, lives: 0, livesThere: STATES.length, leftOut: [] });
    for (const row of await allRows()) {
      const before = rows[row.id]!;
      // Lives do not hear of downloads before a tier is due; nothing else differs.
      expect(row).toEqual({ ...before, revision: before.revision + 1, downloads: row.downloads });
      expect((await world.records.history(row.id)).map(({ kind, detail }) => [kind, detail])).toEqual([
        ['row_restored', { from: 'workflow' }],
      ]);
    }
    expect(await world.records.getExecution(executionId)).toMatchObject({ tenantId: 'acme', retentionDays: 90 });
    const again = await rebuildOf(stack, stack.namespace, '--apply');
    expect([rowsMade(again), again.lives, again.manifests]).toEqual([0, 0, 0]);

    await stack.startApi();
    expect(await client.setRetention(ids.active, 45)).toMatchObject({ retention: { days: 45 } });
    await client.setRetention(ids.expiring, { expiresAt: new Date(Date.now() - 1_000) }, { confirm: true });
    await expect.poll(async () => (await world.records.get(ids.expiring))?.deletionReason).toBe('expired');
    expect(await client.undeleteArtifact(ids.deleted)).toMatchObject({ status: 'ACTIVE' });
    await client.deleteArtifact(ids.deleted);
    const usage = await world.records.usage({ executionId });
    expect(usage.HOT.artifacts + usage.COLD.artifacts).toBe(5);
  });

  it('starts every life again when Temporal is lost, with what comes next and when', async () => {
    nexts = await nextsOf({ ...world.lifecycle, describe: describeIfAlive });
    const alive = Object.values(nexts).filter(({ kind, ...next }) => kind !== 'none' || next.rule !== 'deleted').length;
    await Promise.all([stack.kill9Api(), stack.kill9Worker()]);
    const namespace = await anotherTemporal(stack);
    expect(await rebuildOf(stack, namespace)).toMatchObject({ lives: alive, livesThere: 0, applied: false });
    const made = await rebuildOf(stack, namespace, '--apply');
    expect([rowsMade(made), made.lives, made.livesThere]).toEqual([0, alive, 0]);
    expect(made.prepared).toEqual([
      'search attributes are there',
      expect.stringMatching(/^reconciliation every \d+ minutes/),
    ]);
    expect(made.interrupted).toMatchObject([{ kind: 'publication', executionId, actor: 'artifacts rebuild' }]);
    expect(made.manifests).toBe(2);
    const again = await rebuildOf(stack, namespace, '--apply');
    expect([again.lives, again.livesThere, again.manifests]).toEqual([0, alive, 0]);

    worker = stack.anotherWorker({ TEMPORAL_NAMESPACE: namespace });
    await worker.start();
    const connected = connectLifecycle({
      TEMPORAL_ADDRESS: stack.temporalAddress,
      TEMPORAL_NAMESPACE: namespace,
      TEMPORAL_TLS: false,
    });
    const { client: lifecycle } = connected;
    for (const [id, next] of Object.entries(nexts))
      if (next.kind !== 'none' || next.rule !== 'deleted') expect((await lifecycle.describe(id)).next).toEqual(next);
    const later = Date.now() + 40 * DAY_MS;
    const kept = await lifecycle.setRetention(ids.active, { expiresAtMs: later, confirm: false, actor: ACTOR });
    expect(kept).toMatchObject({ expiresAtMs: later });
    await connected.close();
    await worker.stop();
  });

  it('has the bucket alone when both are lost, and shortens the life of nothing', async () => {
    await loseDatabase(stack);
    const namespace = await anotherTemporal(stack);
    // Of this execution only its objects are left.
    const [manifest] = await world.bucket.listVersions(manifestKey(other));
    await world.bucket.deleteVersion(manifestKey(other), manifest?.versionId ?? null);
    const unknown = await rebuildOf(stack, namespace, '--apply');
    expect(unknown.rows).toMatchObject({
      workflow: { artifacts: 0 },
      manifest: { artifacts: 3 },
      object: { artifacts: 0 },
    });
    expect(unknown.leftOut).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ reason: 'tenant_unknown', artifacts: 3 }),
        // The one in its undelete window.
        expect.objectContaining({ reason: 'deleted', artifacts: 1 }),
      ]),
    );
    const made = await rebuildOf(stack, namespace, '--apply', '--tenant', 'acme');
    expect([made.rows.object.artifacts, made.lives]).toEqual([3, 3]);

    const [permanent, tagged, held] = await Promise.all(
      [ids.permanent, ids.tagged, ids.held].map((id) => world.records.get(id)),
    );
    const before = rows[ids.held]!;
    expect(held).toEqual({ ...before, revision: held?.revision });
    expect(permanent).toMatchObject({ status: 'ACTIVE', retention: { rule: 'permanent' }, expiresAtMs: null });
    const { sha256, sizeBytes, key, versionId, tags } = rows[ids.tagged]!;
    expect(tagged).toMatchObject({ sha256, sizeBytes, key, versionId, tags, retention: { rule: 'default', days: 30 } });
    for (const lost of [ids.uploading, ids.deleted, ids.expiring]) expect(await world.records.get(lost)).toBeNull();
    const again = await rebuildOf(stack, namespace, '--apply', '--tenant', 'acme');
    expect([rowsMade(again), again.lives, again.livesThere]).toEqual([0, 0, 6]);
  });
});

/** A life that has ended has nothing left to do. */
async function describeIfAlive(id: string): ReturnType<LifeWorld['lifecycle']['describe']> {
  const record = (await world.records.get(id))!;
  const isOver = record.status === 'DELETED' && record.purgeAtMs === null;
  return isOver ? { record, next: { kind: 'none', atMs: null, rule: 'deleted' } } : world.lifecycle.describe(id);
}
