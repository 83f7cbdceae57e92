import { expect } from 'vitest';
import { chaosTable, pointsOf, type ChaosVerb } from '../support/chaos-table.js';
import { anArtifact, anUpload, completed, sent, type LifeWorld } from '../support/life-world.js';

const actor = 'ann';
const UPLOADED = ['upload_begun', 'upload_completed'];
const DELETED = [...UPLOADED, 'deletion_begun', 'deleted'];
const hold = { id: 'case-17', reason: 'evidence', untilMs: null };
const ALIVE = { next: 'warn', workflow: 'RUNNING', versions: ['STANDARD'] };
/** Nothing is left, and nothing is waited for: its signed PUT is dead. */
const GONE = { next: 'none', workflow: 'COMPLETED', versions: [] };

async function deleted(world: LifeWorld) {
  const { id } = await anArtifact(world);
  return world.lifecycle.deleteArtifact(id, { actor });
}

async function heldOne(world: LifeWorld) {
  const { id } = await anArtifact(world);
  return world.lifecycle.addHold(id, { hold, actor });
}

async function archivedOne(world: LifeWorld) {
  const { id } = await anArtifact(world);
  return world.lifecycle.archiveArtifact(id, { actor });
}

const verbs: Record<string, ChaosVerb> = {
  complete: {
    prepare: (world) => sent(world, anUpload()),
    act: (world, artifact) => completed(world, artifact),
    expected: { ...ALIVE, row: { status: 'ACTIVE', checksumState: 'verified' }, audit: UPLOADED },
  },
  'to delete': {
    act: ({ lifecycle }, { id }) => lifecycle.deleteArtifact(id, { actor }),
    expected: {
      row: { status: 'DELETED', deletionReason: 'requested', purgeAtMs: expect.any(Number) as number },
      versions: ['marker', 'STANDARD'],
      audit: DELETED,
      next: 'purge',
      workflow: 'RUNNING',
    },
  },
  'to undelete': {
    prepare: deleted,
    act: ({ lifecycle }, { id }) => lifecycle.undeleteArtifact(id, { actor }),
    expected: {
      ...ALIVE,
      row: { status: 'ACTIVE', deletionReason: null, purgeAtMs: null, deletedAtMs: null },
      audit: [...DELETED, 'undeleted'],
    },
  },
  'to delete for good': {
    act: ({ lifecycle }, { id }) => lifecycle.purgeArtifact(id, { actor }),
    expected: {
      ...GONE,
      row: { status: 'DELETED', deletionReason: 'requested', purgeAtMs: null },
      audit: DELETED,
    },
  },
  'to expire': {
    act: ({ lifecycle }, { id, createdAtMs }) =>
      lifecycle.setRetention(id, { expiresAtMs: createdAtMs, confirm: true, actor }),
    expected: {
      ...GONE,
      row: { status: 'DELETED', deletionReason: 'expired', purgeAtMs: null },
      audit: [...UPLOADED, 'retention_changed', 'deletion_begun', 'deleted'],
    },
  },
  'to purge': {
    prepare: deleted,
    act: ({ lifecycle }, { id }) => lifecycle.purgeArtifact(id, { actor }),
    expected: { ...GONE, row: { status: 'DELETED', purgeAtMs: null }, audit: [...DELETED, 'purged'] },
  },
  'to hold': {
    act: ({ lifecycle }, { id }) => lifecycle.addHold(id, { hold, actor }),
    expected: {
      ...ALIVE,
      next: 'changeTier',
      row: { status: 'ACTIVE', holds: [expect.objectContaining(hold) as never] },
      retentionTag: 'held',
      audit: [...UPLOADED, 'hold_added'],
    },
  },
  'to end a hold': {
    prepare: heldOne,
    act: ({ lifecycle }, { id }) => lifecycle.endHold(id, { holdId: hold.id, actor }),
    expected: {
      ...ALIVE,
      row: { status: 'ACTIVE', holds: [] },
      retentionTag: 'expiring',
      audit: [...UPLOADED, 'hold_added', 'hold_ended'],
    },
  },
  'to keep': {
    act: ({ lifecycle }, { id }) => lifecycle.keepForever(id, { reason: 'evidence', actor }),
    expected: {
      ...ALIVE,
      next: 'changeTier',
      row: { status: 'ACTIVE', expiresAtMs: null },
      retentionTag: 'permanent',
      audit: [...UPLOADED, 'retention_changed'],
    },
  },
  'to archive without classes': {
    act: ({ lifecycle }, { id }) => lifecycle.archiveArtifact(id, { actor }),
    expected: { ...ALIVE, row: { status: 'ARCHIVED', tier: 'COLD' }, audit: [...UPLOADED, 'archived'] },
  },
  'to restore without classes': {
    prepare: archivedOne,
    act: ({ lifecycle }, { id }) => lifecycle.restoreArtifact(id, { tier: 'Standard', actor }),
    expected: { ...ALIVE, row: { status: 'ACTIVE', tier: 'HOT' }, audit: [...UPLOADED, 'archived', 'restored'] },
  },
};

// A signed PUT is dead at once, so that a life that is over need not wait for it.
chaosTable({ store: 'versitygw', env: { PRESIGN_UPLOAD_SECONDS: '1' } }, verbs, [
  [
    ...pointsOf(
      'to delete',
      ['before', 'row deletion_begun'],
      ['after', 'row deletion_begun'],
      ['before', 'DeleteMarker'],
      ['after', 'DeleteMarker'],
      ['before', 'row deleted'],
      ['after', 'row deleted'],
    ),
    ...pointsOf(
      'to undelete',
      ['before', 'DeleteVersion'],
      ['after', 'DeleteVersion'],
      ['before', 'row undeleted'],
      ['after', 'row undeleted'],
    ),
    ...pointsOf('complete', ['before', 'row upload_completed'], ['after', 'row upload_completed']),
  ],
  [
    ...pointsOf(
      'to delete for good',
      ['after', 'row deletion_begun'],
      ['before', 'DeleteVersion'],
      ['after', 'DeleteVersion'],
      ['before', 'row deleted'],
      ['after', 'row deleted'],
    ),
    ...pointsOf(
      'to expire',
      ['before', 'row deletion_begun'],
      ['after', 'DeleteVersion'],
      ['before', 'row deleted'],
      ['after', 'row deleted'],
    ),
    ...pointsOf(
      'to purge',
      ['before', 'DeleteVersion'],
      ['after', 'DeleteVersion'],
      ['after', 'DeleteVersion', 2],
      ['before', 'row purged'],
      ['after', 'row purged'],
    ),
  ],
  [
    ...pointsOf(
      'to hold',
      ['before', 'PutTags'],
      ['after', 'PutTags'],
      ['before', 'row hold_added'],
      ['after', 'row hold_added'],
    ),
    ...pointsOf(
      'to end a hold',
      ['before', 'row hold_ended'],
      ['after', 'row hold_ended'],
      ['before', 'PutTags'],
      ['after', 'PutTags'],
    ),
    ...pointsOf('to keep', ['after', 'PutTags'], ['after', 'row retention_changed']),
    ...pointsOf('to archive without classes', ['before', 'row archived'], ['after', 'row archived']),
    ...pointsOf('to restore without classes', ['after', 'row restored']),
  ],
]);
