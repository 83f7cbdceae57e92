import type { Connection } from '@temporalio/client';
import type { Config } from '../config.js';
import { lazyConnection, type TemporalSettings } from './connection.js';
import { hasGrpcCode, translateTemporalError } from './errors.js';
import { scheduleReconciliations, type ReconcileScheduleSettings } from './reconcile-schedule.js';
import { registerSearchAttributes } from './search-attributes.js';

/** gRPC status codes (grpc.io, "status codes"): of a server that lets nobody do it by this way, such as Temporal Cloud. */
const PERMISSION_DENIED = 7;
const UNIMPLEMENTED = 12;

/**
 * Makes all that workflows need of a namespace, which must exist: search attributes, and the schedule of the reconciliation. Safe to repeat.
 * @returns what is so now, for people.
 */
export async function prepareNamespace(connection: Connection, settings: ReconcileScheduleSettings): Promise<string[]> {
  return [await attributes(connection, settings.namespace), await scheduleReconciliations(connection, settings)];
}

/**
 * The same of what is missing: what is there may be set otherwise than this program knows, and stays as it is.
 * @throws `workflows_unavailable`.
 */
export async function completeNamespace(
  settings: TemporalSettings & Pick<Config, 'RECONCILE_EVERY_MINUTES' | 'RECONCILE_MODE'>,
): Promise<string[]> {
  const { TEMPORAL_NAMESPACE: namespace, RECONCILE_EVERY_MINUTES: everyMinutes, RECONCILE_MODE: mode } = settings;
  const connection = lazyConnection(settings);
  try {
    return await prepareNamespace(connection, { namespace, everyMinutes, mode, onlyIfMissing: true });
  } catch (error) {
    throw translateTemporalError(error, `namespace ${namespace}`);
  } finally {
    await connection.close();
  }
}

async function attributes(connection: Connection, namespace: string): Promise<string> {
  try {
    const added = await registerSearchAttributes(connection, namespace);
    return added.length === 0 ? 'search attributes are there' : `added the search attributes ${added.join(', ')}`;
  } catch (error) {
    if (!hasGrpcCode(error, [PERMISSION_DENIED, UNIMPLEMENTED])) throw error;
    return 'search attributes cannot be made from here: make them in the console of the server';
  }
}
