import type { DatabasesOfBucket } from '../bucket-databases.js';
import type { Announcement } from '../domain/announcements.js';
import type { IndexedLife } from '../domain/inspection.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { ByActor, DeleteArtifact, InheritRetention, RepairArtifact } from '../domain/commands.js';
import type { PublicationReport, PublishRequest } from '../domain/publish.js';
import type { Quotas } from '../domain/quotas.js';
import type { LifePolicy } from '../domain/policy.js';
import type { Repair } from '../domain/repair.js';
import type { ArtifactRecords } from '../db/artifact-records.js';
import type { Quarantine } from '../db/quarantine.js';
import type { Reconciliations } from '../db/reconciliations.js';
import type { Shares } from '../db/shares.js';
import type { RowInventory } from '../db/row-inventory.js';
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
  /** Where reconciliations write what they find. Absent: nothing is reconciled, as in tests of other things. */
  reconciliations?: Reconciliations;
  /** With them: old links go when one begins. */
  shares?: Pick<Shares, 'removeExpired'>;
  /** What they watch before it is removed. Absent: the same. */
  quarantine?: Quarantine;
  /** Which databases work with the bucket. Absent: only this one, as in tests of other things. */
  databases?: Pick<DatabasesOfBucket, 'look'>;
  /** What they look at, besides the store. Absent: the same. */
  inspection?: Inspection;
}

export interface Inspection {
  rows: RowInventory;
  fleet: Fleet;
  /** Resolves when the next request may be sent; one for the whole process. */
  pace: () => Promise<void>;
  /** Default: {@link INSPECTION_PATIENCE}. */
  patience?: Partial<InspectionPatience>;
  /** Rows and objects in memory at a time, 2 to 1,000. Default 1,000. */
  pageSize?: number;
}

/** How long what looks like drift may be work that is under way, in milliseconds. */
export interface InspectionPatience {
  /** Between the two looks that a finding needs. */
  secondLookMs: number;
  /** Since rows of an execution have changed last, before its manifest is compared with them. */
  quietRowsMs: number;
  /** Age at which a multipart upload is none that a row is about to know. */
  uploadMs: number;
  /** Age at which a life must have its row. */
  registrationMs: number;
  /** After its deadline. */
  expiryMs: number;
}

/** All artifacts' workflows, as the Temporal server knows them. */
export interface Fleet {
  /**
   * Of these artifacts (at most 1,000), those whose life runs, as the server's index has it: it lags by moments, so who is missing is looked at.
   * @throws `workflows_unavailable`.
   */
  findRunning(artifactIds: readonly string[]): Promise<string[]>;
  /** Every life that runs, in pages of at most `limit` (1 to 1,000); `cursor` null: from the start, and on the last page. @throws the same. */
  listRunning(query: {
    cursor: string | null;
    limit: number;
  }): Promise<{ lives: RunningLife[]; cursor: string | null }>;
  /** Asks a life itself; null when it does not run. @throws `workflows_unavailable`, `not_yet_answered`. */
  look(artifactId: string): Promise<LifeSight | null>;
  /**
   * What an artifact's workflow knows of its row, or knew last when it has ended; null when nobody can say so (any more).
   * @throws `workflows_unavailable`.
   */
  recall(artifactId: string): Promise<ArtifactRecord | null>;
}

export interface RunningLife {
  artifactId: string;
  startedAtMs: number;
  /** Null: the index does not tell. */
  index: IndexedLife | null;
}

export interface LifeSight {
  /** The row as the workflow knows it. */
  record: ArtifactRecord;
  /** A deletion was decided and is being carried out. */
  isDeleting: boolean;
  /** It knows that its object may lack tags of its row, and is going to give them. */
  isUntagged: boolean;
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
   * (any more). Safe to repeat.
   * @param row with one, its workflow is started from there when none runs ({@link revive}), also one whose life is over, and asked before it
   * can end again.
   * @throws `workflows_unavailable`, `not_yet_answered`.
   */
  repairArtifact(artifactId: string, message: RepairArtifact, row?: ArtifactRecord): Promise<Repair | false>;
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
  /** With `ActivityDeps.reconciliations`. */
  reconciliation?: ReconciliationSettings;
}

export interface ReconciliationSettings {
  /** How long an object that nobody knows is watched before it is removed for good. */
  quarantineDays: number;
  /** How long reports are kept, and links whose life has ended. */
  keepDays: number;
}
