import type { ArtifactRecord, AuditEvent, AuditKind } from './artifact-record.js';
import { ArtifactError } from './errors.js';

/*
 * What becomes of a change that was decided without knowing what was written meanwhile: by attempts at the same whose answers were lost, or by
 * others.
 */

/** What a deletion itself writes, whoever else has written meanwhile. */
const OF_DELETIONS: readonly AuditKind[] = ['deletion_begun', 'deletion_revoked', 'deleted', 'undeleted', 'purged'];

/**
 * A change that was decided without knowing the row as it is now must not be written over the row's deletion: nothing would be left of
 * what it promises; nor may a late deletion over a row that was kept since. @throws `artifact_deleted`, `wrong_state`.
 */
function requireNoDeletionIgnored({ id, deletionReason }: ArtifactRecord, kind: AuditKind): void {
  if (deletionReason === null && kind === 'deleted')
    throw new ArtifactError('wrong_state', `Artifact ${id} was kept meanwhile; this deletion comes too late`);
  if (deletionReason === null || OF_DELETIONS.includes(kind)) return;
  throw new ArtifactError('artifact_deleted', `Artifact ${id} is deleted, or about to be (${deletionReason})`, {
    details: { deletionReason },
  });
}

/** Has the row the end that this event tells of? Two attempts at one deletion may overlap, and the second one's end is no news. */
const isAtItsEnd = ({ status, purgeAtMs }: ArtifactRecord, kind: AuditKind): boolean =>
  status === 'DELETED' && (kind === 'deleted' || (kind === 'purged' && purgeAtMs === null));

/** What a change is about, where that is one thing alone; everything else is about the whole artifact. */
const MATTERS: Partial<Record<AuditKind, 'retention' | 'holds' | 'tags' | 'tier'>> = {
  retention_changed: 'retention',
  hold_added: 'holds',
  hold_ended: 'holds',
  tags_changed: 'tags',
  tier_changed: 'tier',
  archived: 'tier',
  restore_requested: 'tier',
  restored: 'tier',
};

/** A change as it stands in the audit, beside one that may be the same. */
export interface WrittenBefore {
  changeNumber: number;
  atMs: number;
  kind: AuditKind;
  /** Kind, actor and detail are the same. */
  isSame: boolean;
}

/**
 * Whether a change was written before, by an attempt whose answer was lost: the same since the number it builds on, of the same time, or
 * with nothing after it about the same matter. Several attempts at different changes may have lost their answers.
 */
function isRepetition(
  { changeNumber, atMs, kind }: Omit<WrittenBefore, 'isSame'>,
  written: readonly WrittenBefore[],
): boolean {
  const touches = (other: AuditKind): boolean => {
    const [matter, otherMatter] = [MATTERS[kind], MATTERS[other]];
    return matter === undefined || otherMatter === undefined || matter === otherMatter;
  };
  return written.some(
    (one) =>
      one.isSame &&
      one.changeNumber >= changeNumber &&
      (one.atMs === atMs || !written.some((later) => later.changeNumber > one.changeNumber && touches(later.kind))),
  );
}

/** A change as it is asked for. */
interface Asked extends Pick<WrittenBefore, 'changeNumber' | 'atMs'> {
  artifactId: string;
  event: Pick<AuditEvent, 'kind'>;
}

/**
 * What becomes of a change, if that is decided by what was written since the change it builds on.
 * @returns the row when nothing is to be written, null when it is. @throws `wrong_state`, `artifact_deleted`.
 */
export function decidedBefore(
  row: ArtifactRecord,
  { artifactId, changeNumber, atMs, event: { kind } }: Asked,
  written: readonly WrittenBefore[],
): ArtifactRecord | null {
  // A row that was set back has lost what the audit tells of.
  if (row.revision < changeNumber) return null;
  if (isRepetition({ changeNumber, atMs, kind }, written)) return row;
  if (written.some((one) => one.atMs > atMs))
    throw new ArtifactError('wrong_state', `Artifact ${artifactId} has changed since; this ${kind} comes too late`);
  if (isAtItsEnd(row, kind)) return row;
  requireNoDeletionIgnored(row, kind);
  return null;
}
