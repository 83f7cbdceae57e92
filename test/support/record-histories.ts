/*
 * Records whole lives as histories for the replay test: `npm run histories -- <version>`, once per change of the workflow.
 * Files of earlier versions stay: a worker that is deployed must be able to go on with every life that began under them.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { createActivities } from '../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { findTemporal } from '../../src/dev/servers/temporal.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import { DAY_MS, SECOND_MS } from '../../src/domain/units.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import { INDEXED_VALUE_TYPE } from '../../src/temporal/search-attributes.js';
import type { artifactLifecycle } from '../../src/workflows/artifact-lifecycle.js';
import * as messages from '../../src/workflows/messages.js';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/search-attributes.js';
import { findJavaTestServer } from './java-test-server.js';
import { aNewUpload, BYTES, NO_OTHERS, sha256 } from './virtual-time/virtual-artifact.js';

type Handle = WorkflowHandleWithFirstExecutionRunId<typeof artifactLifecycle>;

const TASK_QUEUE = 'record-histories';
const actor = 'recorder';

interface World {
  environment: TestWorkflowEnvironment;
  store: MemoryObjectStore;
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
    return handle.result();
  },
  'deleted-while-the-store-fails': async (handle, { store }) => {
    store.outage = 'storage_unavailable';
    await handle.executeUpdate(messages.deleteArtifact, { args: [{ actor }] }).catch(() => undefined);
    store.outage = null;
    return handle.query(messages.describe);
  },
  active: (handle) => handle.query(messages.describe),
};

async function recordIn(environment: TestWorkflowEnvironment, lives: typeof LIVES): Promise<Map<string, unknown>> {
  const store = new MemoryObjectStore();
  const records = new MemoryArtifactRecords();
  await environment.connection.operatorService.addSearchAttributes({
    namespace: 'default',
    searchAttributes: Object.fromEntries(SEARCH_ATTRIBUTES.map((key) => [key.name, INDEXED_VALUE_TYPE[key.type]])),
  });
  const worker = await Worker.create({
    connection: environment.nativeConnection,
    taskQueue: TASK_QUEUE,
    workflowsPath: fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url)),
    activities: createActivities({
      store,
      records,
      lives: NO_OTHERS,
      capabilities: { versioning: true, storageClasses: true, restore: true, enforcesChecksums: false },
      settings: {
        defaultRetentionDays: 30,
        uploadDeadlineMs: DAY_MS,
        putUrlMs: SECOND_MS,
        restorePollMs: SECOND_MS,
        policy: DEFAULT_POLICY,
      },
    }),
  });
  return worker.runUntil(async () => {
    const histories = new Map<string, unknown>();
    for (const [name, live] of Object.entries(lives)) {
      const upload = aNewUpload();
      const handle = await environment.client.workflow.start<typeof artifactLifecycle>('artifactLifecycle', {
        workflowId: `artifact/${upload.artifactId}`,
        taskQueue: TASK_QUEUE,
        args: [{ upload }],
      });
      const record = await handle.executeUpdate(messages.beginUpload);
      await store.put(objectAtCreation(record), BYTES);
      const claim = { sizeBytes: BYTES.length, sha256: sha256(BYTES), actor };
      await handle.executeUpdate(messages.completeUpload, { args: [claim] });
      await live(handle, { environment, store });
      histories.set(name, JSON.parse(historyToJSON(await handle.fetchHistory())));
    }
    return histories;
  });
}

async function main(version: string | undefined): Promise<void> {
  if (version === undefined) throw new Error('say for which version: npm run histories -- 0.1.0');
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const path = await findTemporal(console.log);
  const dev = await TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'existing-path', path } } });
  const histories = await recordIn(dev, LIVES).finally(() => dev.teardown());
  const java = await findJavaTestServer(console.log);
  if (!('path' in java)) throw new Error(java.missing);
  const skipping = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path: java.path } },
  });
  const expired = await recordIn(skipping, { 'expired-after-30-days': (handle) => handle.result() }).finally(() =>
    skipping.teardown(),
  );
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const folder = `${root}test/histories/`;
  await mkdir(folder, { recursive: true });
  for (const [name, history] of [...histories, ...expired]) {
    const file = `${folder}${version}-${name}.json`;
    // Stack traces of failures name the folder of whoever recorded them.
    await writeFile(file, `${JSON.stringify(history, null, 1).replaceAll(root, '')}\n`);
    console.log(`${file}: ${(history as { events: unknown[] }).events.length} events`);
  }
}

await main(process.argv[2]);
