import { afterAll, beforeAll, expect, it } from 'vitest';
import pg from 'pg';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import type { Repair } from '../../src/domain/repair.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { connectArtifactLives } from '../../src/temporal/artifact-lives.js';
import { artifactWorkflowId } from '../../src/temporal/ids.js';
import { anArtifact, anUpload, completed, look, openLifeWorld, sent, type LifeWorld } from '../support/life-world.js';
import { startTestStack, type TestStack } from '../support/stack.js';

/* Over a real store, Postgres and Temporal: somebody injures an artifact, and it heals itself when it is told to. */

const message = { actor: 'reconcile', runId: '5d5e3a0c-6f8e-4b43-9d5c-3b5a3f1f6a01' };

let stack: TestStack;
let world: LifeWorld;
let database: pg.Client;
let others: ReturnType<typeof connectArtifactLives>;
beforeAll(async () => {
  stack = await startTestStack();
  world = await openLifeWorld(stack);
  database = new pg.Client({ connectionString: stack.databaseUrl });
  await database.connect();
  others = connectArtifactLives({
    TEMPORAL_ADDRESS: stack.temporalAddress,
    TEMPORAL_NAMESPACE: stack.namespace,
    TEMPORAL_TLS: false,
  });
});
afterAll(async () => {
  await others.close();
  await database.end();
  await world.close();
  await stack.stop();
});

const repair = ({ id }: ArtifactRecord, row?: ArtifactRecord): Promise<Repair | false> =>
  others.lives.repairArtifact(id, message, row);

/** Another look finds nothing, and the audit stays as it is. */
async function expectHealed(record: ArtifactRecord): Promise<void> {
  const { audit } = await look(world, record.id);
  expect(await repair(record)).toEqual({ outcome: 'nothing', note: 'all is as it should be' });
  expect((await look(world, record.id)).audit).toEqual(audit);
}

it('leaves alone what is whole', async () => {
  await expectHealed(await anArtifact(world));
});

it('takes a delete marker off that nobody of us has put there', async () => {
  const record = await anArtifact(world);
  await world.bucket.addDeleteMarker(record.key);
  expect(await repair(record)).toEqual({ outcome: 'repaired', note: 'hidden' });
  expect((await world.bucket.head({ key: record.key }))?.versionId).toBe(record.versionId);
  await expectHealed(record);
});

it('names another version of its own when the one in its row is gone', async () => {
  const file = anUpload();
  const record = await completed(world, await sent(world, file));
  const other = await world.bucket.put(objectAtCreation(record), file.bytes);
  await world.bucket.deleteVersion(record.key, record.versionId);
  expect(await repair(record)).toEqual({ outcome: 'repaired', note: 'version gone' });
  expect(await world.records.get(record.id)).toMatchObject({ versionId: other.versionId, status: 'ACTIVE' });
  await expectHealed(record);
});

it('is DELETED when its bytes are gone, ends red, and comes back with them', async () => {
  const file = anUpload();
  const record = await completed(world, await sent(world, file));
  await world.bucket.deleteVersion(record.key, record.versionId);
  expect(await repair(record)).toMatchObject({ outcome: 'repaired' });
  expect(await world.records.get(record.id)).toMatchObject({ status: 'DELETED', deletionReason: 'bytes_lost' });
  const life = world.temporal.workflow.getHandle(artifactWorkflowId(record.id));
  await expect.poll(async () => (await life.describe()).status.name).toBe('FAILED');
  expect(await repair(record)).toBe(false);

  const { versionId } = await world.bucket.put(objectAtCreation(record), file.bytes);
  const row = await world.records.get(record.id);
  expect(await repair(record, row ?? undefined)).toEqual({ outcome: 'repaired', note: 'its bytes are back' });
  expect(await world.records.get(record.id)).toMatchObject({
    ...{ status: 'ACTIVE', deletionReason: null, versionId, expiresAtMs: record.expiresAtMs },
  });
  await expectHealed(record);
});

it('writes its row again as it was when somebody has changed or removed it', async () => {
  const record = await anArtifact(world, { tags: { team: 'blue', z: '1', a: '2' } });
  await world.lifecycle.keepForever(record.id, { reason: 'evidence', actor: 'ann' });
  const kept = await world.records.get(record.id);
  await database.query(
    `UPDATE artifacts SET file_size = 1, storage_class = 'GLACIER', etag = 'x', retention = '{"rule":"default","days":1}',
       permanent = false, expires_at = now() WHERE id = $1`,
    [record.id],
  );
  expect(await repair(record)).toEqual({ outcome: 'repaired', note: 'row differs' });
  expect(await world.records.get(record.id)).toEqual({
    ...kept,
    revision: (kept?.revision ?? 0) + 1,
    updatedAtMs: expect.any(Number) as number,
  });
  await expectHealed(record);

  await database.query('DELETE FROM artifacts WHERE id = $1', [record.id]);
  expect(await repair(record)).toEqual({ outcome: 'repaired', note: 'its row was gone' });
  expect(await world.records.get(record.id)).toMatchObject({ status: 'ACTIVE', retention: kept?.retention });
  await expectHealed(record);
});
