/*
 * Records whole lives as histories for the replay test: `npm run histories -- <version> [name…]`, once per change of a workflow.
 * Files of earlier versions stay: a worker that is deployed must be able to go on with every life that began under them.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import {
  WithStartWorkflowOperation,
  type Client,
  type WorkflowHandle,
  type WorkflowHandleWithFirstExecutionRunId,
} from '@temporalio/client';
import { openDatabasesOfBucket } from '../../src/bucket-databases.js';
import { createActivities } from '../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { MemoryDatabaseIdentity } from '../../src/db/memory/memory-database-identity.js';
import { MemoryQuarantine } from '../../src/db/memory/memory-quarantine.js';
import { MemoryShares } from '../../src/db/memory/memory-shares.js';
import { MemoryReconciliations } from '../../src/db/memory/memory-reconciliations.js';
import { MemoryRowInventory } from '../../src/db/memory/memory-row-inventory.js';
import { findTemporal } from '../../src/dev/servers/temporal.js';
import { RECONCILIATION_WORKFLOW_ID } from '../../src/domain/reconcile.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import { DAY_MS, SECOND_MS } from '../../src/domain/units.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import { artifactLives } from '../../src/temporal/artifact-lives.js';
import {
  artifactWorkflowId,
  executionDeletionWorkflowId,
  executionManifestWorkflowId,
  executionRetentionWorkflowId,
  READ_BACK_TASK_QUEUE,
} from '../../src/temporal/ids.js';
import { createFleet } from '../../src/temporal/fleet.js';
import { INDEXED_VALUE_TYPE } from '../../src/temporal/search-attributes.js';
import type { artifactLifecycle } from '../../src/workflows/artifact-lifecycle.js';
import type { executionDeletion } from '../../src/workflows/execution-deletion.js';
import type { executionManifest } from '../../src/workflows/execution-manifest.js';
import type { executionRetention } from '../../src/workflows/execution-retention.js';
import type { reconcile } from '../../src/workflows/reconcile.js';
import * as messages from '../../src/workflows/messages.js';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/search-attributes.js';
import { findJavaTestServer } from './java-test-server.js';
import { aNewUpload, BYTES, sendParts, sha256 } from './virtual-time/virtual-artifact.js';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof artifactLifecycle>;

const TASK_QUEUE = 'record-histories';
const actor = 'recorder';

interface World {
  environment: TestWorkflowEnvironment;
  store: MemoryObjectStore;
  records: MemoryArtifactRecords;
}

/** What happens to an ACTIVE artifact in each recorded life. */
const LIVES: Record<string, (handle: Handle, world: World) => Promise<unknown>> = {
  'kept-archived-restored-deleted': async (handle, { store }) => {
    await handle.signal(messages.keepForeverSignal, { reason: 'recorded' });
    await handle.executeUpdate(messages.archiveArtifact, { args: [{ actor }] });
    await handle.executeUpdate(messages.restoreArtifact, { args: [{ tier: 'Standard', actor }] });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    store.finishRestores();
    for (let tries = 0; tries < 50; tries++) {
      if ((await handle.query(messages.describe)).record.status === 'ACTIVE') break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await handle.executeUpdate(messages.setRetention, { args: [{ days: 90, confirm: false, actor }] });
    await handle.executeUpdate(messages.deleteArtifact, { args: [{ actor }] });
    await handle.executeUpdate(messages.purgeArtifact, { args: [{ actor }] });
    return handle.result();
  },
  'restored-when-asked-again': async (handle, { store }) => {
    await handle.executeUpdate(messages.archiveArtifact, { args: [{ actor }] });
    await handle.executeUpdate(messages.restoreArtifact, { args: [{ tier: 'Bulk', actor }] });
    await handle.signal(messages.restoreArtifactSignal, { actor });
    store.finishRestores();
    await handle.executeUpdate(messages.restoreArtifact, { args: [{ tier: 'Standard', actor }] });
    while ((await handle.query(messages.describe)).record.status !== 'ACTIVE')
      await new Promise((resolve) => setTimeout(resolve, 100));
    return handle.executeUpdate(messages.restoreArtifact, { args: [{ tier: 'Standard', actor }] });
  },
  'deleted-while-the-store-fails': async (handle, { store }) => {
    store.outage = 'storage_unavailable';
    await handle.executeUpdate(messages.deleteArtifact, { args: [{ actor }] }).catch(() => undefined);
    store.outage = null;
    return handle.query(messages.describe);
  },
  'held-deleted-undeleted-purged': async (handle) => {
    const hold = { id: randomUUID(), reason: 'recorded', untilMs: null };
    await handle.executeUpdate(messages.addHold, { args: [{ hold, actor }] });
    await handle.executeUpdate(messages.deleteArtifact, { args: [{ actor }] }).catch(() => undefined);
    await handle.executeUpdate(messages.endHold, { args: [{ holdId: hold.id, actor }] });
    // Once the signed PUT is dead, no sweep follows.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await handle.executeUpdate(messages.deleteArtifact, { args: [{ actor }] });
    await handle.executeUpdate(messages.undeleteArtifact, { args: [{ actor }] });
    await handle.executeUpdate(messages.purgeArtifact, { args: [{ actor }] });
    return handle.result();
  },
  'kept-while-expiring-and-the-store-fails': async (handle, { store }) => {
    store.outage = 'storage_unavailable';
    const expiresAtMs = Date.now() + SECOND_MS;
    await handle.executeUpdate(messages.setRetention, { args: [{ expiresAtMs, confirm: false, actor }] });
    while ((await handle.query(messages.describe)).next.kind !== 'delete' || Date.now() < expiresAtMs + 10 * SECOND_MS)
      await new Promise((resolve) => setTimeout(resolve, 200));
    store.outage = null;
    await handle.signal(messages.keepForeverSignal, { reason: 'recorded', actor });
    while ((await handle.query(messages.describe)).record.retention.rule !== 'permanent')
      await new Promise((resolve) => setTimeout(resolve, 500));
    return handle.query(messages.describe);
  },
  'tagged-while-the-store-fails-and-archived': async (handle, { store }) => {
    await handle.executeUpdate(messages.setTags, { args: [{ tags: { a: '1' }, merge: true, actor }] });
    store.outage = 'storage_unavailable';
    await handle.executeUpdate(messages.setTags, { args: [{ tags: { b: '2' }, merge: false, actor }] });
    store.outage = null;
    await handle.signal(messages.setTagsSignal, { tags: { c: '3' } });
    await handle.executeUpdate(messages.archiveArtifact, { args: [{ actor }] });
    return handle.query(messages.describe);
  },
  'repaired-until-its-bytes-are-gone': async (handle, { store }) => {
    const repair = () => handle.executeUpdate(messages.repairArtifact, { args: [{ actor }] });
    await repair();
    const { record } = await handle.query(messages.describe);
    await store.addDeleteMarker(record.key);
    await store.putTags(record, {});
    await repair();
    await store.copyToClass(record, 'GLACIER');
    await store.deleteVersion(record.key, record.versionId);
    await handle.signal(messages.repairArtifactSignal, {});
    await handle.executeUpdate(messages.restoreArtifact, { args: [{ tier: 'Standard', actor }] });
    for (const { versionId } of await store.listVersions(record.key)) await store.deleteVersion(record.key, versionId);
    await repair();
    return handle.result().catch(() => undefined);
  },
  'row-set-back-and-repaired': async (handle, { records }) => {
    const { record: before } = await handle.query(messages.describe);
    await handle.executeUpdate(messages.keepForever, { args: [{ reason: 'recorded', actor }] });
    const get = records.get.bind(records);
    // As of an older backup, until it was looked at.
    records.get = (id) => {
      if (id !== before.id) return get(id);
      records.get = get;
      return Promise.resolve(before);
    };
    await handle.executeUpdate(messages.repairArtifact, { args: [{ actor }] });
    await handle.executeUpdate(messages.archiveArtifact, { args: [{ actor }] });
    return handle.query(messages.describe);
  },
  active: (handle) => handle.query(messages.describe),
};

/** What happens to one that was uploaded in parts to a store that checks them, while it is read back, which takes a few seconds. */
const LIVES_IN_PARTS: typeof LIVES = {
  'in-parts-kept-while-read-back': async (handle) => {
    await handle.executeUpdate(messages.keepForever, { args: [{ reason: 'recorded', actor }] });
    return isReadBack(handle);
  },
  'in-parts-deleted-while-read-back-and-undeleted': async (handle) => {
    await new Promise((resolve) => setTimeout(resolve, SECOND_MS));
    await handle.executeUpdate(messages.deleteArtifact, { args: [{ actor }] });
    await handle.executeUpdate(messages.undeleteArtifact, { args: [{ actor }] });
    return isReadBack(handle);
  },
  'in-parts-archived-while-read-back-and-restored': async (handle, { store }) => {
    await handle.executeUpdate(messages.archiveArtifact, { args: [{ actor }] });
    await handle.executeUpdate(messages.restoreArtifact, { args: [{ tier: 'Standard', actor }] });
    store.finishRestores();
    return isReadBack(handle);
  },
};

async function isReadBack(handle: Handle): Promise<void> {
  while ((await handle.query(messages.describe)).record.checksumState === 'claimed')
    await new Promise((resolve) => setTimeout(resolve, 200));
}

/** The same on a server that skips time. */
const LONG_LIVES: typeof LIVES = {
  'expired-after-30-days': (handle) => handle.result(),
  'warm-cold-restored-until-a-timed-hold-ends': async (handle, { environment, store }) => {
    await handle.executeUpdate(messages.setRetention, { args: [{ days: 200, confirm: false, actor }] });
    const { createdAtMs } = (await handle.query(messages.describe)).record;
    const hold = { id: randomUUID(), reason: 'recorded', untilMs: createdAtMs + 210 * DAY_MS };
    await handle.executeUpdate(messages.addHold, { args: [{ hold, actor }] });
    await environment.sleep('100 days');
    await handle.executeUpdate(messages.restoreArtifact, { args: [{ tier: 'Bulk', actor }] });
    store.finishRestores();
    return handle.result();
  },
};

/** What happens to an execution of three artifacts; the workflow whose history is kept. */
const EXECUTIONS: Record<string, (client: Client, executionId: string) => Promise<WorkflowHandle>> = {
  'execution-retention': async (client, executionId) => {
    const startWorkflowOperation = new WithStartWorkflowOperation<typeof executionRetention>('executionRetention', {
      workflowId: executionRetentionWorkflowId(executionId),
      taskQueue: TASK_QUEUE,
      args: [{ executionId }],
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    await client.workflow.executeUpdateWithStart(messages.setExecutionRetention, {
      args: [{ tenantId: aNewUpload().tenantId, days: 90, actor }],
      startWorkflowOperation,
    });
    const handle = await startWorkflowOperation.workflowHandle();
    await handle.result();
    return handle;
  },
  'execution-deletion': async (client, executionId) => {
    const handle = await client.workflow.start<typeof executionDeletion>('executionDeletion', {
      workflowId: executionDeletionWorkflowId(executionId),
      taskQueue: TASK_QUEUE,
      args: [{ executionId, request: { deletionId: randomUUID(), actor } }],
    });
    await handle.executeUpdate(messages.deleteExecutionArtifacts, { args: [{ deletionId: randomUUID(), actor }] });
    await handle.result();
    return handle;
  },
  'execution-manifest': async (client, executionId) => {
    const handle = await client.workflow.start<typeof executionManifest>('executionManifest', {
      // Not its own id: under that one the artifacts have started it, on a queue that nobody serves here.
      workflowId: `${executionManifestWorkflowId(executionId)}/recorded`,
      taskQueue: TASK_QUEUE,
      args: [{ executionId }],
    });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await handle.signal(messages.executionChanged);
    await handle.result();
    return handle;
  },
  reconciliation: async (client) => {
    const handle = await client.workflow.start<typeof reconcile>('reconcile', {
      workflowId: RECONCILIATION_WORKFLOW_ID,
      taskQueue: TASK_QUEUE,
      args: [{ mode: 'repair' }],
    });
    await handle.result();
    return handle;
  },
};

interface Scripts {
  lives?: typeof LIVES;
  livesInParts?: typeof LIVES;
  executions?: typeof EXECUTIONS;
}

const READING_MS = 3 * SECOND_MS;

/** A store whose bytes take a while to come. */
class SlowStore extends MemoryObjectStore {
  override async read(...args: Parameters<MemoryObjectStore['read']>): ReturnType<MemoryObjectStore['read']> {
    await new Promise((resolve) => setTimeout(resolve, READING_MS));
    return super.read(...args);
  }
}

async function recordIn(environment: TestWorkflowEnvironment, scripts: Scripts): Promise<Map<string, unknown>> {
  const inParts = scripts.livesInParts !== undefined;
  const store = inParts ? new SlowStore() : new MemoryObjectStore();
  const records = new MemoryArtifactRecords();
  await environment.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(SEARCH_ATTRIBUTES.map((key) => [key.name, INDEXED_VALUE_TYPE[key.type]])),
  });
  const activities = createActivities({
    store,
    records,
    lives: artifactLives(environment.client),
    ...{ reconciliations: new MemoryReconciliations(), quarantine: new MemoryQuarantine() },
    databases: openDatabasesOfBucket({ store, identity: new MemoryDatabaseIdentity(), name: 'ours' }),
    shares: new MemoryShares(records),
    inspection: {
      ...{
        rows: new MemoryRowInventory(records),
        fleet: createFleet(environment.client),
        pace: () => Promise.resolve(),
      },
      patience: { secondLookMs: 0, quietRowsMs: 0 },
    },
    capabilities: { versioning: true, storageClasses: true, restore: true, enforcesChecksums: inParts },
    settings: {
      defaultRetentionDays: 30,
      uploadDeadlineMs: DAY_MS,
      putUrlMs: SECOND_MS,
      restorePollMs: SECOND_MS,
      policy: DEFAULT_POLICY,
      reconciliation: { quarantineDays: 7, keepDays: 30 },
    },
  });
  const connection = environment.nativeConnection;
  const worker = await Worker.create({
    connection,
    taskQueue: TASK_QUEUE,
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    activities,
  });
  const reader = await Worker.create({ connection, taskQueue: READ_BACK_TASK_QUEUE, activities });
  const { client } = environment;
  const upload = async (executionId: string, path: string): Promise<Handle> => {
    const newUpload = aNewUpload({ executionId, path, ...(inParts ? { sizeBytes: null, sha256: null } : {}) });
    const handle = await client.workflow.start<typeof artifactLifecycle>('artifactLifecycle', {
      workflowId: artifactWorkflowId(newUpload.artifactId),
      taskQueue: TASK_QUEUE,
      args: [{ upload: newUpload }],
    });
    const record = await handle.executeUpdate(messages.beginUpload);
    await (inParts ? sendParts(store, record, BYTES) : store.put(objectAtCreation(record), BYTES));
    const claim = { sizeBytes: BYTES.length, sha256: sha256(BYTES), actor };
    await handle.executeUpdate(messages.completeUpload, { args: [claim] });
    return handle;
  };
  const record = async (): Promise<Map<string, unknown>> => {
    const histories = new Map<string, unknown>();
    const keep = async (name: string, handle: WorkflowHandle): Promise<void> => {
      histories.set(name, JSON.parse(historyToJSON(await handle.fetchHistory())));
    };
    for (const [name, live] of Object.entries({ ...scripts.lives, ...scripts.livesInParts })) {
      const handle = await upload(randomUUID(), 'output/report.txt');
      await live(handle, { environment, store, records });
      await keep(name, handle);
    }
    for (const [name, happen] of Object.entries(scripts.executions ?? {})) {
      const executionId = randomUUID();
      for (const file of ['a', 'b', 'c']) await upload(executionId, `output/${file}.txt`);
      await keep(name, await happen(client, executionId));
    }
    return histories;
  };
  return worker.runUntil(() => reader.runUntil(record));
}

const named = <T>(scripts: Record<string, T>, names: string[]): Record<string, T> =>
  Object.fromEntries(Object.entries(scripts).filter(([name]) => names.length === 0 || names.includes(name)));

async function main(version: string | undefined, names: string[]): Promise<void> {
  if (version === undefined) throw new Error('say for which version: npm run histories -- 0.1.0 [name…]');
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const path = await findTemporal(console.log);
  const dev = await TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'existing-path', path } } });
  const scripts = { lives: named(LIVES, names), executions: named(EXECUTIONS, names) };
  const livesInParts = named(LIVES_IN_PARTS, names);
  const histories = await (async () => [
    ...(await recordIn(dev, scripts)),
    ...(Object.keys(livesInParts).length === 0 ? [] : await recordIn(dev, { livesInParts })),
  ])().finally(() => dev.teardown());
  const long = named(LONG_LIVES, names);
  const longHistories = Object.keys(long).length === 0 ? new Map<string, unknown>() : await recordLong(long);
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const folder = `${root}test/histories/`;
  await mkdir(folder, { recursive: true });
  for (const [name, history] of [...histories, ...longHistories]) {
    const file = `${folder}${version}-${name}.json`;
    // Stack traces of failures name the folder of whoever recorded them.
    await writeFile(file, `${JSON.stringify(history, null, 1).replaceAll(root, '')}\n`);
    console.log(`${file}: ${(history as { events: unknown[] }).events.length} events`);
  }
}

async function recordLong(lives: typeof LIVES): Promise<Map<string, unknown>> {
  const java = await findJavaTestServer(console.log);
  if (!('path' in java)) throw new Error(java.missing);
  const skipping = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: java.path } },
  });
  return recordIn(skipping, { lives }).finally(() => skipping.teardown());
}

const [version, ...names] = process.argv.slice(2);
await main(version, names);
