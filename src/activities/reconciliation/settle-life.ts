import type { NumberedFinding } from '../../db/reconciliations.js';
import type { Repair } from '../../domain/repair.js';
import { RECONCILIATION_ACTOR } from '../../domain/reconcile.js';
import { gone, type Settlement, type SettlingContext } from './settlement.js';

/** What the workflow of an artifact heals: it is started from the row when none runs, and asked to look at what it has. */
export async function settleLife(
  context: SettlingContext,
  finding: NumberedFinding,
  before: readonly Settlement[],
): Promise<Settlement> {
  const settlement = await askLife(context, finding, before);
  if (settlement.outcome !== 'repaired' || finding.artifactId === null) return settlement;
  const row = await context.records.get(finding.artifactId);
  return row?.deletionReason === 'bytes_lost' ? { ...settlement, outcome: 'lost' } : settlement;
}

async function askLife(
  { records, lives, runId, brake, conflict }: SettlingContext,
  { artifactId, kind }: NumberedFinding,
  before: readonly Settlement[],
): Promise<Settlement> {
  if (artifactId === null) return { outcome: 'failed', note: 'it is not known which artifact it is about' };
  const message = { actor: RECONCILIATION_ACTOR, runId };
  const answer = await lives.repairArtifact(artifactId, message);
  if (answer !== false) return settlementOf(answer, before);
  const row = await records.get(artifactId);
  if (row === null) return gone('there is neither a row nor a workflow any more');
  if (kind === 'row_missing') return gone('the row is there, and the workflow has ended');
  // Its workflow may run in another namespace, or be that of the database of which this one is a copy.
  const kept = brake ?? conflict;
  if (kept !== null) return { outcome: 'withheld', note: kept };
  const isStarted = await lives.revive(row);
  const second = await lives.repairArtifact(artifactId, message, row);
  if (!isStarted) return settlementOf(second, before);
  const started = 'its workflow was started from its row';
  if (second === false) return { outcome: 'repaired', note: `${started}, and had nothing left to do` };
  if (second.outcome === 'nothing') return { outcome: 'repaired', note: started };
  return { outcome: second.outcome, note: `${started}; ${second.note}` };
}

/** `nothing` after another finding about it was repaired: that has healed this one too. */
function settlementOf(answer: Repair | false, before: readonly Settlement[]): Settlement {
  if (answer === false) return gone('its life has ended');
  const { outcome, note } = answer;
  if (outcome !== 'nothing') return { outcome, note };
  return before.find(({ outcome: earlier }) => earlier === 'repaired' || earlier === 'lost') ?? gone(note);
}
