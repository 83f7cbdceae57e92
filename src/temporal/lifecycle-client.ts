import type { ArtifactRecord } from '../domain/artifact-record.js';
import type {
  AddHold,
  ByActor,
  CompleteUpload,
  EndHold,
  KeepForever,
  RestoreArtifact,
  SetRetention,
  SetTags,
} from '../domain/commands.js';
import type { NewUpload } from '../domain/new-upload.js';
import type { DeleteExecutionArtifacts, Description, SetExecutionRetention } from '../workflows/messages.js';

/**
 * The verbs of an artifact's life, each sent as a workflow update and answered with the row after it. Under the same `requestKey` (at most
 * 100 characters; it belongs to one verb and message of one artifact) a verb is applied once, as long as this run of the workflow is
 * remembered, and answered with its first outcome. Forgotten are refusals, and failures that say to try again.
 * @throws `ArtifactError` with the code the workflow refused with; `workflows_unavailable` when Temporal does not answer;
 * `not_yet_answered` when the message was accepted but the work takes longer than the deadline (it goes on).
 */
export interface LifecycleClient {
  /** Starts the artifact's workflow, or joins the one that runs, and answers once the upload is registered. */
  beginUpload(upload: NewUpload): Promise<ArtifactRecord>;
  completeUpload(artifactId: string, message: CompleteUpload, requestKey?: string): Promise<ArtifactRecord>;
  abortUpload(artifactId: string, message: ByActor, requestKey?: string): Promise<ArtifactRecord>;
  setRetention(artifactId: string, message: SetRetention): Promise<ArtifactRecord>;
  keepForever(artifactId: string, message: KeepForever): Promise<ArtifactRecord>;
  addHold(artifactId: string, message: AddHold, requestKey?: string): Promise<ArtifactRecord>;
  endHold(artifactId: string, message: EndHold): Promise<ArtifactRecord>;
  setTags(artifactId: string, message: SetTags): Promise<ArtifactRecord>;
  deleteArtifact(artifactId: string, message: ByActor): Promise<ArtifactRecord>;
  undeleteArtifact(artifactId: string, message: ByActor, requestKey?: string): Promise<ArtifactRecord>;
  purgeArtifact(artifactId: string, message: ByActor): Promise<ArtifactRecord>;
  archiveArtifact(artifactId: string, message: ByActor, requestKey?: string): Promise<ArtifactRecord>;
  restoreArtifact(artifactId: string, message: RestoreArtifact, requestKey?: string): Promise<ArtifactRecord>;
  /**
   * Gives an execution its retention and starts to move the artifacts that inherit it; answers once the execution has it, while the
   * artifacts follow by themselves.
   */
  setExecutionRetention(executionId: string, message: SetExecutionRetention): Promise<void>;
  /**
   * Starts to delete all artifacts that an execution has, or joins what runs; answers once that has ended.
   * @throws `execution_not_found`; `not_yet_answered` after `waitMs`: its row says whether it was accepted, and how far it is.
   */
  deleteExecutionArtifacts(executionId: string, message: DeleteExecutionArtifacts, waitMs: number): Promise<void>;
  describe(artifactId: string): Promise<Description>;
  /** @throws `workflows_unavailable`. */
  ping(): Promise<void>;
}
