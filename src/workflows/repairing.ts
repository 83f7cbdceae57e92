import { condition, patched } from '@temporalio/workflow';
import { completeRecord } from '../domain/artifact-record.js';
import type { RepairArtifact } from '../domain/commands.js';
import type { Mending } from '../domain/mending.js';
import { bytesFound, bytesLost, noteOf, repaired } from '../domain/repair-changes.js';
import { planRepair, type Repair, type RepairPlan } from '../domain/repair.js';
import type { Seen } from '../domain/seen.js';
import { SECOND_MS } from '../domain/units.js';
import {
  bringBack,
  examineArtifact,
  hideDeleted,
  removeSuperfluous,
  restoreRow,
  sweepArtifact,
} from './activity-proxies.js';
import { adopt, erase, followDeletion, NOTHING_WAITS, removeForGood } from './deleting.js';
import { errorOf } from './failures.js';
import { WORKER, type Life } from './life.js';
import { lookAtRestore, storedInTier, tidy } from './moving.js';
import { followTags } from './tagging.js';
import { stopVerification } from './verifying.js';

/** Stores that are failing over, or agree late with themselves, have found it again by then. */
const SECOND_LOOK_MS = 5 * SECOND_MS;
/** Following the row, and what was lost, need another look. */
const MOST_LOOKS = 4;

/**
 * Looks at what the store and the row really have, and puts right what is not as it should be. Never throws for what the outside does: what
 * could not be looked at or put right is answered, and nothing that was not certain has changed.
 */
export async function repairArtifact(life: Life, message: RepairArtifact): Promise<void> {
  try {
    life.repair = await repair(life, message);
  } catch (error) {
    const known = errorOf(error);
    if (known === null) throw error;
    life.repair = failed(`${known.code}: ${known.message}`);
  }
}

const failed = (note: string): Repair => ({ outcome: 'failed', note: note.slice(0, 500) });

async function repair(life: Life, message: RepairArtifact): Promise<Repair> {
  const notes: string[] = [];
  const missingAtMs: number[] = [];
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const seen = await examineArtifact(life.state.record);
    const plan = planOf(life, seen);
    if (plan.kind === 'lost') {
      missingAtMs.push(Date.now());
      if (missingAtMs.length > 1) return lose(life, message, { seen, missingAtMs });
      await condition(() => false, SECOND_LOOK_MS, { summary: 'its bytes are looked for once more' });
    } else if (plan.kind === 'adoptRow') {
      adopt(life, completeRecord(plan.row));
      notes.push('its row knew more');
    } else if (plan.kind === 'rewriteRow') {
      await life.write(repaired(plan.row, life.state.record, [plan.wrong], message));
      notes.push(plan.wrong.what);
      // What is there of one that is deleted for good is left to whoever weighs how much would go.
      if (life.state.record.status === 'DELETED' && life.state.record.purgeAtMs === null)
        return plainly('repaired', notes.join(', '));
    } else if (plan.kind === 'restoreRow') {
      const { actor, runId } = message;
      const detail = { from: 'workflow', ...(runId === undefined ? {} : { runId }) };
      adopt(life, completeRecord(await restoreRow({ record: life.state.record, actor, detail })));
      notes.push('its row was gone');
    } else if (plan.kind === 'nothing') {
      return notes.length === 0 ? plainly('nothing', plan.note) : plainly('repaired', notes.join(', '));
    } else {
      const { outcome, note } = await carryOut(life, message, { seen, plan });
      return plainly(outcome, [...notes, note].join(', '));
    }
  }
  return failed('it changes each time that it is looked at');
}

const REWRITES = 'repair-rewrites-rows';

/** A repair in the history of a run may have left a row as it was. */
function planOf({ state }: Life, seen: Seen): RepairPlan {
  const plan = planRepair(state, seen, Date.now());
  if (plan.kind !== 'rewriteRow' || patched(REWRITES)) return plan;
  return planRepair(state, seen, Date.now(), { rewritesRows: false });
}

const plainly = (outcome: Repair['outcome'], note: string): Repair => ({ outcome, note: note.slice(0, 500) });

type Decided = Exclude<RepairPlan, { kind: 'lost' | 'adoptRow' | 'rewriteRow' | 'restoreRow' | 'nothing' }>;

async function carryOut(
  life: Life,
  message: RepairArtifact,
  { seen, plan }: { seen: Seen; plan: Decided },
): Promise<Repair> {
  switch (plan.kind) {
    case 'unclear':
      return failed(plan.note);
    case 'followDeletion': {
      const { deletionReason } = plan.row;
      if (deletionReason !== null) await followDeletion(life, { ...completeRecord(plan.row), deletionReason });
      return eraseNow(life);
    }
    case 'expire':
      life.decideDeletion('expired', WORKER);
      return eraseNow(life);
    case 'erase':
      return eraseNow(life);
    case 'purge':
      await removeForGood(life, WORKER);
      return plainly('repaired', 'its window was over: it is gone for good');
    case 'sweep': {
      const wrong = [{ what: 'bytes left', storeHas: { versions: plan.versions } }];
      await sweepArtifact(life.state.record);
      await write(life, message, { seen, wrong, record: life.state.record });
      return plainly('repaired', noteOf(wrong));
    }
    case 'comeBack':
      await life.write(bytesFound(life.state.record, plan.found, message), { sweepAtMs: null, ...NOTHING_WAITS });
      return plainly('repaired', 'its bytes are back');
    case 'mend':
      return mend(life, message, { seen, plan });
  }
}

/** Tries the deletion that is decided, as if somebody asked for it again. */
async function eraseNow(life: Life): Promise<Repair> {
  const { deletion } = life.state;
  if (deletion !== null) {
    life.state = { ...life.state, deletion: { ...deletion, failures: 0, nextTryMs: Date.now() } };
    await erase(life);
  }
  const { record, problem } = life.state;
  if (record.status === 'DELETED') return plainly('repaired', `it is deleted (${record.deletionReason})`);
  return life.state.deletion === null
    ? plainly('repaired', 'its row knew more')
    : failed(problem === null ? 'its deletion is not proven yet' : `${problem.code}: ${problem.message}`);
}

/** Twice nothing of it was there. What is deleted already cannot be brought back any more; anything else is, now. */
async function lose(
  life: Life,
  message: RepairArtifact,
  { seen, missingAtMs }: { seen: Seen; missingAtMs: number[] },
): Promise<Repair> {
  const { record } = life.state;
  if (record.status === 'DELETED') {
    const wrong = [{ what: 'nothing left to bring back' }];
    await write(life, message, { seen, wrong, record: { ...record, purgeAtMs: null } });
    return plainly('repaired', noteOf(wrong));
  }
  await life.write(bytesLost(record, missingAtMs, message, Date.now()));
  stopVerification(life);
  const { untagged: _nothingToTag, ...rest } = life.state;
  life.state = { ...rest, ...NOTHING_WAITS, nextRestorePollMs: null, sweepAtMs: null };
  return plainly('repaired', 'its bytes are gone: it is deleted (bytes_lost)');
}

/** The store first, then the row, and only then what could be missed. */
async function mend(
  life: Life,
  message: RepairArtifact,
  { seen, plan }: { seen: Seen; plan: Mending },
): Promise<Repair> {
  let { record } = plan;
  if (plan.marker === 'off') await bringBack(record);
  if (plan.marker === 'on') await hideDeleted(record);
  if (plan.moveTo !== null) record = { ...record, ...(await storedInTier(record, plan.moveTo)) };
  await write(life, message, { seen, wrong: plan.wrong, record });
  if (plan.moveTo !== null) await tidy(life);
  if (plan.remove.length > 0)
    await removeSuperfluous({
      record: life.state.record,
      versionIds: plan.remove.map(({ versionId }) => versionId),
    });
  if (plan.tag) {
    life.state = { ...life.state, untagged: { failures: 0, nextTryMs: Date.now() } };
    await followTags(life);
  }
  if (plan.pollRestore) await lookAtRestore(life);
  const { problem, untagged } = life.state;
  const isDone = !(plan.tag && untagged !== undefined) && !(plan.pollRestore && problem !== null);
  return isDone || problem === null
    ? plainly('repaired', noteOf(plan.wrong))
    : failed(`${problem.code}: ${problem.message}`);
}

function write(
  life: Life,
  message: RepairArtifact,
  { seen, wrong, record }: Pick<Mending, 'wrong' | 'record'> & { seen: Seen },
): Promise<void> {
  return life.write(repaired(seen.row ?? record, record, wrong, message));
}
