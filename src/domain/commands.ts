import type { Hold } from './holds.js';
import type { Actor, OwnRetention } from './retention.js';
import type { TagChanges } from './tags.js';
import type { RestoreTier } from './tiers.js';

/*
 * The verbs of an artifact's life with their messages: plain JSON with absolute facts, so that a message that arrives twice does
 * nothing the second time. A verb has the same name on every layer.
 */

export interface ByActor {
  /** `sub` of the caller's token. */
  actor: Actor;
  /** Of the API's request that it came by; absent: by none, or by an API that did not say yet. */
  requestId?: string;
}

/** Only that, of whoever says more. @param requestId undefined: as if it were left out. */
export const byOf = ({ actor, requestId }: { actor: string; requestId?: string | undefined }): ByActor => ({
  actor,
  ...(requestId === undefined ? {} : { requestId }),
});

export interface CompleteUpload extends ByActor {
  /** Of the whole file, lower-case hex. */
  sha256: string;
  sizeBytes: number;
}

/** `confirm` is needed when the deadline lies in the past: the artifact is then deleted at once. */
export type SetRetention = ByActor & OwnRetention & { confirm: boolean };

/** What an artifact without a retention of its own takes over from its execution. */
export interface InheritRetention extends ByActor {
  /** Whole days from the artifact's creation. */
  days: number;
}

export interface KeepForever extends ByActor {
  reason: string;
}

export interface AddHold extends ByActor {
  hold: Pick<Hold, 'id' | 'reason' | 'untilMs'>;
}

export interface EndHold extends ByActor {
  holdId: string;
}

export interface DeleteArtifact extends ByActor {
  /** When all of its execution is deleted: under which id its audit says so, and by which it is counted. */
  executionDeletionId?: string;
}

export interface RestoreArtifact extends ByActor {
  tier: RestoreTier;
}

export interface RepairArtifact extends ByActor {
  /** UUID of the reconciliation that asks; absent: somebody does. */
  runId?: string;
}

export interface SetTags extends ByActor {
  tags: TagChanges;
  /** What is not named stays; false: it goes. Decided when the command's turn comes, so two of these at once lose nothing. */
  merge: boolean;
}

export type Command =
  | { verb: 'completeUpload'; message: CompleteUpload }
  | { verb: 'abortUpload'; message: ByActor }
  | { verb: 'setRetention'; message: SetRetention }
  | { verb: 'inheritRetention'; message: InheritRetention }
  | { verb: 'keepForever'; message: KeepForever }
  | { verb: 'addHold'; message: AddHold }
  | { verb: 'endHold'; message: EndHold }
  | { verb: 'setTags'; message: SetTags }
  | { verb: 'deleteArtifact'; message: DeleteArtifact }
  | { verb: 'undeleteArtifact'; message: ByActor }
  | { verb: 'purgeArtifact'; message: ByActor }
  | { verb: 'archiveArtifact'; message: ByActor }
  | { verb: 'restoreArtifact'; message: RestoreArtifact }
  | { verb: 'repairArtifact'; message: RepairArtifact };

export type Verb = Command['verb'];

/** Verbs that keep what would go: once accepted, they are carried out before anything is deleted by itself. */
export const isKeeping = ({ verb }: Command): boolean =>
  verb === 'keepForever' || verb === 'setRetention' || verb === 'addHold' || verb === 'undeleteArtifact';

/** A later word about the retention overrules an earlier one; that of the execution only its own. */
export function overrules(later: Verb, earlier: Verb): boolean {
  if (later === 'inheritRetention') return earlier === 'inheritRetention';
  if (later !== 'keepForever' && later !== 'setRetention') return false;
  return earlier === 'keepForever' || earlier === 'setRetention' || earlier === 'inheritRetention';
}
