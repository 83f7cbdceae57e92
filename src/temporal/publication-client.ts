import type { ByActor } from '../domain/commands.js';
import type { PublicationReport, PublishRequest } from '../domain/publish.js';

/** A publication that runs, or whose workflow has ended and is still remembered. */
export interface RunningPublication {
  report: PublicationReport;
  /** Bytes that the host has sent of what is not counted as uploaded yet. */
  sendingBytes: number;
}

/**
 * Publications by their workflow.
 * @throws `workflows_unavailable` when Temporal does not answer; `not_yet_answered` when no worker does.
 */
export interface PublicationClient {
  /** Whether an upload worker of this host has asked for work within the last two minutes. */
  isHostThere(hostId: string): Promise<boolean>;
  /** Starts it, or joins the one that runs. */
  startPublication(request: PublishRequest, hostTimeoutMs: number): Promise<void>;
  /** Null when Temporal knows none, or none any more. */
  getPublication(executionId: string, publicationId: string): Promise<RunningPublication | null>;
  /** False when none runs. */
  cancelPublication(executionId: string, publicationId: string, by: ByActor): Promise<boolean>;
}
