import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { artifactWorkflowId } from '../../src/temporal/ids.js';
import { failedOf, openDriftWorld, outcomes, type DriftWorld } from '../support/drift-world.js';
import { anArtifact, look, type LifeWorld } from '../support/life-world.js';

/*
 * What the other store of the tests has not: storage classes. Without versions, a copy onto itself changes the class in place, as a rule of a
 * bucket does, and other bytes take the place of those that were there.
 */

let drift: DriftWorld;
let world: LifeWorld;
beforeAll(async () => {
  drift = await openDriftWorld({ store: 'moto', versioning: false });
  world = drift.world;
});
afterAll(() => drift.close());

const reconcile: DriftWorld['reconcile'] = (...options) => drift.reconcile(...options);
const overwrite = (record: ArtifactRecord) => world.bucket.put(objectAtCreation(record), Buffer.from('other bytes'));

/** Its deadline came, and passed long ago, while nobody led its life. */
async function expire({ id }: ArtifactRecord): Promise<void> {
  await world.temporal.workflow.getHandle(artifactWorkflowId(id)).terminate('as a test wants it');
  await drift.database.query(
    `UPDATE artifacts SET created_at = created_at - interval '31 days', expires_at = expires_at - interval '31 days' WHERE id = $1`,
    [id],
  );
}

it('other classes, other bytes and what has expired are found, healed, and not found again', async () => {
  const next = () => anArtifact(world);
  const [healthy, warmed, archived, overwritten, expired] = [
    await next(),
    await next(),
    await next(),
    await next(),
    await next(),
  ];
  await world.bucket.copyToClass(warmed, 'STANDARD_IA');
  await world.bucket.copyToClass(archived, 'GLACIER');
  await overwrite(overwritten);
  await expire(expired);

  const found = await reconcile();
  expect(found).toMatchObject({ code: 1, isConsistent: false });
  const subjects = found.findings.map(({ kind, subject }) => [kind, subject]);
  for (const [kind, { id }] of [
    ['class_differs', warmed],
    ['class_differs', archived],
    ['bytes_differ', overwritten],
    ['expired_present', expired],
    ['life_missing', expired],
  ] as const)
    expect(subjects).toContainEqual([kind, id]);
  expect(found.findings.filter(({ artifactId }) => artifactId === healthy.id)).toEqual([]);

  const healed = await reconcile('--repair');
  expect(failedOf(healed)).toEqual([]);
  expect(healed).toMatchObject({ code: 0, isConsistent: true });
  expect(await look(world, warmed.id)).toMatchObject({
    row: { status: 'ACTIVE', tier: 'WARM', storageClass: 'STANDARD_IA' },
  });
  expect(await look(world, archived.id)).toMatchObject({
    row: { status: 'ARCHIVED', tier: 'COLD', storageClass: 'GLACIER' },
  });
  // Read back by a whole worker, which has a queue for that.
  await world.stack.startWorker();
  await expect
    .poll(() => world.records.get(overwritten.id), { interval: 500 })
    .toMatchObject({ status: 'ACTIVE', checksumState: 'mismatch' });
  await world.stack.kill9Worker();
  expect(await world.records.get(expired.id)).toMatchObject({ status: 'DELETED', deletionReason: 'expired' });
  expect(await world.bucket.head(expired)).toBeNull();

  // The last change of a row is a few seconds older than what its manifest says of it.
  await expect.poll(async () => outcomes(await reconcile()), { interval: 1_000 }).toEqual([]);
  expect(await reconcile('--last')).toMatchObject({ code: 0, isConsistent: true });
});
