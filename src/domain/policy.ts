import { ArtifactError } from './errors.js';
import { MAX_RETENTION_DAYS } from './retention.js';

/**
 * What an artifact's life goes by besides its retention. Fixed when it is registered, so that a deployment whose settings change
 * moves nobody's dates.
 */
export interface LifePolicy {
  /** Days from creation (or the last restore) until it becomes WARM; null: never. */
  warmAfterDays: number | null;
  /** Days from creation (or the last restore) until it becomes COLD, which is ARCHIVED; null: never. */
  coldAfterDays: number | null;
  /**
   * What the days until WARM and COLD count from as well: when it was given out last, so that what is used stays where it is. Absent: from its
   * age alone, as in lives that began before this could be chosen.
   */
  tierBy?: 'last_access';
  /** Its object says in a tag by which days it moves, so that rules of the bucket may do that too. Absent: lives that began before there were such tags. */
  bucketMayMove?: true;
  /** Days before its expiry at which it is warned of, or half of its life if that is shorter; 0: never. */
  warnBeforeDays: number;
  /** Days for which what somebody deleted can be brought back, in a versioned bucket; 0: deleted at once. */
  undeleteDays: number;
  /** The same for what expired, which was warned of before. */
  undeleteExpiredDays: number;
  /** There is none: the life began before there were policies, and goes by the rules of then. */
  none?: true;
}

/** FEAT-004 REQ-7 and design section 2. */
export const DEFAULT_POLICY: LifePolicy = {
  warmAfterDays: 30,
  coldAfterDays: 90,
  warnBeforeDays: 3,
  undeleteDays: 7,
  undeleteExpiredDays: 0,
};

/** Of lives that began before there were policies, until their row is written anew. */
export const NO_POLICY: LifePolicy = {
  warmAfterDays: null,
  coldAfterDays: null,
  warnBeforeDays: 0,
  undeleteDays: 0,
  undeleteExpiredDays: 0,
  none: true,
};

/** When an upload itself wants to be moved; absent: as the deployment says, null: never. */
export interface Tiering {
  warmAfterDays?: number | null;
  coldAfterDays?: number | null;
}

/** @throws `invalid_tiering` unless whole days from 0 to 36500, or never. */
export function requireTiering(tiering: Tiering): Tiering {
  for (const days of [tiering.warmAfterDays ?? null, tiering.coldAfterDays ?? null])
    if (days !== null && (!Number.isInteger(days) || days < 0 || days > MAX_RETENTION_DAYS))
      throw new ArtifactError(
        'invalid_tiering',
        `${days} is not a whole number of days from 0 to ${MAX_RETENTION_DAYS}`,
      );
  return tiering;
}

/** What the uploader wants, over what the deployment does. @throws `invalid_tiering`. */
export function choosePolicy(deployment: LifePolicy, tiering: Tiering): LifePolicy {
  const { warmAfterDays, coldAfterDays } = requireTiering(tiering);
  const policy = {
    ...deployment,
    ...(warmAfterDays === undefined ? {} : { warmAfterDays }),
    ...(coldAfterDays === undefined ? {} : { coldAfterDays }),
  };
  const { warmAfterDays: warm, coldAfterDays: cold } = policy;
  // What only one side says must not contradict the other side's default: an early COLD makes a later WARM void.
  return warm !== null && cold !== null && warm >= cold ? { ...policy, warmAfterDays: null } : policy;
}
