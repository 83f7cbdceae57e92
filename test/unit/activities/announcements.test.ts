import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { changeRecord } from '../../../src/activities/change-record.js';
import { createActivities, type ArtifactLives } from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import type { Announcement } from '../../../src/domain/announcements.js';
import type { AuditKind } from '../../../src/domain/artifact-record.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import { MINUTE_MS } from '../../../src/domain/units.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import { FakeWebhookSender } from '../../support/fake-webhook-sender.js';
import { newArtifact } from '../../support/new-artifact.js';
import { NO_OTHERS, QUIET, SETTINGS } from '../../support/virtual-time/virtual-artifact.js';

const AT_MS = Date.UTC(2026, 0, 2);

/** An artifact that is registered, and what is announced about it. */
async function world({ isConfigured = true } = {}) {
  const records = new MemoryArtifactRecords();
  const announced: Announcement[] = [];
  const outage = { isThere: false };
  const lives: ArtifactLives = {
    ...NO_OTHERS,
    announce: (announcement) => {
      if (outage.isThere) return Promise.reject(new ArtifactError('workflows_unavailable', 'no answer'));
      announced.push(announcement);
      return Promise.resolve();
    },
  };
  const webhooks = { sender: new FakeWebhookSender(['a', 'b']), giveUpMs: MINUTE_MS };
  const deps = { records, lives, ...(isConfigured ? { webhooks } : {}) };
  const artifact = await records.register(newArtifact());
  const change = (changeNumber: number, event: { kind?: AuditKind; actor?: string } = {}) =>
    changeRecord(deps, {
      artifactId: artifact.id,
      changeNumber,
      atMs: AT_MS + changeNumber,
      patch: { expiresAtMs: AT_MS },
      event: { kind: 'retention_changed', actor: 'ann', detail: { days: changeNumber }, ...event },
    });
  return { deps, records, announced, outage, artifact, change };
}

const numbersOf = (announced: Announcement[]): number[] => announced.map(({ changeNumber }) => changeNumber);

describe('a change that is written', () => {
  it('is announced to every receiver with all that is known about it', async () => {
    const { artifact, announced, change } = await world();
    await change(1);
    const { id, executionId, tenantId, path } = artifact;
    expect(announced).toEqual([
      {
        artifactId: id,
        changeNumber: 1,
        receivers: ['a', 'b'],
        message: {
          type: 'artifact.retention_changed',
          timestamp: new Date(AT_MS + 1).toISOString(),
          data: {
            artifactId: id,
            executionId,
            tenantId,
            path,
            status: 'UPLOADING',
            changeNumber: 1,
            actor: 'ann',
            expiresAt: new Date(AT_MS).toISOString(),
            detail: { days: 1 },
          },
        },
      },
    ]);
  });

  it('is not announced when nobody wants to hear of it, nor when it is a step to another one', async () => {
    const silent = await world({ isConfigured: false });
    await silent.change(1);
    expect(silent.announced).toEqual([]);
    const { announced, change } = await world();
    await change(1, { kind: 'deletion_begun' });
    await change(2, { kind: 'deleted' });
    expect(numbersOf(announced)).toEqual([2]);
  });

  it('but cannot be announced fails, and is announced when it is repeated', async () => {
    const { announced, outage, records, artifact, change } = await world();
    outage.isThere = true;
    await expect(change(1)).rejects.toMatchObject({ code: 'workflows_unavailable', retryable: true });
    outage.isThere = false;
    await change(1);
    expect(numbersOf(announced)).toEqual([1]);
    expect(await records.history(artifact.id)).toHaveLength(2);
  });

  it('is announced with the same words however often it is repeated', async () => {
    const { announced, change } = await world();
    await change(1);
    await change(1);
    expect(announced).toHaveLength(2);
    expect(announced[1]).toEqual(announced[0]);
  });

  it('takes those with it whose answers were lost before they were announced', async () => {
    const { announced, outage, change } = await world();
    outage.isThere = true;
    await expect(change(1, { actor: 'bob' })).rejects.toThrow();
    outage.isThere = false;
    // The workflow never heard of the first: it counts on from the revision before.
    await change(1, { actor: 'ann' });
    expect(announced.map(({ changeNumber, message }) => [changeNumber, message.data.actor])).toEqual([
      [1, 'bob'],
      [2, 'ann'],
    ]);
  });
});

describe('a deletion', () => {
  it('that was written but not announced is announced by the next attempt', async () => {
    const { deps, announced, outage, artifact } = await world();
    const capabilities = { versioning: true, storageClasses: true, restore: true, enforcesChecksums: true };
    const store = new MemoryObjectStore();
    const activities = createActivities({ ...deps, store, capabilities, settings: SETTINGS });
    const erase = () =>
      new MockActivityEnvironment({}, { logger: QUIET }).run(() =>
        activities.eraseArtifact({ record: artifact, reason: 'requested', actor: 'ann', atMs: Date.now() }),
      );
    outage.isThere = true;
    await expect(erase()).rejects.toMatchObject({ type: 'workflows_unavailable' });
    outage.isThere = false;
    expect(await erase()).toMatchObject({ outcome: 'erased' });
    expect(announced.map(({ message }) => message.type)).toEqual(['artifact.deleted']);
  });
});
