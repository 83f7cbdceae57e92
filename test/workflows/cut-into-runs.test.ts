import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { DAY_MS } from '../../src/domain/units.js';
import type { Description } from '../../src/workflows/messages.js';
import { createLook } from '../support/lives/checks.js';
import { liveThreeYears, underVirtualTime, type LifeSoFar } from '../support/lives/live.js';
import { calmScripts, scripts } from '../support/lives/script.js';
import { useArtifacts } from '../support/virtual-time/use-artifacts.js';
import { START_MS, type VirtualArtifact } from '../support/virtual-time/virtual-artifact.js';

/* A life is the same however often it continues as new, and whichever version of the code began it. */

const { start, active } = useArtifacts();
const ground = underVirtualTime(start);

const SEED = 3;
const LIVES = 150;

/** Everything that is left of a life, with ids by the order in which they come. */
async function outcomeOf({ artifact, messages }: LifeSoFar): Promise<unknown> {
  const { run, world, id } = artifact;
  const row = await world.records.get(id);
  const versions = row === null ? [] : await world.store.listVersions(row.key);
  const outcome = {
    row,
    audit: await world.records.history(id),
    bucket: await Promise.all(
      versions.map(async (version) => ({
        ...version,
        storageClass: (await world.store.head(version))?.storageClass,
        tags: await world.store.getTags(version),
      })),
    ),
    ending: run.ending === null ? null : Object.keys(run.ending),
    next: run.ending === null ? (await run.query<Description>('describe')).next : null,
    searchAttributes: [...run.searchAttributes].filter(([, value]) => value !== null).sort(),
    answers: messages.map(({ updateId }) => (updateId === null ? null : answerOf(run.outcomeOf(updateId)))),
  };
  const ids = new Map<string, string>();
  const named = JSON.stringify(outcome).replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (found) => {
    ids.set(found, ids.get(found) ?? `id-${ids.size}`);
    return ids.get(found) ?? '';
  });
  return JSON.parse(named);
}

function answerOf({ completed, rejected, failed }: ReturnType<VirtualArtifact['run']['outcomeOf']>): unknown {
  const error = (rejected ?? failed) as { type?: unknown } | undefined;
  return error === undefined ? (completed as ArtifactRecord | undefined)?.revision : error.type;
}

/** The state as the first version would have handed it over. */
function asVersion1(input: unknown): unknown {
  const { state } = input as { state: Record<string, unknown> };
  const { retriesMs: _retries, record, ...rest } = state;
  const { holds: _h, policy: _p, warnedAtMs: _w, purgeAtMs: _u, ...known } = record as ArtifactRecord;
  const { restoreEtaMs: _e, restoredAtMs: _r, ...old } = known;
  return { state: { ...rest, record: old, v: 1 } };
}

describe('a life', () => {
  it(`ends the same however it is cut into runs, in trouble as well: ${LIVES} random ones`, async () => {
    let runs = 0;
    const isSame = fc.asyncProperty(scripts, fc.infiniteStream(fc.nat({ max: 4 })), async (script, chances) => {
      const inOne = await liveThreeYears(ground, script, { look: createLook() });
      const isCut = (): boolean => chances.next().value === 0;
      const inMany = await liveThreeYears(ground, script, {
        look: createLook(),
        run: { continueAsNewSuggested: isCut },
      });
      runs += inMany.artifact.run.runs;
      expect(await outcomeOf(inMany)).toEqual(await outcomeOf(inOne));
    });
    await fc.assert(isSame, { numRuns: LIVES, seed: SEED });
    console.log(`${LIVES} lives, each in one run and again in ${runs} runs together`);
    expect(runs).toBeGreaterThan(5 * LIVES);
  });

  it(`that an earlier version began goes on as any other once its row is written: ${LIVES} random ones`, async () => {
    const isSame = fc.asyncProperty(calmScripts, async (script) => {
      const fresh = await liveThreeYears(ground, script, { look: createLook() });
      let isOld = true;
      const old = await liveThreeYears(ground, script, {
        look: () => Promise.resolve(),
        run: {
          continueAsNewSuggested: () => isOld,
          handedOver: (input) => {
            isOld = false;
            return asVersion1(input);
          },
        },
      });
      if (fresh.artifact.run.ending === null) expect(old.artifact.run.runs).toBe(2);
      expect(await outcomeOf(old)).toEqual(await outcomeOf(fresh));
    });
    await fc.assert(isSame, { numRuns: LIVES, seed: SEED });
  });

  it('that an earlier version began, and whose row nobody writes, goes by the rules of then', async () => {
    let isOld = false;
    const artifact = await active({
      policy: { warmAfterDays: 5, coldAfterDays: 10 },
      run: {
        followsRuns: true,
        continueAsNewSuggested: () => isOld,
        handedOver: (input) => {
          isOld = false;
          return asVersion1(input);
        },
      },
    });
    isOld = true;
    await artifact.run.signal('endHold', { holdId: 'none' });
    expect(artifact.run.runs).toBe(2);
    await artifact.run.advance(31 * DAY_MS);
    const audit = await artifact.world.records.history(artifact.id);
    expect(audit.map(({ kind, atMs }) => `${kind} ${(atMs - START_MS) / DAY_MS}`)).toEqual([
      ...['upload_begun 0', 'upload_completed 0', 'deletion_begun 30', 'deleted 30'],
    ]);
    expect(artifact.run.activities).toContain('eraseArtifact');
  });
});
