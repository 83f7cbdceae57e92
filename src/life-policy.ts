import type { Config } from './config.js';
import type { LifePolicy } from './domain/policy.js';

type PolicyConfig = Pick<
  Config,
  'COLD_AFTER_DAYS' | 'TIER_BY' | 'UNDELETE_DAYS' | 'UNDELETE_EXPIRED_DAYS' | 'WARM_AFTER_DAYS' | 'WARN_BEFORE_DAYS'
>;

/** What new lives go by. */
export const lifePolicyOf = (config: PolicyConfig): LifePolicy => ({
  warmAfterDays: config.WARM_AFTER_DAYS === 0 ? null : config.WARM_AFTER_DAYS,
  coldAfterDays: config.COLD_AFTER_DAYS === 0 ? null : config.COLD_AFTER_DAYS,
  ...(config.TIER_BY === 'last_access' ? { tierBy: config.TIER_BY } : { bucketMayMove: true }),
  warnBeforeDays: config.WARN_BEFORE_DAYS,
  undeleteDays: config.UNDELETE_DAYS,
  undeleteExpiredDays: config.UNDELETE_EXPIRED_DAYS,
});
