import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLifeOver, lifeOfRow } from '../../src/domain/life-of-row.js';
import { nextAction, type NextAction } from '../../src/domain/lifecycle.js';
import { DAY_MS, HOUR_MS } from '../../src/domain/units.js';
import type { Description } from '../../src/workflows/messages.js';
import { letPass, liveUntilTheLastWord, randomLives } from '../support/random-life.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { SETTINGS } from '../support/virtual-time/virtual-artifact.js';

const LIVES = 300;
const SEED = 20_261_107;

describe('a life that is taken up again from its row', () => {
  const { start } = useArtifacts();

  it(`has the next action of the workflow that is gone, to the millisecond, in ${LIVES} random lives`, async () => {
    const seen = new Map<NextAction['kind'], number>();
    const agrees = fc.asyncProperty(randomLives, async (life) => {
      await new Promise(setImmediate);
      const artifact = await liveUntilTheLastWord(start, life);
      const { run } = artifact;
      const row = await artifact.row();
      const found = nextAction(lifeOfRow(row, run.nowMs), run.nowMs);
      if (run.ending !== null) {
        // Only what a signed PUT may bring back is still looked for.
        expect(found.kind === 'sweep' || isLifeOver(row, run.nowMs)).toBe(true);
        return;
      }
      const { next } = await run.query<Description>('describe');
      seen.set(next.kind, (seen.get(next.kind) ?? 0) + 1);
      if (next.kind === 'pollRestore') expect(found).toEqual({ ...next, atMs: run.nowMs });
      else if (next.kind === 'sweep') {
        expect(found.kind).toBe('sweep');
        expect(found.atMs).toBeGreaterThanOrEqual(next.atMs);
        expect(found.atMs).toBeLessThanOrEqual((row.deletedAtMs ?? 0) + 7 * DAY_MS + HOUR_MS);
      } else if (found.kind !== 'sweep') expect(found).toEqual(next);
      else expect(next.kind).toBe('purge');
    });
    await fc.assert(agrees, {
      numRuns: LIVES,
      seed: SEED,
      interruptAfterTimeLimit: 50_000,
      markInterruptAsFailure: true,
    });
    for (const kind of [
      'expire',
      'warn',
      'changeTier',
      'endHold',
      'purge',
      'pollRestore',
      'abandonUpload',
      'none',
    ] as const)
      expect(seen.get(kind), kind).toBeGreaterThan(0);
  });

  it('does from there what the other one would have done, in 100 random lives', async () => {
    const agrees = fc.asyncProperty(randomLives, async (life) => {
      await new Promise(setImmediate);
      const [one, other] = [await liveUntilTheLastWord(start, life), await liveUntilTheLastWord(start, life)];
      const row = await other.row();
      // A restore is looked at now, and from then on at another minute of the hour.
      if (isLifeOver(row, other.run.nowMs) || row.restoreState !== null) return;
      const state = lifeOfRow(row, other.run.nowMs);
      const { world, upload } = other;
      const { versioning, classes: storageClasses, policy } = life.beginning;
      await other.run.dispose();
      const revived = await start({
        ...{ world, upload, state, policy },
        capabilities: { versioning, storageClasses, restore: storageClasses },
        startMs: other.run.nowMs,
      });
      await letPass(one, life, life.horizonMs);
      await letPass(revived, life, life.horizonMs);
      const told = async ({ world: { records }, id }: typeof one) =>
        (await records.history(id)).map(({ kind, atMs, actor }) => ({ kind, atMs, actor }));
      expect(await told(revived)).toEqual(await told(one));
      expect(await revived.remains()).toBe(await one.remains());
    });
    await fc.assert(agrees, {
      numRuns: 100,
      seed: SEED,
      interruptAfterTimeLimit: 50_000,
      markInterruptAsFailure: true,
    });
  });

  it('goes on with a deletion that is not proven, for its reason', async () => {
    const artifact = await start();
    await artifact.run.update('abortUpload', { actor: 'ann' });
    const row = { ...(await artifact.row()), status: 'ACTIVE' as const, deletionReason: 'expired' as const };
    const nowMs = artifact.run.nowMs;
    expect(nextAction(lifeOfRow(row, nowMs), nowMs)).toEqual({ kind: 'delete', atMs: nowMs, rule: 'expired' });
  });

  it('reads bytes back that nobody has verified yet', async () => {
    const artifact = await start({ upload: { sizeBytes: null, sha256: null }, outageOf: 'hashStored' });
    await artifact.sendInParts(Buffer.from('ten bytes!'));
    await artifact.complete();
    const row = await artifact.row();
    expect(row.checksumState).toBe('claimed');
    const nowMs = artifact.run.nowMs + SETTINGS.putUrlMs;
    expect(nextAction(lifeOfRow(row, nowMs), nowMs)).toMatchObject({ kind: 'verify', atMs: nowMs });
  });
});
