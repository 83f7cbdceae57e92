import type { NumberedFinding } from '../../db/reconciliations.js';
import { isUuid } from '../../domain/ids.js';
import { manifestKey } from '../../domain/keys.js';
import { isUnchanged } from '../../domain/quarantine.js';
import { LEAST_AGE_MS } from '../../domain/reconcile.js';
import { DAY_MS } from '../../domain/units.js';
import type { ObjectInfo } from '../../storage/object-store.js';
import { headOfVersion, ownVersions } from '../own-object.js';
import { rowsOfKey } from './rows-of-key.js';
import { beforeOurTime, gone, tooYoung, type Settlement, type SettlingContext } from './settlement.js';
import { settleLife } from './settle-life.js';

/**
 * An object that nobody knows: a repair puts it into quarantine, and removes it for good once it has been there long enough and has not changed.
 * A dry run only says whether it is in quarantine.
 */
export async function settleUnknown(
  context: SettlingContext,
  { key, versionId }: NumberedFinding,
): Promise<Settlement> {
  const { store, quarantine, settings, storeNowMs, mode, brake, conflict, startedAtMs, signal } = context;
  if (key === null) return { outcome: 'failed', note: 'it is not known which object it is' };
  // Of the other database, as far as anybody knows: its days of quarantine do not even begin.
  if (conflict !== null) return { outcome: 'withheld', note: conflict };
  const object = { key, versionId };
  const info = await headOfVersion(store, object);
  const isKnown = info !== null && (await hasOwner(context, info));
  if (mode === 'dry-run') {
    const entry = await quarantine.findQuarantined(object);
    return info !== null && !isKnown && entry !== null && isUnchanged(entry, info)
      ? quarantined(entry.firstSeenMs)
      : { outcome: 'open', note: null };
  }
  if (info === null || isKnown) {
    await quarantine.releaseObject(object);
    return gone(info === null ? 'the object is gone' : 'it has an owner');
  }
  const { sizeBytes, etag, lastModifiedMs } = info;
  // By the clock that began the run: what this run has seen is not released at its end.
  const entry = await quarantine.quarantineObject({ ...object, sizeBytes, etag, lastModifiedMs }, startedAtMs);
  if (startedAtMs < untilMs(entry.firstSeenMs)) return quarantined(entry.firstSeenMs);
  if (brake !== null) return { outcome: 'withheld', note: brake };
  if ((await storeNowMs()) - lastModifiedMs < LEAST_AGE_MS) return quarantined(entry.firstSeenMs);
  if (await context.records.isYoungerThan(lastModifiedMs)) return beforeOurTime;
  // Without versions, whoever has begun with the path meanwhile has put his bytes in its place.
  const last = await headOfVersion(store, object);
  if (last === null || !isUnchanged(info, last) || (await hasOwner(context, last)))
    return { outcome: 'open', note: 'it changes: left to the next reconciliation' };
  await store.deleteVersion(key, versionId, { signal });
  if (await isStillThere(context, object)) return { outcome: 'failed', note: 'it is still there after it was removed' };
  await quarantine.releaseObject(object);
  return { outcome: 'repaired', note: `removed for good, after ${settings.quarantineDays} days in quarantine` };

  function quarantined(firstSeenMs: number): Settlement {
    const days = `since ${isoDay(firstSeenMs)}, removed for good by a repair after ${isoDay(untilMs(firstSeenMs))}`;
    return { outcome: 'quarantined', note: `in quarantine ${days}` };
  }

  function untilMs(firstSeenMs: number): number {
    return firstSeenMs + settings.quarantineDays * DAY_MS;
  }
}

const isoDay = (atMs: number): string => new Date(atMs).toISOString().slice(0, 16).replace('T', ' ');

/** Is there anybody who may want it: its artifact or the life of it, its execution when it is a manifest, or a row whose bytes belong there? */
async function hasOwner(
  { records, lives, fleet }: SettlingContext,
  { key, owner, versionId }: ObjectInfo,
): Promise<boolean> {
  if (owner !== null && isUuid(owner.artifactId)) {
    const { artifactId } = owner;
    const row = await records.get(artifactId);
    if (row === null ? await lives.isAlive(artifactId) : row.key === key) return true;
    // Under another key than its own, what names it is a copy of somebody else's making; unless the row has another one than its workflow.
    if (row !== null) {
      const known = await fleet.recall(artifactId);
      // A life that runs and does not answer may be the one that has this key.
      if (known === null ? await lives.isAlive(artifactId) : known.key === key) return true;
    }
    if (key === manifestKey(artifactId) && (await records.getExecution(artifactId)) !== null) return true;
  }
  const rows = await rowsOfKey(records, key);
  return rows.some((row) => row.versionId === null || row.versionId === versionId);
}

async function isStillThere({ store }: SettlingContext, { key, versionId }: { key: string; versionId: string | null }) {
  return (await store.listVersions(key)).some((version) => version.versionId === versionId);
}

/** Bytes of an artifact that is deleted for good: they go. What its workflow still has to do is left to that. */
export async function settleLeft(context: SettlingContext, finding: NumberedFinding): Promise<Settlement> {
  const { records, store, storeNowMs, signal } = context;
  const row = finding.artifactId === null ? null : await records.get(finding.artifactId);
  if (row === null) return gone('its row is gone');
  if (row.status !== 'DELETED') return gone('its artifact is not deleted');
  // Nobody wished it to go, so its workflow brings it back, held or not.
  if (row.deletionReason === 'bytes_lost') return settleLife(context, finding, []);
  if (row.holds.length > 0) return { outcome: 'withheld', note: 'its artifact is held' };
  if (row.purgeAtMs !== null) {
    if (row.purgeAtMs > Date.now()) return gone('its deletion can still be undone');
    return settleLife(context, finding, []);
  }
  const versions = await ownVersions(store, row);
  if (versions.length === 0) return gone('nothing is left of it');
  const nowMs = await storeNowMs();
  for (const versionId of versions) {
    signal.throwIfAborted();
    const info = await headOfVersion(store, { key: row.key, versionId });
    // A marker has no age; it comes last, and without bytes below it hides nothing.
    if (info !== null && nowMs - info.lastModifiedMs < LEAST_AGE_MS) return tooYoung;
    await store.deleteVersion(row.key, versionId, { signal });
  }
  const left = (await ownVersions(store, row)).length;
  return left > 0
    ? { outcome: 'failed', note: `${left} versions of it are still there` }
    : { outcome: 'repaired', note: `removed for good: ${versions.length} versions, proven` };
}
