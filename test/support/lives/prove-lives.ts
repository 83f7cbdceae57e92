import fc from 'fast-check';
import { expect, it } from 'vitest';
import { useArtifacts } from '../virtual-time/use-artifacts.js';
import { START_MS } from '../virtual-time/virtual-artifact.js';
import { createLook } from './checks.js';
import { LIFE_MS, liveThreeYears, underVirtualTime } from './live.js';
import { scripts } from './script.js';

const YEAR_MS = 365.25 * 86_400_000;
/** Ends what hangs, and does not measure: 500 lives take 90 s on a quiet machine. What was found until then is told. */
const LIMIT_MS = 900_000;

/**
 * Lives so many random scripts in the real workflow under virtual time and judges each after every step by rules of its own. The seed, and
 * the smallest script that breaks a rule, are told when one does: put the script into {@link liveThreeYears} to see it again.
 */
export function proveLives({ lives, seed }: { lives: number; seed: number }): void {
  const { start } = useArtifacts();

  it(`${lives} random lives of three years break no rule (seed ${seed})`, { timeout: 2 * LIMIT_MS }, async () => {
    const startedMs = performance.now();
    const totals = { messages: 0, activities: 0, tasks: 0, virtualMs: 0, toTheEnd: 0 };
    const kinds = new Map<string, number>();
    const breaksNoRule = fc.asyncProperty(scripts, async (script) => {
      const { artifact, messages } = await liveThreeYears(underVirtualTime(start), script, { look: createLook() });
      const { run, world, id } = artifact;
      totals.messages += messages.length;
      totals.activities += run.activities.length;
      totals.tasks += run.activations;
      totals.virtualMs += Math.min(run.nowMs - START_MS, LIFE_MS);
      if (run.ending === null) totals.toTheEnd += 1;
      for (const { kind } of await world.records.history(id)) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      await run.dispose();
    });
    await fc.assert(breaksNoRule, {
      numRuns: lives,
      seed,
      interruptAfterTimeLimit: LIMIT_MS,
      markInterruptAsFailure: true,
    });
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    console.log(
      `${lives} lives, ${(totals.virtualMs / YEAR_MS).toFixed(0)} virtual years (${totals.toTheEnd} lives of all three), ` +
        `${totals.messages} messages, ${totals.activities} activities, ${totals.tasks} workflow tasks in ${seconds} s`,
    );
    console.log([...kinds].map(([kind, count]) => `${count} ${kind}`).join(', '));
    expect(kinds.size).toBe(17);
  });
}
