import type { NumberedFinding } from '../../db/reconciliations.js';
import type { Repair } from '../../domain/repair.js';
import { RECONCILIATION_ACTOR } from '../../domain/reconcile.js';
import { isBehind, isUnended } from '../../domain/inspection.js';
import { rowsOfKey } from './rows-of-key.js';
import { gone, type Settlement, type SettlingContext } from './settlement.js';

/** What the workflow of an artifact heals: it is started from the row when none runs, and asked to look at what it has. */
export async function settleLife(
  context: SettlingContext,
  finding: NumberedFinding,
  before: readonly Settlement[],
): Promise<Settlement> {
  const first = await askLife(context, finding, before);
  const settlement = (await makeWay(context, finding, first)) ? await askLife(context, finding, before) : first;
  if (settlement.outcome === 'gone' && (await isWithoutExecution(context, finding))) return orphaned(finding);
  if (settlement.outcome !== 'repaired' || finding.artifactId === null) return settlement;
  const row = await context.records.get(finding.artifactId);
  return row?.deletionReason === 'bytes_lost' ? { ...settlement, outcome: 'lost' } : settlement;
}

/** What a dry run says of a finding. */
export async function tellOf(context: SettlingContext, finding: NumberedFinding): Promise<Settlement> {
  return (await isWithoutExecution(context, finding)) ? orphaned(finding) : { outcome: 'open', note: null };
}

/** Its row is missing, and its execution too: whoever removed that meant its artifacts as well, or a backup does not have it yet. */
async function isWithoutExecution(
  { records, lives }: SettlingContext,
  { kind, artifactId, executionId }: NumberedFinding,
): Promise<boolean> {
  if (kind !== 'row_missing' || artifactId === null || executionId === null) return false;
  if ((await records.getExecution(executionId)) !== null || (await records.get(artifactId)) !== null) return false;
  return lives.isAlive(artifactId);
}

/** Nobody but an operator knows which of the two is meant, so the finding stays. */
const orphaned = ({ artifactId }: NumberedFinding): Settlement => ({
  outcome: 'open',
  note:
    'its execution has no row either, and it lives on. To have both again: artifacts rebuild --apply. To delete it: ' +
    `temporal workflow signal --workflow-id artifact/${artifactId} --name purgeArtifact --input '{"actor":"operator"}'`,
});

/** Another row has the path of one that is missing, as when both were set back: what that one's workflow knows comes first. */
async function makeWay(context: SettlingContext, finding: NumberedFinding, { outcome }: Settlement): Promise<boolean> {
  const { artifactId, kind, key } = finding;
  if (kind !== 'row_missing' || outcome !== 'failed' || key === null) return false;
  const others = (await rowsOfKey(context.records, key)).filter(({ id }) => id !== artifactId);
  for (const { id } of others) await askLife(context, { ...finding, kind: 'row_differs', artifactId: id }, []);
  // None: it was settled beside this one, just now.
  return true;
}

async function askLife(
  { records, lives, fleet, runId, brake, conflict }: SettlingContext,
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
  const known = await fleet.recall(artifactId);
  const latest = known !== null && isBehind(row, known) ? known : row;
  // One that has nothing left to do would end before it is asked.
  const isStarted = isUnended(latest) && (await lives.revive(latest));
  const second = await lives.repairArtifact(artifactId, message, latest);
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
