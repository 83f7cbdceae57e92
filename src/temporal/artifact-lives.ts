import { Client, WorkflowNotFoundError, type WorkflowHandle } from '@temporalio/client';
import type { UpdateDefinition } from '@temporalio/common';
import type { Announcement } from '../domain/announcements.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { ByActor, DeleteArtifact, InheritRetention, RepairArtifact } from '../domain/commands.js';
import { ArtifactError } from '../domain/errors.js';
import { MANIFEST_QUIET_MS } from '../domain/manifest.js';
import type { Interrupted } from '../domain/rebuild.js';
import type { Repair } from '../domain/repair.js';
import { SECOND_MS } from '../domain/units.js';
import { publicationGuards, type PublicationGuards } from './publication-guards.js';
import { revival, revive } from './revive.js';
import type { executionManifest } from '../workflows/execution-manifest.js';
import {
  abortUpload as abortUploadUpdate,
  announceSignal,
  deleteArtifact,
  deleteArtifactSignal,
  executionChanged,
  inheritRetentionSignal,
  purgeArtifactSignal,
  repairArtifact,
  type Row,
} from '../workflows/messages.js';
import type { webhookDelivery } from '../workflows/webhook-delivery.js';
import { coalesced } from './coalesce.js';
import { lazyConnection, type TemporalSettings } from './connection.js';
import { translateTemporalError } from './errors.js';
import { takeUp } from './take-up.js';
import { artifactWorkflowId, executionManifestWorkflowId, LIFECYCLE_TASK_QUEUE, webhookWorkflowId } from './ids.js';

/** Less than the local activity may take in which a change is written and told. */
const TELL_MS = 3 * SECOND_MS;
/** A deletion may have to wait for others of the same artifact; whoever asks again joins it. */
const ANSWER_MS = 50 * SECOND_MS;

/** Half of the time for which the workflow waits after a message, so that clocks of different speed do no harm. */
const MESSAGE_COVERS_MS = MANIFEST_QUIET_MS / 2;

interface Lives extends PublicationGuards {
  executionChanged(executionId: string): Promise<void>;
  inheritRetention(artifactId: string, message: InheritRetention): Promise<boolean>;
  deleteArtifact(artifactId: string, message: DeleteArtifact): Promise<boolean>;
  isAlive(artifactId: string): Promise<boolean>;
  revive(record: ArtifactRecord): Promise<boolean>;
  purgeArtifact(artifactId: string, message: ByActor): Promise<boolean>;
  abortUpload(artifactId: string, message: ByActor): Promise<boolean>;
  removeArtifact(artifactId: string, message: ByActor): Promise<void>;
  takeUp(interrupted: Interrupted): Promise<void>;
  repairArtifact(artifactId: string, message: RepairArtifact, row?: ArtifactRecord): Promise<Repair | false>;
  announce(announcement: Announcement): Promise<void>;
}

/** Messages from activities to other workflows: the port `ArtifactLives` of the activities. */
export function connectArtifactLives(settings: TemporalSettings): { lives: Lives; close(): Promise<void> } {
  const connection = lazyConnection(settings);
  const client = new Client({ connection, namespace: settings.TEMPORAL_NAMESPACE });
  return { lives: artifactLives(client), close: () => connection.close() };
}

export function artifactLives(client: Client): Lives {
  /** False when there is no such life. */
  const ask = async <T>(artifactId: string, question: (life: WorkflowHandle) => Promise<T>): Promise<T | false> => {
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
    // A burst of changes is many calls within milliseconds, and the workflow need not hear of each.
    executionChanged: coalesced((executionId) => tellManifest(client, executionId), { coversMs: MESSAGE_COVERS_MS }),
    isAlive: (artifactId) => ask(artifactId, async (life) => (await life.describe()).status.name === 'RUNNING'),
    revive: (record) => revive(client, record),
    inheritRetention: (artifactId, message) => tell(artifactId, (life) => life.signal(inheritRetentionSignal, message)),
    deleteArtifact: (artifactId, message) => tell(artifactId, (life) => life.signal(deleteArtifactSignal, message)),
    purgeArtifact: (artifactId, message) => tell(artifactId, (life) => life.signal(purgeArtifactSignal, message)),
    abortUpload: (artifactId, message) => abortUpload(client, artifactId, message),
    removeArtifact: async (artifactId, message) => {
      await update(client, deleteArtifact, artifactId, message);
    },
    repairArtifact: (artifactId, message, row) =>
      ask(artifactId, (life) =>
        client.withDeadline(Date.now() + ANSWER_MS, () =>
          row === undefined
            ? life.executeUpdate(repairArtifact, { args: [message] })
            : client.workflow.executeUpdateWithStart(repairArtifact, {
                args: [message],
                startWorkflowOperation: revival(row),
              }),
        ),
      ),
    announce: (announcement) => announce(client, announcement),
    takeUp: (interrupted) => takeUp(client, interrupted),
    ...publicationGuards(client),
  };
}

/** Waits for the answer of one artifact. */
async function update(
  client: Client,
  definition: UpdateDefinition<Row, [ByActor]>,
  artifactId: string,
  message: ByActor,
): Promise<void> {
  const life = client.workflow.getHandle(artifactWorkflowId(artifactId));
  try {
    await client.withDeadline(Date.now() + ANSWER_MS, () => life.executeUpdate(definition, { args: [message] }));
  } catch (error) {
    throw translateTemporalError(error, `artifact ${artifactId}`);
  }
}

async function abortUpload(client: Client, artifactId: string, message: ByActor): Promise<boolean> {
  try {
    await update(client, abortUploadUpdate, artifactId, message);
    return true;
  } catch (error) {
    const isOver = error instanceof ArtifactError && ['not_uploading', 'wrong_state'].includes(error.code);
    if (isOver) return false;
    throw error;
  }
}

async function announce(client: Client, announcement: Announcement): Promise<void> {
  const { artifactId, message } = announcement;
  const signalWithStart = () =>
    client.workflow.signalWithStart<typeof webhookDelivery, [Announcement]>('webhookDelivery', {
      workflowId: webhookWorkflowId(artifactId),
      taskQueue: LIFECYCLE_TASK_QUEUE,
      args: [{ artifactId }],
      signal: announceSignal,
      signalArgs: [announcement],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `webhooks of ${message.data.path}`.slice(0, 200),
    });
  try {
    await client.withDeadline(Date.now() + TELL_MS, signalWithStart);
  } catch (error) {
    throw translateTemporalError(error, `webhooks of artifact ${artifactId}`);
  }
}

/** Tells the workflow of a manifest, which is started when none runs. */
async function tellManifest(client: Client, executionId: string): Promise<void> {
  const signalWithStart = () =>
    client.workflow.signalWithStart<typeof executionManifest>('executionManifest', {
      workflowId: executionManifestWorkflowId(executionId),
      taskQueue: LIFECYCLE_TASK_QUEUE,
      args: [{ executionId }],
      signal: executionChanged,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      staticSummary: `manifest of execution ${executionId}`,
    });
  try {
    await client.withDeadline(Date.now() + TELL_MS, signalWithStart);
  } catch (error) {
    throw translateTemporalError(error, `the manifest of execution ${executionId}`);
  }
}
