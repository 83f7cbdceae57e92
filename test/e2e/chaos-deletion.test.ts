import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import { ArtifactError } from '../../src/domain/errors.js';
import { SECOND_MS } from '../../src/domain/units.js';
import { chaosTable, pointsOf, type ChaosVerb } from '../support/chaos-table.js';
import { anArtifact, anUpload, completed, sent, type LifeWorld } from '../support/life-world.js';

const actor = 'ann';
const UPLOADED = ['upload_begun', 'upload_completed'];
const DELETED = [...UPLOADED, 'deletion_begun', 'deleted'];
const hold = { id: 'case-17', reason: 'evidence', untilMs: null };
const ALIVE = { next: 'warn', workflow: 'RUNNING', versions: ['STANDARD'] };
/** Nothing is left, and nothing is waited for: its signed PUT is dead. */
const GONE = { next: 'none', workflow: 'COMPLETED', versions: [] };

const PUT_LIVES_SECONDS = 1;

/** Its signed PUT has died, so that nothing has to be swept up later. */
async function anOldOne(world: LifeWorld) {
  const artifact = await anArtifact(world);
  await sleep(PUT_LIVES_SECONDS * SECOND_MS);
  return artifact;
}

async function deleted(world: LifeWorld) {
  const { id } = await anOldOne(world);
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

/** Whoever asks late hears that it is deleted, that its workflow has ended meanwhile, or that its bytes are not there any more. */
const TOO_LATE: readonly string[] = ['artifact_deleted', 'wrong_state', 'storage_rejected'];

async function orDeleted(answer: Promise<unknown>): Promise<void> {
  await answer.catch((error: unknown) => {
    if (!(error instanceof ArtifactError && TOO_LATE.includes(error.code))) throw error;
  });
}

/** A keep that comes when the expiry is being carried out. */
const keptLate: Pick<ChaosVerb, 'prepare' | 'act'> = {
  prepare: async (world, holdFromNow) => {
    const artifact = await sent(world, anUpload({ expiresAtMs: Date.now() + 10_000 }));
    holdFromNow(artifact);
    return completed(world, artifact);
  },
  act: async ({ lifecycle }, { id }, isHeld) => {
    await isHeld();
    await orDeleted(lifecycle.keepForever(id, { reason: 'evidence', actor }));
  },
};
const KEPT = {
  ...ALIVE,
  next: 'changeTier',
  row: { status: 'ACTIVE', retention: expect.objectContaining({ rule: 'permanent' }) as never, deletionReason: null },
  retentionTag: 'permanent',
} as const;
const WARNED = [...UPLOADED, 'expiry_warned'];

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
    prepare: anOldOne,
    act: ({ lifecycle }, { id }) => lifecycle.purgeArtifact(id, { actor }),
    expected: {
      ...GONE,
      row: { status: 'DELETED', deletionReason: 'requested', purgeAtMs: null },
      audit: DELETED,
    },
  },
  'to expire': {
    prepare: anOldOne,
    act: ({ lifecycle }, { id, createdAtMs }) =>
      orDeleted(lifecycle.setRetention(id, { expiresAtMs: createdAtMs, confirm: true, actor })),
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
  'to keep what is due': { ...keptLate, expected: { ...KEPT, audit: [...WARNED, 'retention_changed'] } },
  'to keep what is marked': {
    ...keptLate,
    expected: { ...KEPT, audit: [...WARNED, 'deletion_begun', 'deletion_revoked', 'retention_changed'] },
  },
  'to keep what is gone': {
    ...keptLate,
    expected: {
      ...GONE,
      row: { status: 'DELETED', deletionReason: 'expired' },
      audit: [...WARNED, 'deletion_begun', 'deleted'],
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

chaosTable({ store: 'versitygw', env: { PRESIGN_UPLOAD_SECONDS: String(PUT_LIVES_SECONDS) } }, verbs, [
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
  [
    ...pointsOf('to keep what is due', ['before', 'row deletion_begun']),
    ...pointsOf('to keep what is marked', ['after', 'row deletion_begun'], ['before', 'DeleteVersion']),
    ...pointsOf(
      'to keep what is gone',
      ['after', 'DeleteVersion'],
      ['before', 'row deleted'],
      ['after', 'row deleted'],
    ),
  ],
]);
