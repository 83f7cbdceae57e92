import { Client, WorkflowNotFoundError } from '@temporalio/client';
import type { InheritRetention } from '../domain/commands.js';
import { inheritRetentionSignal } from '../workflows/messages.js';
import { lazyConnection, type TemporalSettings } from './connection.js';
import { translateTemporalError } from './errors.js';
import { artifactWorkflowId } from './ids.js';

/** Messages from activities to the workflows of artifacts: the port `ArtifactLives` of the activities. */
export function connectArtifactLives(settings: TemporalSettings): {
  lives: { inheritRetention(artifactId: string, message: InheritRetention): Promise<boolean> };
  close(): Promise<void>;
} {
  const connection = lazyConnection(settings);
  const client = new Client({ connection, namespace: settings.TEMPORAL_NAMESPACE });
  return {
    lives: {
      async inheritRetention(artifactId, message) {
        try {
          await client.workflow.getHandle(artifactWorkflowId(artifactId)).signal(inheritRetentionSignal, message);
          return true;
        } catch (error) {
          if (error instanceof WorkflowNotFoundError) return false;
          throw translateTemporalError(error, `artifact ${artifactId}`);
        }
      },
    },
    close: () => connection.close(),
  };
}
