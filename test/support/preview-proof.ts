import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RecordedEvent } from '../../src/db/artifact-records.js';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { PREVIEWED_ACTIONS, previewOf, type Preview } from '../../src/domain/preview.js';
import { letPass, liveUntilTheLastWord, randomLives } from './random-life.js';
import { useArtifacts } from './virtual-time/use-artifacts.js';

type Happening = Pick<Preview, 'action' | 'atMs' | 'rule' | 'undeleteUntilMs'>;

/** What a life does by itself, as its audit tells. */
function happeningsOf(events: RecordedEvent[], { retention }: ArtifactRecord): Happening[] {
  return events.flatMap(({ kind, actor, atMs, detail }, index): Happening[] => {
    const happening = (action: Happening['action'], rule: Happening['rule']): Happening[] => [
      { action, atMs, rule, undeleteUntilMs: null },
    ];
    expect(actor).toBe('worker');
    if (kind === 'expiry_warned') return happening('warn', 'expiry_warning');
    if (kind === 'hold_ended') return happening('endHold', 'hold_until');
    if (kind === 'tier_changed') return happening('changeTier', detail['to'] === 'WARM' ? 'warm_age' : 'cold_age');
    if (kind === 'archived') return happening('changeTier', 'cold_age');
    if (kind === 'restored') return happening('pollRestore', 'restore_requested');
    if (kind === 'purged') return happening('purge', 'undelete_window');
    if (kind === 'deletion_begun') {
      const { canBeUndeletedUntil: until } = events[index + 1]?.detail ?? {};
      const undeleteUntilMs = typeof until === 'string' ? Date.parse(until) : null;
      if (detail['reason'] === 'upload_abandoned')
        return [{ action: 'abandonUpload', atMs, rule: 'upload_deadline', undeleteUntilMs }];
      expect(detail['reason']).toBe('expired');
      expect(retention.rule).not.toBe('permanent');
      const rule = `${retention.rule}_retention` as Happening['rule'];
      return [{ action: 'expire', atMs, rule, undeleteUntilMs }];
    }
    // Told of with its begin, as its own time is that of the machine.
    if (kind === 'deleted' && events[index - 1]?.kind === 'deletion_begun') return [];
    throw new Error(`${kind} did not happen by itself`);
  });
}

const toHappening = ({ action, atMs, rule, undeleteUntilMs }: Preview): Happening => ({
  action,
  atMs,
  rule,
  undeleteUntilMs,
});

/**
 * Compares what the preview says with what the real workflow then does under virtual time, for so many random lives. Where a restore
 * runs that will be faster than S3 promises, only what is no estimate.
 */
export function provePreview({ lives, seed }: { lives: number; seed: number }): void {
  const { start } = useArtifacts();

  it(`what is foretold is what happens, in ${lives} random lives (seed ${seed})`, { timeout: 120_000 }, async () => {
    const counts = new Map<string, number>();
    const startedMs = performance.now();
    let compared = 0;
    const agrees = fc.asyncProperty(randomLives, async (life) => {
      // Virtual time never waits: without this nothing else in the process would have a turn until the end.
      await new Promise(setImmediate);
      const artifact = await liveUntilTheLastWord(start, life);
      const row = await artifact.row();
      const previews = previewOf(row, artifact.run.nowMs, artifact.run.nowMs + life.horizonMs);
      await letPass(artifact, life, life.horizonMs);
      const events = await artifact.world.records.history(artifact.id);
      const happened = happeningsOf(
        events.filter(({ changeNumber }) => changeNumber > row.revision),
        row,
      );
      const isEarlier = row.restoreState !== null && life.restoresEarlierByHours !== null;
      const isTold = ({ action }: Happening): boolean =>
        !isEarlier || (action !== 'pollRestore' && action !== 'changeTier');
      expect(previews.map(toHappening).filter(isTold)).toEqual(happened.filter(isTold));
      if (isEarlier) expect(previews.filter((preview) => !isTold(preview)).every((p) => p.isEstimate)).toBe(true);
      compared += happened.filter(isTold).length;
      for (const { action } of happened) counts.set(action, (counts.get(action) ?? 0) + 1);
    });
    // Making a counterexample small may take long: what was found until then is told.
    await fc.assert(agrees, { numRuns: lives, seed, interruptAfterTimeLimit: 90_000, markInterruptAsFailure: true });
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    const each = [...counts].map(([action, count]) => `${count} ${action}`).join(', ');
    console.log(`${lives} lives, ${compared} actions compared (${each}) in ${seconds} s`);
    for (const action of PREVIEWED_ACTIONS)
      // A deletion that is decided and not proven is not at rest.
      if (action !== 'delete') expect(counts.get(action)).toBeGreaterThan(0);
  });
}
