import { Client, WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import type { DeleteArtifact, InheritRetention } from '../domain/commands.js';
import { deleteArtifactSignal, inheritRetentionSignal } from '../workflows/messages.js';
import { lazyConnection, type TemporalSettings } from './connection.js';
import { translateTemporalError } from './errors.js';
import { artifactWorkflowId } from './ids.js';

interface Lives {
  inheritRetention(artifactId: string, message: InheritRetention): Promise<boolean>;
  deleteArtifact(artifactId: string, message: DeleteArtifact): Promise<boolean>;
  isAlive(artifactId: string): Promise<boolean>;
}

/** Messages from activities to the workflows of artifacts: the port `ArtifactLives` of the activities. */
export function connectArtifactLives(settings: TemporalSettings): { lives: Lives; close(): Promise<void> } {
  const connection = lazyConnection(settings);
  const client = new Client({ connection, namespace: settings.TEMPORAL_NAMESPACE });
  return { lives: artifactLives(client), close: () => connection.close() };
}

export function artifactLives(client: Client): Lives {
  /** False when there is no such life. */
  const ask = async (artifactId: string, question: (life: WorkflowHandle) => Promise<boolean>): Promise<boolean> => {
    try {
      return await question(client.workflow.getHandle(artifactWorkflowId(artifactId)));
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw translateTemporalError(error, `artifact ${artifactId}`);
    }
  };
  const tell = (artifactId: string, send: (life: WorkflowHandle) => Promise<void>): Promise<boolean> =>
    ask(artifactId, async (life) => {
      await send(life);
      return true;
    });
  return {
    isAlive: (artifactId) => ask(artifactId, async (life) => (await life.describe()).status.name === 'RUNNING'),
    inheritRetention: (artifactId, message) => tell(artifactId, (life) => life.signal(inheritRetentionSignal, message)),
    deleteArtifact: (artifactId, message) => tell(artifactId, (life) => life.signal(deleteArtifactSignal, message)),
  };
}
