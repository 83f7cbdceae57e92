import { NativeConnection } from '@temporalio/worker';
import { ArtifactError } from '../domain/errors.js';
import { connectionOptions, type TemporalSettings } from './connection.js';

/**
 * The connection of a worker. In a module of its own, as it loads the SDK's native core, which no client needs.
 * @throws `workflows_unavailable`.
 */
export async function connectWorker(settings: TemporalSettings): Promise<NativeConnection> {
  try {
    return await NativeConnection.connect(connectionOptions(settings));
  } catch (cause) {
    throw new ArtifactError('workflows_unavailable', `Temporal does not answer at ${settings.TEMPORAL_ADDRESS}`, {
      cause,
    });
  }
}
