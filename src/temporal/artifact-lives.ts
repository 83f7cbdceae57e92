import { Client, WorkflowNotFoundError } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';
import type { InheritRetention } from '../domain/commands.js';
import { inheritRetentionSignal } from '../workflows/messages.js';
import { lazyConnection, type TemporalSettings } from './connection.js';
import { translateTemporalError } from './errors.js';
import { artifactWorkflowId } from './ids.js';

interface Lives {
  inheritRetention(artifactId: string, message: InheritRetention): Promise<boolean>;
}

/** Messages from activities to the workflows of artifacts: the port `ArtifactLives` of the activities. */
export function connectArtifactLives(settings: TemporalSettings): { lives: Lives; close(): Promise<void> } {
  const connection = lazyConnection(settings);
  const client = new Client({ connection, namespace: settings.TEMPORAL_NAMESPACE });
  return { lives: artifactLives(client), close: () => connection.close() };
}

export function artifactLives(client: Client): Lives {
  const signal = async <M>(artifactId: string, definition: SignalDefinition<[M]>, message: M): Promise<boolean> => {
    try {
      await client.workflow.getHandle(artifactWorkflowId(artifactId)).signal(definition, message);
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw translateTemporalError(error, `artifact ${artifactId}`);
    }
  };
  return {
    inheritRetention: (artifactId, message) => signal(artifactId, inheritRetentionSignal, message),
  };
}
