import { completed, anArtifact, anUpload, sent } from '../support/life-world.js';
import { chaosTable, pointsOf, type ChaosVerb } from '../support/chaos-table.js';

const actor = 'ann';
const BEGUN = ['upload_begun', 'upload_completed'];

const verbs: Record<string, ChaosVerb> = {
  archive: {
    act: ({ lifecycle }, { id }) => lifecycle.archiveArtifact(id, { actor }),
    expected: {
      row: { status: 'ARCHIVED', tier: 'COLD', storageClass: 'GLACIER' },
      versions: ['GLACIER'],
      audit: [...BEGUN, 'archived'],
      next: 'warn',
      workflow: 'RUNNING',
    },
  },
  restore: {
    prepare: async (world) => {
      const { id } = await anArtifact(world);
      return world.lifecycle.archiveArtifact(id, { actor });
    },
    act: ({ lifecycle }, { id }) => lifecycle.restoreArtifact(id, { tier: 'Expedited', actor }),
    expected: {
      row: { status: 'ACTIVE', tier: 'HOT', storageClass: 'STANDARD', restoreState: null },
      versions: ['STANDARD'],
      retentionTag: 'expiring',
      audit: [...BEGUN, 'archived', 'restore_requested', 'restored'],
      next: 'warn',
      workflow: 'RUNNING',
    },
  },
  'to grow warm': {
    prepare: (world) => sent(world, anUpload({ tiering: { warmAfterDays: 0 } })),
    act: (world, artifact) => completed(world, artifact),
    expected: {
      row: { status: 'ACTIVE', tier: 'WARM', storageClass: 'STANDARD_IA' },
      versions: ['STANDARD_IA'],
      retentionTag: 'expiring',
      audit: [...BEGUN, 'tier_changed'],
      next: 'warn',
      workflow: 'RUNNING',
    },
  },
};

chaosTable({ store: 'moto', env: { RESTORE_POLL_SECONDS: '1' } }, verbs, [
  [
    ...pointsOf(
      'archive',
      ['before', 'CopyObject'],
      ['after', 'CopyObject'],
      ['before', 'PutTags'],
      ['after', 'PutTags'],
      ['before', 'row archived'],
      ['after', 'row archived'],
      ['before', 'DeleteVersion'],
      ['after', 'DeleteVersion'],
    ),
    ...pointsOf(
      'restore',
      ['before', 'RestoreObject'],
      ['after', 'RestoreObject'],
      ['before', 'row restore_requested'],
      ['after', 'row restore_requested'],
      ['before', 'CopyObject'],
      ['after', 'CopyObject'],
      ['before', 'row restored'],
      ['after', 'row restored'],
      ['before', 'DeleteVersion'],
      ['after', 'DeleteVersion'],
    ),
    ...pointsOf('to grow warm', ['after', 'CopyObject'], ['after', 'row tier_changed']),
  ],
]);
