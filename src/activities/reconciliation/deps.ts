import type { DatabasesOfBucket } from '../../bucket-databases.js';
import type { Quarantine } from '../../db/quarantine.js';
import type { Reconciliations } from '../../db/reconciliations.js';
import type { Shares } from '../../db/shares.js';
import { paced } from '../inspection/paced.js';
import type { ActivityDeps, Fleet, ReconciliationSettings } from '../deps.js';

export interface ReconciliationDeps extends Pick<ActivityDeps, 'records' | 'store' | 'lives'> {
  reconciliations: Reconciliations;
  quarantine: Quarantine;
  databases: Pick<DatabasesOfBucket, 'look'>;
  fleet: Fleet;
  shares: Pick<Shares, 'removeExpired'>;
  settings: ReconciliationSettings;
}

/** Store and Temporal at the pace of the whole process, as inspections ask them. @throws for a worker that was not given all of it: a bug of whoever put it together. */
export function reconciliationDeps(deps: ActivityDeps): ReconciliationDeps {
  const { records, store, lives, reconciliations, quarantine, databases, shares, inspection, settings } = deps;
  const { reconciliation } = settings;
  if (!reconciliations || !quarantine || !databases || !shares || !inspection || !reconciliation)
    throw new Error('this worker knows no reconciliations');
  const { fleet, pace } = inspection;
  return {
    ...{ records, reconciliations, quarantine, databases, shares, settings: reconciliation },
    ...{ store: paced(store, pace), lives: paced(lives, pace), fleet: paced(fleet, pace) },
  };
}
