import { KEY_PREFIX } from '../keys.js';
import { BACKSTOP_DAYS } from '../stored-object.js';
import { RETENTION_TAG } from '../tags.js';
import { filterOf, listIn, numberIn, objectIn } from './filter.js';
import type { BucketDocument } from './parts.js';

/** The longest that UPLOAD_DEADLINE_SECONDS may be. */
export const MAX_UPLOAD_DAYS = 7;

/** What somebody else's lifecycle rule may do to artifacts that nobody decided; null: nothing. */
export function dangerOf(rule: BucketDocument): string | null {
  const { prefix, tags } = filterOf(rule);
  const isBelow = prefix.startsWith(KEY_PREFIX) || KEY_PREFIX.startsWith(prefix);
  if (rule['Status'] !== 'Enabled' || !isBelow) return null;
  const days = deletionDays(rule);
  if (days !== null && !(tags[RETENTION_TAG] === 'expiring' && days >= BACKSTOP_DAYS))
    return 'may delete artifacts that are permanent, held or live longer';
  const moves = [...listIn(rule['Transitions']), ...listIn(rule['NoncurrentVersionTransitions'])];
  if (moves.some(({ StorageClass }) => StorageClass === 'GLACIER' || StorageClass === 'DEEP_ARCHIVE'))
    return 'may archive artifacts that are ACTIVE, which then cannot be downloaded';
  const abortDays = numberIn(objectIn(rule['AbortIncompleteMultipartUpload'])['DaysAfterInitiation']);
  return abortDays !== null && abortDays < MAX_UPLOAD_DAYS ? 'may end uploads that are still under way' : null;
}

/** After how many days it deletes something at the earliest; a fixed date may be any; null: it deletes nothing. */
function deletionDays(rule: BucketDocument): number | null {
  const expiration = objectIn(rule['Expiration']);
  if ('Date' in expiration) return 0;
  const days = [expiration['Days'], objectIn(rule['NoncurrentVersionExpiration'])['NoncurrentDays']];
  const given = days.map(numberIn).filter((count) => count !== null);
  return given.length === 0 ? null : Math.min(...given);
}
