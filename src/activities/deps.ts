import type { Announcement } from '../domain/announcements.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { ByActor, DeleteArtifact, InheritRetention, RepairArtifact } from '../domain/commands.js';
import type { PublicationReport, PublishRequest } from '../domain/publish.js';
import type { Quotas } from '../domain/quotas.js';
import type { LifePolicy } from '../domain/policy.js';
import type { Repair } from '../domain/repair.js';
import type { ArtifactRecords } from '../db/artifact-records.js';
import type { ObjectStore, StoreCapabilities } from '../storage/object-store.js';
import type { WebhookSender } from '../webhooks/webhook-sender.js';

/** What activities work with: ports, never vendors. Filled once, in `src/worker.ts` and in tests. */
export interface ActivityDeps {
  records: ArtifactRecords;
  store: ObjectStore;
  capabilities: StoreCapabilities;
  lives: ArtifactLives;
  settings: ActivitySettings;
  /** Absent: nobody wants to hear of changes. */
  webhooks?: Webhooks;
}

export interface Webhooks {
  sender: WebhookSender;
  /** From its announcement; what no receiver has accepted by then is given up. */
  giveUpMs: number;
}

/** Messages to other workflows. */
export interface ArtifactLives {
  /**
   * The rows of an execution have changed: its manifest is written again. Returns once that is certain, whoever dies then.
   * @throws `workflows_unavailable`, `not_yet_answered`.
   */
  executionChanged(executionId: string): Promise<void>;
  /** False when the artifact's workflow does not run (any more). */
  inheritRetention(artifactId: string, message: InheritRetention): Promise<boolean>;
  /** The same. */
  deleteArtifact(artifactId: string, message: DeleteArtifact): Promise<boolean>;
  isAlive(artifactId: string): Promise<boolean>;
  /**
   * Starts the workflow of an artifact that has none (any more), at the point of its life at which its row is (`lifeOfRow`). False when one runs:
   * there is never a second one, also when two ask at once.
   * @throws `workflows_unavailable`, `not_yet_answered`: then it may have been started.
   */
  revive(record: ArtifactRecord): Promise<boolean>;
  /** Tells it to go for good; false as above. */
  purgeArtifact(artifactId: string, message: ByActor): Promise<boolean>;
  /**
   * Aborts an upload and returns once it is proven to be gone; false when it is complete, or has no workflow.
   * @throws `workflows_unavailable`, `not_yet_answered`.
   */
  abortUpload(artifactId: string, message: ByActor): Promise<boolean>;
  /**
   * Deletes an artifact and returns once nobody can have its bytes.
   * @throws `held`, `wrong_state` when it has no workflow, `workflows_unavailable`, `not_yet_answered`.
   */
  removeArtifact(artifactId: string, message: ByActor): Promise<void>;
  /**
   * Makes it look at what the store and its row really have, and put right what is not as it should be; false when its workflow does not run
   * (any more). Safe to repeat. @throws `workflows_unavailable`, `not_yet_answered`.
   */
  repairArtifact(artifactId: string, message: RepairArtifact): Promise<Repair | false>;
  /**
   * Hands an announcement over to the workflow that delivers those of this artifact, and starts it if need be. Safe to repeat.
   * @throws `workflows_unavailable`, `not_yet_answered`.
   */
  announce(announcement: Announcement): Promise<void>;
  /** Starts the workflow that cleans up after a publication when its own is ended from outside. Safe to repeat. @throws the same. */
  guardPublication(request: PublishRequest): Promise<void>;
  /** Whether the publication's workflow runs. */
  isPublishing(executionId: string, publicationId: string): Promise<boolean>;
  /** How far a publication's workflow was that has ended; null when it cannot say so any more. */
  lastReport(executionId: string, publicationId: string): Promise<PublicationReport | null>;
}

export interface ActivitySettings {
  defaultRetentionDays: number;
  /** From begin; an upload that is not complete by then is abandoned. */
  uploadDeadlineMs: number;
  /** Life of a signed PUT. */
  putUrlMs: number;
  restorePollMs: number;
  /** Default: none. */
  quotas?: Quotas;
  /** Of artifacts that want nothing else. */
  policy: LifePolicy;
}
