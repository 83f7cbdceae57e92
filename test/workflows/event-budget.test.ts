import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { temporal } from '@temporalio/proto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createActivities } from '../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { DAY_MS, HOUR_MS } from '../../src/domain/units.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import { connectLifecycle } from '../../src/temporal/connect-lifecycle.js';
import { artifactWorkflowId, LIFECYCLE_TASK_QUEUE } from '../../src/temporal/ids.js';
import { INDEXED_VALUE_TYPE } from '../../src/temporal/search-attributes.js';
import type { artifactLifecycle } from '../../src/workflows/artifact-lifecycle.js';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/search-attributes.js';
import { aNewUpload, BYTES, NO_OTHERS, sha256 } from '../support/virtual-time/virtual-artifact.js';

const executable = inject('javaTestServer');

/** What every event of a history costs is paid for each of millions of artifacts, for as long as the server keeps closed runs. */
const BUDGET_EVENTS = 30;

const { EventType } = temporal.api.enums.v1;

describe.skipIf(executable === null)('a default artifact of 30 days', () => {
  let environment: TestWorkflowEnvironment;
  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    environment = await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path: executable ?? '' } },
    });
    await environment.connection.operatorService.addSearchAttributes({
      namespace: 'default',
      searchAttributes: Object.fromEntries(SEARCH_ATTRIBUTES.map((key) => [key.name, INDEXED_VALUE_TYPE[key.type]])),
    });
  });
  afterAll(() => environment.teardown());

  it(`costs at most ${BUDGET_EVENTS} events from its begin to its proven end, its warning included`, async () => {
    const store = new MemoryObjectStore();
    const records = new MemoryArtifactRecords();
    const capabilities = { versioning: true, storageClasses: true, restore: true, enforcesChecksums: true };
    const settings = {
      ...{ defaultRetentionDays: 30, uploadDeadlineMs: DAY_MS, putUrlMs: HOUR_MS, restorePollMs: HOUR_MS },
      policy: DEFAULT_POLICY,
    };
    const worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue: LIFECYCLE_TASK_QUEUE,
      workflowBundle: { codePath: inject('workflowBundle') },
      activities: createActivities({ store, records, lives: NO_OTHERS, capabilities, settings }),
    });
    const events = await worker.runUntil(async () => {
      const lifecycle = connectLifecycle({
        TEMPORAL_ADDRESS: environment.connection.options.address,
        TEMPORAL_NAMESPACE: 'default',
        TEMPORAL_TLS: false,
      });
      const record = await lifecycle.client.beginUpload(aNewUpload());
      await store.put(objectAtCreation(record), BYTES);
      await lifecycle.client.completeUpload(record.id, {
        sizeBytes: BYTES.length,
        sha256: sha256(BYTES),
        actor: 'agent',
      });
      await lifecycle.close();
      const handle = environment.client.workflow.getHandle<typeof artifactLifecycle>(artifactWorkflowId(record.id));
      expect(await handle.result()).toMatchObject({ ended: 'expired' });
      expect((await records.history(record.id)).map(({ kind }) => kind)).toContain('expiry_warned');
      expect(await store.listVersions(record.key)).toEqual([]);
      return (await handle.fetchHistory()).events ?? [];
    });
    const names = events.map(({ eventType }) => EventType[eventType ?? 0]?.replace('EVENT_TYPE_', ''));
    console.log(`${names.length} history events of a default artifact:\n  ${names.join('\n  ')}`);
    expect(names.length).toBeLessThanOrEqual(BUDGET_EVENTS);
  });
});
