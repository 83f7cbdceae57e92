import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createPool } from '../../../src/db/pool.js';
import { createArtifactRecords } from '../../../src/db/sql-artifact-records.js';
import { createRowInventory } from '../../../src/db/sql-row-inventory.js';
import { createLocalBucket } from '../../../src/storage/bucket/create-local-bucket.js';
import type { ObjectStore } from '../../../src/storage/object-store.js';
import { createS3ObjectStore } from '../../../src/storage/s3/index.js';
import { InspectedWorld, type InspectedOptions } from '../../support/inspected-world.js';
import { INJURIES } from '../../support/injuries.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.js';
import { CAPABLE_OF_ALL } from '../../support/virtual-time/virtual-artifact.js';

/*
 * The same injuries as over memory, on real servers: the bucket of one test and its rows are nobody else's. Workflows are said to run.
 */

let database: TestDatabase;
let pool: Pool;
const stores: ObjectStore[] = [];

beforeAll(async () => {
  database = await createTestDatabase(inject('databaseUrl'));
  pool = createPool(database.databaseUrl);
});

afterAll(async () => {
  for (const store of stores) store.close();
  await pool.end();
  await database.drop();
});

/** With an empty bucket, and without the rows of the test before. What is made here cannot be made older, so age counts for nothing. */
async function world(options: InspectedOptions = {}): Promise<InspectedWorld> {
  await pool.query('DELETE FROM executions');
  const { endpoint, accessKey: accessKeyId, secretKey: secretAccessKey } = inject('versitygw');
  const bucket = `reconcile-${randomUUID()}`;
  await createLocalBucket({ endpoint, bucket, accessKeyId, secretAccessKey });
  const credentials = { accessKeyId, secretAccessKey };
  const store = createS3ObjectStore({ bucket, region: 'us-east-1', endpoint, credentials });
  stores.push(store);
  const deleteExecution = async (id: string): Promise<void> => {
    await pool.query('DELETE FROM executions WHERE id = $1', [id]);
  };
  const rows = createRowInventory(pool);
  return new InspectedWorld(
    // A class that a row says and the store has not is drift also where there are none.
    { store, records: createArtifactRecords(pool), rows, capabilities: CAPABLE_OF_ALL, deleteExecution },
    { ...options, patience: { uploadMs: -1_000, ...options.patience } },
  );
}

describe('on versitygw and Postgres', () => {
  it('every injury is found once, with both sides', async () => {
    const at = await world();
    const all = [];
    for (const injury of INJURIES) all.push({ injury, expected: await injury.injure(at) });
    await at.writeManifests();
    for (const { injury, expected } of all) await injury.afterwards?.(at, expected);
    const found = await at.findings();
    const name = ({ kind, subject }: { kind: string; subject: string }): string => `${kind} ${subject}`;
    const expected = all.map(({ injury: { kind }, expected: { subject } }) => name({ kind, subject }));
    expect(found.map(name).sort()).toEqual(expected.sort());
    for (const { injury, expected } of all) {
      const { sizeBytes, ...rest } = expected;
      const one = found.find((finding) => finding.kind === injury.kind && finding.subject === expected.subject);
      expect(one).toMatchObject({ ...rest, ...(sizeBytes === null ? {} : { sizeBytes }) });
    }
  });

  it('nothing is found among what is well, in small pages and in the order of its folders', async () => {
    const at = await world({ pageSize: 3 });
    const executionId = randomUUID();
    // Where a walk through folders and the order of keys part.
    for (const path of ['a', 'a-b', 'a.b/c', 'a+b', 'ab', 'A', '가', 'd/e/f', 'd-e', 'd.e'])
      await at.active({ executionId, path: `output/${path}` });
    for (let count = 0; count < 3; count += 1) await at.active();
    const windowed = await at.active();
    await at.parts.store.addDeleteMarker(windowed.key);
    await at.change(windowed.id, { status: 'DELETED', purgeAtMs: Date.now() + 60_000 });
    await at.active({ executionId: windowed.executionId, path: windowed.path });
    await at.begun();
    await at.writeManifests();
    expect(await at.findings()).toEqual([]);
    // Five manifests are objects too.
    expect(await at.inspect('inspectBucket', 'counted')).toMatchObject({ rows: 16, objects: 20 });
  });
});
