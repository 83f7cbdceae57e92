import type { NumberedFinding } from '../../db/reconciliations.js';
import { settleLife, tellOf } from './settle-life.js';
import { settleManifest } from './settle-manifest.js';
import { settleLeft, settleUnknown } from './settle-object.js';
import { settleUpload } from './settle-upload.js';
import type { Settlement, SettlingContext } from './settlement.js';

/**
 * Looks again, and heals what is still so. Safe to repeat.
 * @param before what became of other findings about the same artifact just now.
 */
export function settleFinding(
  context: SettlingContext,
  finding: NumberedFinding,
  before: readonly Settlement[],
): Promise<Settlement> {
  const kept = context.brake ?? context.conflict;
  if (context.mode === 'dry-run' && finding.kind !== 'object_unknown') return tellOf(context, finding);
  switch (finding.kind) {
    case 'object_missing':
    // Also a life that begins again, or has its row again, looks for its bytes.
    case 'life_missing':
    case 'row_missing':
    case 'row_differs':
      if (context.brake !== null) return Promise.resolve({ outcome: 'withheld', note: context.brake });
      return settleLife(context, finding, before);
    case 'object_hidden':
    case 'class_differs':
    case 'tags_differ':
    case 'bytes_differ':
    case 'expired_present':
      return settleLife(context, finding, before);
    case 'manifest_differs':
      return settleManifest(context, finding);
    case 'upload_unknown':
      if (kept !== null) return Promise.resolve({ outcome: 'withheld', note: kept });
      return settleUpload(context, finding);
    case 'object_left':
      if (kept !== null) return Promise.resolve({ outcome: 'withheld', note: kept });
      return settleLeft(context, finding);
    case 'object_unknown':
      return settleUnknown(context, finding);
  }
}
