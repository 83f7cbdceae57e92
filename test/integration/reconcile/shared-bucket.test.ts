import { randomUUID } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createActivities } from '../../../src/activities/index.js';
import { loadConfig, type Config } from '../../../src/config.js';
import { openDatabases, openRecords, openStore } from '../../../src/deps.js';
import { AT_WORK_MS } from '../../../src/domain/bucket-databases.js';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import type { Finding } from '../../../src/domain/drift.js';
import { NOTHING_INSPECTED } from '../../../src/domain/drift.js';
import { databaseKey } from '../../../src/domain/keys.js';
import { DEFAULT_POLICY } from '../../../src/domain/policy.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { databasesVerdict } from '../../../src/operator/doctor/areas/bucket-databases.js';
import { rebuild } from '../../../src/operator/rebuild/rebuild.js';
import type { RebuildReport } from '../../../src/domain/rebuild.js';
import { createLocalBucket } from '../../../src/storage/bucket/create-local-bucket.js';
import { runArtifacts } from '../../support/cli.js';
import { MemoryFleet } from '../../support/memory-fleet.js';
import { changeOf, newArtifact } from '../../support/new-artifact.js';
import { NOTHING_RUNS } from '../../support/nothing-runs.js';
import { createTestDatabase, type TestDatabase } from '../../support/postgres.js';
import { aFinding, objectOf } from '../../support/settling-world.js';
import { CAPABLE_OF_ALL, NO_OTHERS, QUIET, SETTINGS } from '../../support/virtual-time/virtual-artifact.js';

/* Two deployments, each with a database of its own, and by mistake one bucket, on the real servers. */

/** Hours later, so that nothing is too young: the store's clock is that of this machine. */
const LATER_MS = 40 * DAY_MS;

interface Deployment {
  config: Config;
  env: Record<string, string>;
  database: TestDatabase;
  opened: ReturnType<typeof openRecords>;
  store: ReturnType<typeof openStore>;
  databases: ReturnType<typeof openDatabases>;
}

let bucketEnv: Record<string, string>;
const all: Deployment[] = [];
let first: Deployment;
let second: Deployment;

beforeAll(async () => {
  const { endpoint, accessKey: accessKeyId, secretKey: secretAccessKey } = inject('versitygw');
  const bucket = `shared-${randomUUID()}`;
  await createLocalBucket({ endpoint, bucket, accessKeyId, secretAccessKey });
  bucketEnv = {
    ...{ S3_ENDPOINT: endpoint, S3_REGION: 'us-east-1', S3_BUCKET: bucket },
    ...{ AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
  };
  [first, second] = [await deployment(), await deployment()];
});
afterAll(async () => {
  for (const { store, opened, database } of all) {
    store.close();
    await opened.close();
    await database.drop();
  }
});

async function deployment(): Promise<Deployment> {
  const database = await createTestDatabase(inject('databaseUrl'));
  const env = { ...bucketEnv, DATABASE_URL: database.databaseUrl };
  const config = loadConfig(env);
  const [opened, store] = [openRecords(config), openStore(config)];
  // All of the tests are copies of one.
  await opened.identity.becomeAnother(await opened.identity.databaseId());
  const databases = openDatabases(config, { store, identity: opened.identity });
  all.push({ config, env, database, opened, store, databases });
  return all.at(-1)!;
}

/** An artifact that only this deployment knows. */
async function stored({ opened: { records }, store }: Deployment): Promise<ArtifactRecord> {
  const record = await records.register(newArtifact());
  const { versionId, etag } = await store.put(objectAtCreation(record), Buffer.from('some bytes'));
  return records.change(changeOf(record.id, 1, { status: 'ACTIVE', versionId, etag }));
}

/** What a repair makes of these findings so many days from now, with what it weighs before. */
async function repair({ opened, store, databases }: Deployment, findings: Finding[], inMs: number) {
  const { records, reconciliations, quarantine, shares } = opened;
  const activities = createActivities({
    ...{ records, reconciliations, quarantine, shares, databases, lives: NO_OTHERS, capabilities: CAPABLE_OF_ALL },
    inspection: { fleet: new MemoryFleet(), rows: opened.rows, pace: () => Promise.resolve() },
    // As if the store had grown older too.
    store: { ...store, put: async (...given) => later(await store.put(...given)) },
    settings: { ...SETTINGS, reconciliation: { quarantineDays: 7, keepDays: 30 } },
  });
  function later<T extends { lastModifiedMs: number }>(info: T): T {
    return { ...info, lastModifiedMs: info.lastModifiedMs + inMs };
  }
  const [runId, startedAtMs, mode] = [randomUUID(), Date.now() + inMs, 'repair' as const];
  const inspected = { ...NOTHING_INSPECTED, rows: 100, objects: 100 };
  await new MockActivityEnvironment({}, { logger: QUIET }).run(async () => {
    await activities.beginReconciliation({ id: runId, mode, startedAtMs });
    await reconciliations.addFindings(runId, findings);
    const brake = await activities.weighRepair({ runId, startedAtMs, inspected });
    await activities.settleFindings({ runId, mode, startedAtMs, afterNumber: 0, brake });
  });
  return reconciliations.listFindings({ runId, tenantId: null, afterNumber: 0, limit: 100 });
}

const unknown = ({ key, versionId }: ArtifactRecord): Finding => aFinding({ kind: 'object_unknown', key, versionId });

/** As an operator would, with the lives of nobody. */
function rebuilt({ opened, store, databases }: Deployment, lost: string[]): Promise<RebuildReport> {
  const { records, rows } = opened;
  return rebuild(
    {
      ...{ store, records, rows, databases, storeNowMs: () => Promise.resolve(Date.now()) },
      // Temporal is another one's.
      ...NOTHING_RUNS,
    },
    {
      ...{ apply: true, tenantId: 'acme', lost, perSecond: 10_000, defaultRetentionDays: 30, policy: DEFAULT_POLICY },
      ...{ signal: new AbortController().signal, tell: () => undefined },
    },
  );
}

describe('two databases that work with one bucket', () => {
  let [ofFirst, ofSecond]: ArtifactRecord[] = [];

  it('remove nothing of each other, however long that was in quarantine, and say why', async () => {
    // Before anybody said anything, the bucket was that of one as far as it knew.
    ofSecond = await stored(second);
    await first.databases.enter();
    expect(await repair(first, [unknown(ofSecond)], 0)).toMatchObject([{ outcome: 'quarantined' }]);
    await second.databases.enter();
    ofFirst = await stored(first);
    const findings: [Deployment, ArtifactRecord, Deployment][] = [
      [first, ofSecond, second],
      [second, ofFirst, first],
    ];
    for (const [who, record, other] of findings)
      for (const inMs of [0, LATER_MS]) {
        const { id } = await other.databases.look();
        expect(await repair(who, [unknown(record)], inMs)).toMatchObject([
          { outcome: 'withheld', note: expect.stringContaining(id) as string },
        ]);
        expect(await who.store.listVersions(record.key)).toHaveLength(1);
      }
  });

  it('are told by the doctor, and by a command that says so with its exit code', async () => {
    const { id } = await second.databases.look();
    const verdict = await databasesVerdict(first.config, first.store);
    expect(verdict).toMatchObject({ status: 'failed', fact: expect.stringContaining(id) as string });
    const { code, out } = await runArtifacts(['bucket', 'databases'], { cwd: '/', env: first.env });
    expect([code, out.split('\n').filter((line) => line.startsWith(id))]).toEqual([
      6,
      [expect.stringContaining('another')],
    ]);
  });

  it('stay apart when one is rebuilt while the other is at work', async () => {
    await expect(rebuilt(second, [])).rejects.toMatchObject({ code: 'wrong_state' });
    expect(await second.opened.records.get(ofFirst!.id)).toBeNull();
  });

  it('become one when the other is lost and a rebuild has made its rows again', async () => {
    const { id } = await first.databases.look();
    expect(await rebuilt(second, [id])).toMatchObject({ takenOver: [id], rows: { object: { artifacts: 1 } } });
    expect(await second.store.listVersions(databaseKey(id))).toEqual([]);
    expect(await second.opened.records.get(ofFirst!.id)).toMatchObject({ status: 'ACTIVE' });
    const { key } = newArtifact();
    const { versionId } = await second.store.put(objectOf(key), Buffer.from('x'));
    const stray = aFinding({ kind: 'object_unknown', key, versionId });
    expect(await repair(second, [stray], 0)).toMatchObject([{ outcome: 'quarantined' }]);
    expect(await repair(second, [stray], LATER_MS)).toMatchObject([{ outcome: 'repaired' }]);
    expect((await databasesVerdict(second.config, second.store)).status).toBe('ok');
  });

  it('are two again when the one that was thought to be lost is not, until it is forgotten', async () => {
    await first.databases.enter();
    const { id } = await first.databases.look();
    const env = second.env;
    expect((await runArtifacts(['bucket', 'databases', '--json'], { cwd: '/', env })).code).toBe(6);
    const early = await runArtifacts(['bucket', 'databases', '--forget', id], { cwd: '/', env });
    expect([early.code, early.err]).toEqual([4, expect.stringContaining('was at work')]);
    const objects = join(inject('versitygw').dataDir, 'objects', second.store.bucket);
    const longAgo = new Date(Date.now() - AT_WORK_MS);
    await utimes(join(objects, databaseKey(id)), longAgo, longAgo);
    const forgotten = await runArtifacts(['bucket', 'databases', '--forget', id, '--json'], { cwd: '/', env });
    expect([forgotten.code, JSON.parse(forgotten.out)]).toMatchObject([0, { conflict: null, others: [] }]);
    expect((await runArtifacts(['bucket', 'databases', '--forget', id], { cwd: '/', env })).code).toBe(2);
    const own = (await second.databases.look()).id;
    expect((await runArtifacts(['bucket', 'databases', '--forget', own], { cwd: '/', env })).code).toBe(2);
  });
});
