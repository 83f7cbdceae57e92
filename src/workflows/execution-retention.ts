import * as wf from '@temporalio/workflow';
import { byOf } from '../domain/commands.js';
import { MINUTE_MS, SECOND_MS } from '../domain/units.js';
import { moveInheritors, recordExecutionRetention } from './activity-proxies.js';
import { errorOf, failureOf } from './failures.js';
import { lookAgainMs } from './pace.js';
import { setExecutionRetention, type SetExecutionRetention } from './messages.js';

const FIRST_LOOK_MS = 2 * SECOND_MS;
const LAST_LOOK_MS = 5 * MINUTE_MS;

export interface ExecutionRetentionInput {
  executionId: string;
  /** What an earlier run hands over. */
  wanted?: SetExecutionRetention;
}

/** Runs of the time before never continued as new: replayed, they must not either. */
const CONTINUES = 'execution-retention-continues-as-new';

/**
 * Gives an execution its retention and makes every artifact that inherits follow, however many there are and whoever dies meanwhile.
 * Ends when a look at the rows finds none that differs. An upload that registers later reads the execution's new retention itself.
 */
export async function executionRetention(input: ExecutionRetentionInput): Promise<void> {
  const { executionId } = input;
  let wanted: SetExecutionRetention | null = input.wanted ?? null;
  wf.setHandler(setExecutionRetention, async (message) => {
    try {
      await recordExecutionRetention({ executionId, tenantId: message.tenantId, days: message.days });
    } catch (error) {
      const known = errorOf(error);
      throw known === null ? error : failureOf(known);
    }
    wanted = message;
  });
  const isSettled = (): boolean => wanted !== null || wf.allHandlersFinished();
  await wf.condition(isSettled);
  for (let current = latest(); current !== null; current = latest()) {
    await move(executionId, current, () => wanted !== current);
    await wf.condition(wf.allHandlersFinished);
    if (wanted === current) return;
  }

  function latest(): SetExecutionRetention | null {
    return wanted;
  }
}

/** Signals, looks, and signals those again that have not followed yet; until none is left or something else is wanted. */
async function move(executionId: string, wanted: SetExecutionRetention, isOutdated: () => boolean): Promise<void> {
  const { days } = wanted;
  for (let pauseMs = FIRST_LOOK_MS; !isOutdated(); pauseMs = Math.min(pauseMs * 2, LAST_LOOK_MS)) {
    const behind = await moveInheritors({ executionId, days, ...byOf(wanted) });
    if (behind === 0) return;
    if (wf.workflowInfo().continueAsNewSuggested && !isOutdated() && wf.allHandlersFinished() && wf.patched(CONTINUES))
      await wf.continueAsNew<typeof executionRetention>({ executionId, wanted });
    const lookMs = lookAgainMs(behind, { leastMs: pauseMs, mostMs: LAST_LOOK_MS });
    await wf.condition(isOutdated, lookMs, { summary: `${behind} artifacts were told, look again` });
  }
}
