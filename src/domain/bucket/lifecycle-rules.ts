import { KEY_PREFIX } from '../keys.js';
import type { LifePolicy } from '../policy.js';
import { BACKSTOP_DAYS } from '../stored-object.js';
import { RETENTION_TAG, TIERS_TAG, tiersTagValue } from '../tags.js';
import { storageClassOf, type StorageClass } from '../tiers.js';
import { DAY_MS } from '../units.js';
import { MAX_UPLOAD_DAYS } from './danger.js';
import { OUR_PREFIX, type BucketDocument, type BucketEntry } from './parts.js';

export interface LifecycleWishes {
  policy: Pick<LifePolicy, 'warmAfterDays' | 'coldAfterDays' | 'tierBy' | 'undeleteDays' | 'undeleteExpiredDays'>;
  uploadDeadlineMs: number;
}

/** S3 has long refused rules that move to STANDARD_IA before (S3 user guide, "transition constraints"), and later is always safe. */
const MIN_WARM_DAYS = 30;

/** Ids of the rules that are not the spec's. */
export const abortRuleId = `${OUR_PREFIX}abort-incomplete-uploads`;
const OLD_VERSIONS = `${OUR_PREFIX}noncurrent-versions`;
const OLD_MARKERS = `${OUR_PREFIX}expired-delete-markers`;

/**
 * The lifecycle rules of FEAT-004, made safe (decision 0021). The workflows do all of this themselves, and earlier: these rules act when
 * every worker has been away for long. So they match only what says in a tag that they may, S3 never comes before the workflow, and a tag
 * that is missing means that nothing happens.
 */
export function lifecycleRules({ policy, uploadDeadlineMs }: LifecycleWishes): BucketEntry[] {
  const { warmAfterDays, coldAfterDays, tierBy, undeleteDays, undeleteExpiredDays } = policy;
  const expiring = taggedAs(RETENTION_TAG, 'expiring');
  const moving = taggedAs(TIERS_TAG, tiersTagValue(policy));
  const transition = (id: string, days: number | null, storageClass: StorageClass): BucketEntry[] =>
    days === null || tierBy !== undefined
      ? []
      : [rule(id, moving, { Transitions: [{ Days: days, StorageClass: storageClass }] })];
  return [
    ...transition(
      'TransitionToIA',
      warmAfterDays === null ? null : Math.max(MIN_WARM_DAYS, warmAfterDays),
      storageClassOf('WARM'),
    ),
    ...transition('TransitionToGlacier', coldAfterDays, storageClassOf('COLD')),
    rule('ExpireOldArtifacts', expiring, { Expiration: { Days: BACKSTOP_DAYS } }),
    // A version can be noncurrent and still be the one its row names, below a PUT that was repeated: only its whole life is long enough.
    rule(OLD_VERSIONS, expiring, {
      NoncurrentVersionExpiration: { NoncurrentDays: Math.max(BACKSTOP_DAYS, undeleteDays, undeleteExpiredDays) },
    }),
    rule(abortRuleId, EVERYTHING, {
      AbortIncompleteMultipartUpload: {
        DaysAfterInitiation: Math.max(MAX_UPLOAD_DAYS, Math.ceil(uploadDeadlineMs / DAY_MS)) + 1,
      },
    }),
    rule(OLD_MARKERS, EVERYTHING, { Expiration: { ExpiredObjectDeleteMarker: true } }),
  ];
}

/** S3 allows no tags in rules about uploads and markers. */
const EVERYTHING = { Prefix: KEY_PREFIX };

const taggedAs = (key: string, value: string): BucketDocument => ({
  And: { Prefix: KEY_PREFIX, Tags: [{ Key: key, Value: value }] },
});

const rule = (id: string, filter: BucketDocument, action: BucketDocument): BucketEntry => ({
  name: id,
  value: { ID: id, Status: 'Enabled', Filter: filter, ...action },
});
