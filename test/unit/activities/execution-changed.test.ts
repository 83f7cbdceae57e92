import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Deletion } from '../../../src/activities/deletion.js';
import type { RecordChange } from '../../../src/db/artifact-records.js';
import { createActivities } from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import { changeOf, newArtifact } from '../../support/new-artifact.js';
import { CAPABLE_OF_ALL, NO_OTHERS, QUIET, SETTINGS } from '../../support/virtual-time/virtual-artifact.js';

let records: MemoryArtifactRecords;
/** Whoever tells finds Temporal away. */
let isAway: boolean;
/** Per message about the artifact's execution: the status of the row when it was sent. */
let told: (string | undefined)[];
let row: ArtifactRecord;

const activities = () =>
  createActivities({
    records,
    store: new MemoryObjectStore(),
    lives: {
      ...NO_OTHERS,
      executionChanged: async (executionId) => {
        expect(executionId).toBe(row.executionId);
        told.push((await records.get(row.id))?.status);
        if (isAway) throw new ArtifactError('workflows_unavailable', 'Temporal is away');
      },
    },
    capabilities: CAPABLE_OF_ALL,
    settings: SETTINGS,
  });

beforeEach(async () => {
  records = new MemoryArtifactRecords();
  isAway = false;
  told = [];
  row = await records.register(newArtifact());
});

const record = (change: RecordChange) =>
  new MockActivityEnvironment({}, { logger: QUIET }).run(
    (given: RecordChange) => activities().recordChange(given),
    change,
  );

const erase = (given: Partial<Deletion> = {}) =>
  new MockActivityEnvironment().run((deletion: Deletion) => activities().eraseArtifact(deletion), {
    ...{ record: row, reason: 'requested' as const, actor: 'ann', atMs: Date.now(), forGood: true },
    ...given,
  });

describe('the manifest of an execution is told', () => {
  it('of a change after it was written', async () => {
    await record(changeOf(row.id, 1, { status: 'ACTIVE' }));
    expect(told).toEqual(['ACTIVE']);
  });

  it('of a change that was written when telling failed, by the repetition', async () => {
    isAway = true;
    const change = changeOf(row.id, 1, { status: 'ACTIVE' });
    await expect(record(change)).rejects.toMatchObject({
      type: 'workflows_unavailable',
      nonRetryable: false,
    });
    isAway = false;
    await record(change);
    expect(told).toEqual(['ACTIVE', 'ACTIVE']);
    expect(await records.history(row.id)).toHaveLength(2);
  });

  it('of no change that was refused', async () => {
    await expect(record(changeOf(randomUUID(), 1, {}))).rejects.toMatchObject({
      type: 'artifact_not_found',
    });
    expect(told).toEqual([]);
  });

  it('of a deletion when it is done', async () => {
    expect(await erase()).toMatchObject({ outcome: 'erased' });
    expect(told).toEqual(['UPLOADING', 'DELETED']);
  });

  it('of a deletion that an attempt wrote which died before it told', async () => {
    await records.change(changeOf(row.id, 1, { status: 'DELETED' }));
    expect(await erase()).toMatchObject({ outcome: 'erased' });
    expect(told).toEqual(['DELETED']);
  });

  it('of a row that went with its execution', async () => {
    records.deleteExecution(row.executionId);
    expect(await erase()).toMatchObject({ outcome: 'rowMissing' });
    expect(told).toEqual([undefined]);
  });

  it('of a row that nobody heard was written', async () => {
    await records.change(changeOf(row.id, 1, { status: 'ACTIVE' }));
    expect(await erase({ reason: 'expired' })).toMatchObject({ outcome: 'rowAhead' });
    expect(told).toEqual(['ACTIVE']);
  });

  it('of the retention of the execution', async () => {
    const { executionId, tenantId } = row;
    await activities().recordExecutionRetention({ executionId, tenantId, days: 7 });
    expect(told).toHaveLength(1);
  });
});
