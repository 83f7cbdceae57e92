import type { ArtifactRecord } from './artifact-record.js';
import { nextAction, type LifecycleState, type NextAction } from './lifecycle.js';

/** What happens to an artifact next by itself, why, and what would change that. */
export interface Plan {
  action: NextAction['kind'];
  /** Null when nothing will happen. */
  atMs: number | null;
  rule: NextAction['rule'];
  because: string;
  wouldChange: string[];
}

const RETENTION_CHANGES = ['another retention', 'keeping it for ever', 'a hold', 'deleting it'];

interface Explanation {
  because: string;
  wouldChange: string[];
}

/** Each rule in words. */
const EXPLANATIONS: Record<NextAction['rule'], Explanation> = {
  default_retention: {
    because: 'Neither the artifact nor its execution has a retention of its own: the default counts from its creation.',
    wouldChange: [...RETENTION_CHANGES, 'a retention of its execution'],
  },
  execution_retention: {
    because: 'The retention of its execution counts from its creation.',
    wouldChange: [...RETENTION_CHANGES, 'another retention of its execution'],
  },
  artifact_retention: {
    because: 'Its own retention counts from its creation.',
    wouldChange: RETENTION_CHANGES,
  },
  date_retention: { because: 'Somebody set the day on which it expires.', wouldChange: RETENTION_CHANGES },
  held: {
    because: 'It has holds that somebody must end; until then it neither expires nor can be deleted.',
    wouldChange: ['ending its holds'],
  },
  hold_until: {
    because: 'A hold ends by itself; with the last one the deadline counts again.',
    wouldChange: ['ending the hold', 'another hold'],
  },
  expiry_warning: {
    because: 'It expires soon, and is told of before, so that it can still be kept.',
    wouldChange: RETENTION_CHANGES,
  },
  warm_age: {
    because: 'It is old enough for infrequent access: its tier counts from its creation, or its last restore.',
    wouldChange: ['its expiry', 'archiving it', 'deleting it'],
  },
  cold_age: {
    because: 'It is old enough for the archive: its tier counts from its creation, or its last restore.',
    wouldChange: ['its expiry', 'archiving it now', 'deleting it'],
  },
  warm_unused: {
    because: 'Nobody has used it for long enough: it moves to infrequent access.',
    wouldChange: ['downloading it', 'its expiry', 'archiving it', 'deleting it'],
  },
  cold_unused: {
    because: 'Nobody has used it for long enough: it moves to the archive.',
    wouldChange: ['downloading it', 'its expiry', 'archiving it now', 'deleting it'],
  },
  undelete_window: {
    because: 'It was deleted and can be brought back until then; after that its bytes are gone.',
    wouldChange: ['undeleting it', 'purging it now'],
  },
  permanent: {
    because: 'It is kept for ever.',
    wouldChange: ['a retention in days', 'deleting it'],
  },
  upload_deadline: {
    because: 'An upload that is not complete by its deadline is abandoned.',
    wouldChange: ['completing the upload', 'aborting it'],
  },
  restore_requested: {
    because: 'A restore from the archive runs, and is looked at until the bytes are back.',
    wouldChange: ['its expiry', 'deleting it'],
  },
  unverified_checksum: {
    because: 'Nobody has seen yet that its bytes have the SHA-256 that was claimed: they are read back.',
    wouldChange: ['archiving it', 'deleting it'],
  },
  tags_changed: {
    because: 'Its tags have changed, and its object is given them.',
    wouldChange: ['deleting it'],
  },
  message_accepted: {
    because: 'Something that was asked for could not be done yet, and is tried again.',
    wouldChange: ['deleting it'],
  },
  signed_urls_outlive_deletion: {
    because: 'It is deleted; what a signed upload URL brings back is removed when the last one is dead.',
    wouldChange: [],
  },
  deleted: { because: 'It is deleted.', wouldChange: [] },
  expired: decided('it expired'),
  requested: decided('somebody asked for it'),
  upload_aborted: decided('the upload was aborted'),
  upload_abandoned: decided('the upload was abandoned'),
  upload_failed: decided('the upload failed'),
  checksum_mismatch: decided('the bytes were not those claimed'),
  bytes_lost: decided('the store had lost its bytes'),
};

function decided(why: string): Explanation {
  return { because: `Its deletion is decided, because ${why}, and is tried until it is proven.`, wouldChange: [] };
}

/** The plan of an artifact as its row tells it, by the same `nextAction` that its workflow follows. */
export function planOf(record: ArtifactRecord, nowMs: number): Plan {
  const { kind: action, atMs, rule } = nextAction(standingOf(record, nowMs), nowMs);
  return { action, atMs, rule, ...EXPLANATIONS[rule] };
}

/** The rule in words. */
export const becauseOf = (rule: NextAction['rule']): string => EXPLANATIONS[rule].because;

/** What the row says of the state; what only the workflow knows (how often something was tried) is due now. */
export function standingOf(record: ArtifactRecord, nowMs: number): LifecycleState {
  const { deletionReason: reason } = record;
  return {
    v: 2,
    record,
    nextRestorePollMs: record.restoreState === null ? null : nowMs,
    unfinished: [],
    deletion:
      reason === null || record.status === 'DELETED'
        ? null
        : { reason, actor: '', failures: 0, nextTryMs: nowMs, rowMissing: false },
    uploadEndedMs: null,
    sweepAtMs: null,
    retriesMs: {},
    problem: null,
  };
}
