import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Announcement, DeliveryState } from '../domain/announcements.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import type {
  AddHold,
  ByActor,
  CompleteUpload,
  DeleteArtifact,
  EndHold,
  InheritRetention,
  KeepForever,
  RepairArtifact,
  RestoreArtifact,
  SetRetention,
  SetTags,
} from '../domain/commands.js';
import type { HandedOverState, NextAction } from '../domain/lifecycle.js';
import type { NewUpload } from '../domain/new-upload.js';
import type { ReconciliationProgress } from '../domain/reconcile.js';
import type { Repair } from '../domain/repair.js';
import type { TagChanges } from '../domain/tags.js';
import type { PublicationReport } from '../domain/publish.js';

/**
 * The messages of `artifactLifecycle`, and their payloads: plain JSON with absolute facts, so that a message that arrives twice
 * does nothing the second time. Every change is an update (validated and answered); those an operator may want to send to many
 * artifacts at once are signals of the same name too.
 */

export type { NewUpload } from '../domain/new-upload.js';

/** What nearly every update answers with: the row after it. */
export type Row = ArtifactRecord;

/** Input of the workflow: a new upload, or the state handed over by continue-as-new. */
export type LifecycleInput = { upload: NewUpload } | { state: HandedOverState };

/** Answer of `describe`: where the artifact is and what comes next. */
export interface Description {
  record: ArtifactRecord;
  next: NextAction;
  /** Its object may lack tags of its row, and gets them as soon as it can. */
  untagged?: true;
}

export const beginUpload = defineUpdate<Row>('beginUpload');
export const completeUpload = defineUpdate<Row, [CompleteUpload]>('completeUpload');
export const abortUpload = defineUpdate<Row, [ByActor]>('abortUpload');
export const setRetention = defineUpdate<Row, [SetRetention]>('setRetention');
export const keepForever = defineUpdate<Row, [KeepForever]>('keepForever');
export const addHold = defineUpdate<Row, [AddHold]>('addHold');
export const endHold = defineUpdate<Row, [EndHold]>('endHold');
export const setTags = defineUpdate<Row, [SetTags]>('setTags');
export const deleteArtifact = defineUpdate<Row, [ByActor]>('deleteArtifact');
export const undeleteArtifact = defineUpdate<Row, [ByActor]>('undeleteArtifact');
export const purgeArtifact = defineUpdate<Row, [ByActor]>('purgeArtifact');
export const archiveArtifact = defineUpdate<Row, [ByActor]>('archiveArtifact');
export const restoreArtifact = defineUpdate<Row, [RestoreArtifact]>('restoreArtifact');
/** Answers with what came of it. */
export const repairArtifact = defineUpdate<Repair, [RepairArtifact]>('repairArtifact');

/** Either `days` from creation or `expiresAt`, a time as ISO 8601. */
export interface SetRetentionSignal extends Partial<ByActor> {
  days?: number;
  expiresAt?: string;
  confirm?: boolean;
}
/** Without an `id` it gets one; `until` is a time as ISO 8601. */
export interface AddHoldSignal extends Partial<ByActor> {
  id?: string;
  reason?: string;
  until?: string;
}

/** What is not named stays, unless `merge` is false. */
export interface SetTagsSignal extends Partial<ByActor> {
  tags?: TagChanges;
  merge?: boolean;
}

/** Signals carry partial payloads: whoever types one into a terminal may leave everything out. */
export const setRetentionSignal = defineSignal<[SetRetentionSignal?]>('setRetention');
export const inheritRetentionSignal = defineSignal<[Partial<InheritRetention>?]>('inheritRetention');
export const keepForeverSignal = defineSignal<[Partial<KeepForever>?]>('keepForever');
export const addHoldSignal = defineSignal<[AddHoldSignal?]>('addHold');
export const endHoldSignal = defineSignal<[Partial<EndHold>?]>('endHold');
export const setTagsSignal = defineSignal<[SetTagsSignal?]>('setTags');
export const deleteArtifactSignal = defineSignal<[Partial<DeleteArtifact>?]>('deleteArtifact');
export const undeleteArtifactSignal = defineSignal<[Partial<ByActor>?]>('undeleteArtifact');
export const purgeArtifactSignal = defineSignal<[Partial<ByActor>?]>('purgeArtifact');
export const archiveArtifactSignal = defineSignal<[Partial<ByActor>?]>('archiveArtifact');
export const repairArtifactSignal = defineSignal<[Partial<RepairArtifact>?]>('repairArtifact');
export const restoreArtifactSignal = defineSignal<[Partial<RestoreArtifact>?]>('restoreArtifact');

/** Of `executionRetention`: answered once the execution has it; its artifacts follow. */
export interface SetExecutionRetention extends ByActor {
  tenantId: string;
  days: number;
}
export const setExecutionRetention = defineUpdate<void, [SetExecutionRetention]>('setExecutionRetention');

/** Of `executionDeletion`: answered once it is accepted, which is when its scope is written down; the artifacts follow. */
export interface DeleteExecutionArtifacts extends ByActor {
  /** UUID; under the same one it is the same deletion. */
  deletionId: string;
}
export const deleteExecutionArtifacts = defineUpdate<void, [DeleteExecutionArtifacts]>('deleteExecutionArtifacts');

/** Input of `webhookDelivery`: which artifact it is for, or what it takes over from a run before. */
export type WebhookDeliveryInput = { artifactId: string } | { state: DeliveryState };
export const announceSignal = defineSignal<[Announcement]>('announce');

/** Of `executionManifest`: rows of the execution have changed. */
export const executionChanged = defineSignal('executionChanged');

/** Of `publishOutputs`: where it is. */
export const publicationStatus = defineQuery<PublicationReport>('publicationStatus');
/** What is not complete yet is given up. Too late once it is being committed. */
export const cancelPublication = defineSignal<[Partial<ByActor>?]>('cancelPublication');

/** Of `reconcile`: how far it is. */
export const reconciliationProgress = defineQuery<ReconciliationProgress>('reconciliationProgress');

export const describe = defineQuery<Description>('describe');
