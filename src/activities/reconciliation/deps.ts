import type { DatabasesOfBucket } from '../../bucket-databases.js';
import type { Quarantine } from '../../db/quarantine.js';
import type { Reconciliations } from '../../db/reconciliations.js';
import type { ActivityDeps, ReconciliationSettings } from '../deps.js';

export interface ReconciliationDeps extends Pick<ActivityDeps, 'records' | 'store' | 'lives'> {
  reconciliations: Reconciliations;
  quarantine: Quarantine;
  databases: Pick<DatabasesOfBucket, 'look'>;
  settings: ReconciliationSettings;
}

/** @throws for a worker that was not given all of it: a bug of whoever put it together. */
export function reconciliationDeps(deps: ActivityDeps): ReconciliationDeps {
  const { records, store, lives, reconciliations, quarantine, databases, settings } = deps;
  if (reconciliations === undefined || quarantine === undefined || databases === undefined)
    throw new Error('this worker knows no reconciliations');
  if (settings.reconciliation === undefined) throw new Error('this worker has no settings of reconciliations');
  return { records, store, lives, reconciliations, quarantine, databases, settings: settings.reconciliation };
}
