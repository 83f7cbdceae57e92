import type { Actor } from './retention.js';
import type { RestoreTier } from './tiers.js';

/*
 * The verbs of an artifact's life with their messages: plain JSON with absolute facts, so that a message that arrives twice does
 * nothing the second time. A verb has the same name on every layer.
 */

export interface ByActor {
  /** `sub` of the caller's token. */
  actor: Actor;
}

export interface CompleteUpload extends ByActor {
  /** Of the whole file, lower-case hex. */
  sha256: string;
  sizeBytes: number;
}

export interface SetRetention extends ByActor {
  /** Whole days from creation. */
  days: number;
  /** Needed when that lies in the past: the artifact is then deleted at once. */
  confirm: boolean;
}

/** What an artifact without a retention of its own takes over from its execution. */
export interface InheritRetention extends ByActor {
  /** Whole days from the artifact's creation. */
  days: number;
}

export interface KeepForever extends ByActor {
  reason: string;
}

export interface RestoreArtifact extends ByActor {
  tier: RestoreTier;
}

export type Command =
  | { verb: 'completeUpload'; message: CompleteUpload }
  | { verb: 'abortUpload'; message: ByActor }
  | { verb: 'setRetention'; message: SetRetention }
  | { verb: 'inheritRetention'; message: InheritRetention }
  | { verb: 'keepForever'; message: KeepForever }
  | { verb: 'deleteArtifact'; message: ByActor }
  | { verb: 'archiveArtifact'; message: ByActor }
  | { verb: 'restoreArtifact'; message: RestoreArtifact };

export type Verb = Command['verb'];
