import type { DatabasesOfBucket } from '../../bucket-databases.js';
import type { Quarantine } from '../../db/quarantine.js';
import type { Reconciliations } from '../../db/reconciliations.js';
import type { ActivityDeps, Fleet, ReconciliationSettings } from '../deps.js';

export interface ReconciliationDeps extends Pick<ActivityDeps, 'records' | 'store' | 'lives'> {
  reconciliations: Reconciliations;
  quarantine: Quarantine;
  databases: Pick<DatabasesOfBucket, 'look'>;
  fleet: Fleet;
  settings: ReconciliationSettings;
}

/** @throws for a worker that was not given all of it: a bug of whoever put it together. */
export function reconciliationDeps(deps: ActivityDeps): ReconciliationDeps {
  const { records, store, lives, reconciliations, quarantine, databases, inspection, settings } = deps;
  const { reconciliation } = settings;
  if (!reconciliations || !quarantine || !databases || !inspection || !reconciliation)
    throw new Error('this worker knows no reconciliations');
  const { fleet } = inspection;
  return { records, store, lives, reconciliations, quarantine, databases, fleet, settings: reconciliation };
}
