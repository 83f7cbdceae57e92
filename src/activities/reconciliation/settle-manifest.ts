import { setTimeout as sleep } from 'node:timers/promises';
import type { NumberedFinding } from '../../db/reconciliations.js';
import { manifestKey } from '../../domain/keys.js';
import { LISTED_STATUSES, MANIFEST_QUIET_MS } from '../../domain/manifest.js';
import { SECOND_MS } from '../../domain/units.js';
import { gone, type Settlement, type SettlingContext } from './settlement.js';

const LOOK_EVERY_MS = SECOND_MS / 2;
/** It waits for the end of the burst that it was told of, and then writes; many at once take turns. */
const PATIENCE_MS = 10 * MANIFEST_QUIET_MS;

/** One page. What is deleted and can be brought back lies behind markers. */
const LOOKED_AT = 1_000;

/** Tells the workflow of the manifest, the only one that writes it, and waits until it has: then it is as the rows are. */
export async function settleManifest(
  { records, store, lives, brake, conflict, signal }: SettlingContext,
  { executionId }: NumberedFinding,
): Promise<Settlement> {
  if (executionId === null) return { outcome: 'failed', note: 'it is not known which execution it is about' };
  const key = manifestKey(executionId);
  const before = await store.head({ key });
  // By a copy of the database of which it tells more.
  if (before !== null && conflict !== null) return { outcome: 'withheld', note: conflict };
  const isNobodys = before !== null && (await isEmpty());
  if (isNobodys && brake !== null) return { outcome: 'withheld', note: brake };
  if (isNobodys && (await hasObjects()))
    return { outcome: 'withheld', note: 'no row lists the objects of its execution, and it may tell whose they are' };
  await lives.executionChanged(executionId);
  for (let waitedMs = 0; waitedMs < PATIENCE_MS; waitedMs += LOOK_EVERY_MS) {
    await sleep(LOOK_EVERY_MS, undefined, { signal });
    const now = await store.head({ key });
    // It says when it was written, so no two are alike.
    if (now !== null && now.etag !== before?.etag) return { outcome: 'repaired', note: 'written again from the rows' };
    if (now === null && before !== null) return { outcome: 'repaired', note: 'removed, as there is nothing to list' };
    if (now === null && (await isEmpty())) return gone('there is nothing to list, and no manifest');
  }
  return { outcome: 'failed', note: 'it was not written in time; its workflow goes on trying' };

  /** Of a database that has lost them, or is another one's, it is what they are made again from. */
  async function hasObjects(): Promise<boolean> {
    const prefix = key.slice(0, key.lastIndexOf('/') + 1);
    const { versions } = await store.listInventory({ prefix, cursor: null, limit: LOOKED_AT });
    return versions.some((version) => version.isLatest && !version.isDeleteMarker && version.key !== key);
  }

  async function isEmpty(): Promise<boolean> {
    const { items } = await records.list({ executionId: executionId ?? '', limit: 1, status: LISTED_STATUSES });
    return items.length === 0;
  }
}
