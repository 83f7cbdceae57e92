import { randomUUID } from 'node:crypto';
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createActivities } from '../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/units.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import { INDEXED_VALUE_TYPE } from '../../src/temporal/search-attributes.js';
import type { artifactLifecycle } from '../../src/workflows/artifact-lifecycle.js';
import {
  completeUpload,
  describe as describeQuery,
  keepForeverSignal,
  setRetention,
} from '../../src/workflows/messages.js';
import { SEARCH_ATTRIBUTES } from '../../src/workflows/search-attributes.js';
import { aNewUpload, BYTES, NO_OTHERS, sha256 } from '../support/virtual-time/virtual-artifact.js';

const executable = inject('javaTestServer');
const TASK_QUEUE = 'java-time-skipping';

type Life = WorkflowHandle;
interface LongLife {
  handle: Life;
  bornMs: number;
}

/*
 * The same lives on a server that skips time: its own timers, its own history, the real worker. One server for all tests, whose
 * time is global: tests run one after the other.
 */
describe.skipIf(executable === null)('on the Java test server', () => {
  const store = new MemoryObjectStore();
  const records = new MemoryArtifactRecords();
  let environment: TestWorkflowEnvironment;
  let worker: Worker;
  let running: Promise<void>;

  beforeAll(async () => {
    Runtime.install({ logger: new DefaultLogger('ERROR') });
    environment = await TestWorkflowEnvironment.createTimeSkipping({
      server: { executable: { type: 'existing-path', path: executable ?? '' } },
    });
    await environment.connection.operatorService.addSearchAttributes({
      namespace: 'default',
      searchAttributes: Object.fromEntries(SEARCH_ATTRIBUTES.map((key) => [key.name, INDEXED_VALUE_TYPE[key.type]])),
    });
    const capabilities = { versioning: true, storageClasses: true, restore: true, enforcesChecksums: true };
    const settings = {
      defaultRetentionDays: 30,
      uploadDeadlineMs: DAY_MS,
      putUrlMs: HOUR_MS,
      restorePollMs: HOUR_MS,
      policy: DEFAULT_POLICY,
    };
    worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue: TASK_QUEUE,
      workflowBundle: { codePath: inject('workflowBundle') },
      activities: createActivities({ store, records, lives: NO_OTHERS, capabilities, settings }),
    });
    running = worker.run();
  });

  afterAll(async () => {
    worker.shutdown();
    await running;
    await environment.teardown();
  });

  async function active() {
    const upload = aNewUpload();
    const handle = await environment.client.workflow.start<typeof artifactLifecycle>('artifactLifecycle', {
      workflowId: `artifact/${upload.artifactId}`,
      taskQueue: TASK_QUEUE,
      args: [{ upload }],
    });
    const { record } = await handle.query(describeQuery);
    await expect.poll(() => records.get(record.id)).not.toBeNull();
    await store.put(objectAtCreation(record), BYTES);
    await handle.executeUpdate(completeUpload, {
      args: [{ sizeBytes: BYTES.length, sha256: sha256(BYTES), actor: 'agent' }],
    });
    return { handle, id: upload.artifactId, bornMs: record.createdAtMs };
  }

  it('30 days pass in seconds, and not one more', async () => {
    const { handle, id, bornMs } = await active();
    await environment.sleep('29 days');
    expect(await records.get(id)).toMatchObject({ status: 'ACTIVE' });
    expect(await handle.result()).toEqual({ artifactId: id, ended: 'expired' });
    const begun = (await records.history(id)).find(({ kind }) => kind === 'deletion_begun');
    const ageMs = (begun?.atMs ?? 0) - bornMs;
    expect(ageMs).toBeGreaterThanOrEqual(30 * DAY_MS);
    expect(ageMs).toBeLessThan(30 * DAY_MS + MINUTE_MS);
    expect(await store.listVersions((await records.get(id))?.key ?? '')).toEqual([]);
  });

  it('three years with a change of mind: for ever, and then 1,000 days', async () => {
    const { handle, id } = await active();
    await handle.signal(keepForeverSignal, { reason: 'audit', actor: 'ann' });
    await environment.sleep('900 days');
    expect(await records.get(id)).toMatchObject({ status: 'ARCHIVED', storageClass: 'GLACIER', expiresAtMs: null });
    await handle.executeUpdate(setRetention, { args: [{ days: 1000, confirm: false, actor: 'ann' }] });
    expect(await handle.result()).toEqual({ artifactId: id, ended: 'expired' });
    expect(await records.get(id)).toMatchObject({ status: 'DELETED' });
  });

  const by = { actor: 'ann' };
  const ask = (handle: Life, name: string, message: object = {}): Promise<unknown> =>
    handle.executeUpdate(name, { args: [{ ...by, ...message }] });
  const days = (count: number): Promise<void> => environment.sleep(`${count} days`);

  /** Lives of three years, each told by its audit. What is not said happens by itself. */
  const LIVES: Record<string, { live: (life: LongLife) => Promise<void>; audit: string[]; endsAtDay: number }> = {
    'warm, cold, back from the archive, cold again, and gone on its day': {
      live: async ({ handle, bornMs }) => {
        await ask(handle, 'setRetention', { expiresAtMs: bornMs + 1_095 * DAY_MS, confirm: false });
        await days(400);
        await ask(handle, 'restoreArtifact', { tier: 'Bulk' });
        store.finishRestores();
      },
      audit: [
        ...['retention_changed', 'tier_changed', 'archived', 'restore_requested', 'restored'],
        ...['tier_changed', 'archived', 'expiry_warned', 'deletion_begun', 'deleted'],
      ],
      endsAtDay: 1_095,
    },
    'held beyond its time, until the last hold ends by itself': {
      live: async ({ handle, bornMs }) => {
        await ask(handle, 'setRetention', { days: 300, confirm: false });
        const hold = (id: string, untilDay: number) => ({
          hold: { id, reason: 'case 17', untilMs: bornMs + untilDay * DAY_MS },
        });
        await ask(handle, 'addHold', hold('first', 700));
        await ask(handle, 'addHold', hold('second', 1_095));
        await days(800);
        await expect(ask(handle, 'deleteArtifact')).rejects.toThrow();
      },
      audit: [
        ...['retention_changed', 'hold_added', 'hold_added', 'tier_changed', 'archived'],
        ...['hold_ended', 'expiry_warned', 'hold_ended', 'deletion_begun', 'deleted'],
      ],
      endsAtDay: 1_095,
    },
    'deleted by mistake, brought back within the week, and kept until its day': {
      live: async ({ handle }) => {
        await ask(handle, 'setRetention', { days: 1_095, confirm: false });
        await days(20);
        await ask(handle, 'deleteArtifact');
        await days(6);
        await ask(handle, 'undeleteArtifact');
      },
      audit: [
        ...['retention_changed', 'deletion_begun', 'deleted', 'undeleted', 'tier_changed', 'archived'],
        ...['expiry_warned', 'deletion_begun', 'deleted'],
      ],
      endsAtDay: 1_095,
    },
  };

  it.each(Object.keys(LIVES))('three years: %s', async (name) => {
    const { live, audit, endsAtDay } = LIVES[name]!;
    const { handle, id, bornMs } = await active();
    await live({ handle, bornMs });
    expect(await handle.result()).toEqual({ artifactId: id, ended: 'expired' });
    const events = await records.history(id);
    expect(events.slice(2).map(({ kind }) => kind)).toEqual(audit);
    const endedMs = events.findLast(({ kind }) => kind === 'deletion_begun')?.atMs ?? 0;
    expect(endedMs - bornMs).toBeGreaterThanOrEqual(endsAtDay * DAY_MS);
    expect(endedMs - bornMs).toBeLessThan(endsAtDay * DAY_MS + MINUTE_MS);
    expect(await store.listVersions((await records.get(id))?.key ?? '')).toEqual([]);
  });

  it('an upload nobody completes ends after a day', async () => {
    const upload = aNewUpload({ artifactId: randomUUID(), sizeBytes: 40 * 1024 ** 2 });
    const handle = await environment.client.workflow.start<typeof artifactLifecycle>('artifactLifecycle', {
      workflowId: `artifact/${upload.artifactId}`,
      taskQueue: TASK_QUEUE,
      args: [{ upload }],
    });
    await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'ArtifactUploadFailed' } });
    const row = await records.get(upload.artifactId);
    expect(row).toMatchObject({ status: 'DELETED', deletionReason: 'upload_abandoned' });
    expect(await store.listUploads(row?.key ?? '')).toEqual([]);
  });
});
