import type { ArtifactRecord, RecordPatch } from './artifact-record.js';
import type { LifecycleState } from './lifecycle.js';
import { isTampered, ROW_DIFFERS, type Wrong } from './repair-changes.js';
import { isProven, isSameEtag, YOUNG_MS, type Seen, type SeenVersion } from './seen.js';
import { currentTags } from './stored-object.js';
import { isSameTags } from './tags.js';
import { STORAGE_TIERS, tierOfClass, type StorageTier } from './tiers.js';

/** An artifact that goes on as it is, with something put right. */
export interface Mending {
  kind: 'mend';
  wrong: Wrong[];
  /** The row as it shall be. */
  record: ArtifactRecord;
  /** Whether a delete marker is taken off, or put on; null: neither. */
  marker: 'off' | 'on' | null;
  moveTo: StorageTier | null;
  tag: boolean;
  pollRestore: boolean;
  /** Versions of its own that are superfluous. */
  remove: SeenVersion[];
}

interface Look {
  seen: Seen;
  row: ArtifactRecord;
  /** Of its own, the one that it goes by. */
  version: SeenVersion;
  nowMs: number;
}

/** What to do about one whose bytes are there; null: nothing. Each step goes by what those before it have put right. */
export function mending(state: LifecycleState, look: Look): Mending | null {
  const { record } = state;
  const start: Mending = {
    ...{ kind: 'mend', wrong: isTampered(look.row, record) ? [ROW_DIFFERS] : [], record },
    ...{ marker: null, moveTo: null, tag: false, pollRestore: false, remove: [] },
  };
  const steps = record.status === 'DELETED' ? [nameVersion, hide] : [nameVersion, unhide, followClass, tag, tidy];
  const plan = steps.reduce((soFar, step) => step(soFar, look), watchRestore(start, state));
  return plan.wrong.length === 0 ? null : plan;
}

const wrongly = (plan: Mending, wrong: Wrong, patch: RecordPatch = {}): Mending => ({
  ...plan,
  wrong: [...plan.wrong, wrong],
  record: { ...plan.record, ...patch },
});

function watchRestore(plan: Mending, { record, nextRestorePollMs }: LifecycleState): Mending {
  if (record.restoreState === null || nextRestorePollMs !== null) return plan;
  return { ...wrongly(plan, { what: 'restore not watched' }), pollRestore: true };
}

/** The row tells of the bytes that are there. Whether other ones than before are the right ones, is found out by reading them. */
function nameVersion(plan: Mending, { seen: { named }, version }: Look): Mending {
  const { record } = plan;
  const { versionId, etag, sizeBytes } = version;
  const isSame = isSameEtag(record.etag, etag);
  if (named !== null && isSame && sizeBytes === record.sizeBytes) return plan;
  const what = named === null ? 'version gone' : isSame ? 'size differs' : 'bytes differ';
  const known = isSame ? record.checksumState : 'claimed';
  return wrongly(
    plan,
    { what, storeHas: { versionId, etag, sizeBytes } },
    {
      ...(named === null ? { versionId } : {}),
      ...{ sizeBytes, etag },
      checksumState: isProven(record.sha256, version) ? 'verified' : known,
    },
  );
}

/** What can be brought back is hidden, unless other bytes cover it anyway, or it has no version: a marker would take its place. */
const hide = (plan: Mending, { seen: { isHidden, isCovered }, version: { versionId } }: Look): Mending =>
  isHidden || isCovered || versionId === null
    ? plan
    : { ...wrongly(plan, { what: 'deleted and not hidden' }), marker: 'on' };

/** Nobody's bytes but its own may come to light. */
const unhide = (plan: Mending, { seen: { isHidden, isCovered } }: Look): Mending =>
  !isHidden || isCovered ? plan : { ...wrongly(plan, { what: 'hidden' }), marker: 'off' };

const coldness = (tier: StorageTier): number => STORAGE_TIERS.indexOf(tier);

/** The row says what the store says; only what is warmer than it should be is moved again, where that is possible. */
function followClass(plan: Mending, { seen: { hasClasses }, version: { storageClass }, nowMs }: Look): Mending {
  const { record } = plan;
  const tier = tierOfClass(storageClass);
  const isArchivedNow = tier === 'COLD' && record.status === 'ACTIVE';
  if (storageClass === record.storageClass && !isArchivedNow) return plan;
  const wrong: Wrong = { what: 'class differs', storeHas: { storageClass } };
  // Whoever looks at the restore finds that it is done.
  if (record.restoreState !== null && tier !== 'COLD') return { ...wrongly(plan, wrong), pollRestore: true };
  if (isArchivedNow)
    return wrongly(plan, wrong, { storageClass, status: 'ARCHIVED', tier: 'COLD', archivedAtMs: nowMs });
  const isWarmer = coldness(tier) < coldness(tierOfClass(record.storageClass));
  if (isWarmer && hasClasses) return { ...wrongly(plan, wrong), moveTo: record.tier };
  // A tier that is only a fact of the row stays what it is.
  return wrongly(plan, wrong, record.status === 'ARCHIVED' || isWarmer ? { storageClass } : { storageClass, tier });
}

function tag(plan: Mending, { seen: { named, tags: storeHas }, version }: Look): Mending {
  if (named === null) return { ...plan, tag: true };
  // The SHA-256 among the tags does no harm where the metadata has it too.
  const isRight = [version.bornWithHash, false].some(
    (born) => storeHas !== null && isSameTags(storeHas, currentTags(plan.record, born)),
  );
  if (storeHas === null || isRight) return plan;
  return { ...wrongly(plan, { what: 'tags differ', storeHas: { tags: storeHas } }), tag: true };
}

/** Others of its own go, once nobody can doubt that the one which is named is right. */
function tidy(plan: Mending, { seen: { named, others }, nowMs }: Look): Mending {
  const isAsBefore = named !== null && plan.moveTo === null && plan.wrong.every(({ what }) => what !== 'bytes differ');
  const remove = others.filter(({ modifiedMs }) => modifiedMs <= nowMs - YOUNG_MS);
  if (!isAsBefore || plan.record.checksumState !== 'verified' || remove.length === 0) return plan;
  return { ...wrongly(plan, { what: 'versions left', storeHas: { superfluousVersions: remove.length } }), remove };
}
