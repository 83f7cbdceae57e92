import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toFailure } from '../../src/activities/boundary.js';
import { ArtifactError, type ErrorCode } from '../../src/domain/errors.js';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/domain/units.js';
import { START_MS } from '../support/virtual-time/virtual-artifact.js';
import { Sandbox, VirtualRun } from '../support/virtual-time/virtual-run.js';

const EXECUTION_ID = randomUUID();

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await Sandbox.open();
});
afterAll(() => sandbox.close());

interface Options {
  input?: unknown;
  continueAsNewSuggested?: () => boolean;
}

/** A run that was started by a first change, with when it wrote, in seconds from then. */
async function started(options: Options = {}) {
  const writes: number[] = [];
  const world = { outage: null as ErrorCode | null, meanwhile: (): Promise<void> => Promise.resolve() };
  const run: VirtualRun = await VirtualRun.start({
    sandbox,
    workflowType: 'executionManifest',
    input: options.input ?? { executionId: EXECUTION_ID },
    startMs: START_MS,
    runActivity: async (name, args) => {
      expect([name, args]).toEqual(['writeManifest', [EXECUTION_ID]]);
      writes.push((run.nowMs - START_MS) / SECOND_MS);
      await world.meanwhile();
      if (world.outage !== null) throw toFailure(new ArtifactError(world.outage, 'the store does not answer'));
      return 1;
    },
    ...(options.continueAsNewSuggested === undefined ? {} : { continueAsNewSuggested: options.continueAsNewSuggested }),
  });
  const change = (): Promise<void> => run.signal('executionChanged');
  return { run, writes, world, change };
}

describe('the manifest of an execution', () => {
  it('is written two seconds after a change, and the run ends', async () => {
    const { run, writes } = await started();
    await run.advance(1_900);
    expect(writes).toEqual([]);
    await run.advance(100);
    expect(writes).toEqual([2]);
    expect(run.ending).toEqual({ completed: undefined });
  });

  it('is written once for a burst, when it is over', async () => {
    const { run, writes, change } = await started();
    for (let count = 0; count < 10; count += 1) {
      await run.advance(SECOND_MS);
      await change();
    }
    expect(writes).toEqual([]);
    await run.advance(MINUTE_MS);
    expect(writes).toEqual([12]);
    expect(run.ending).not.toBeNull();
  });

  it('is written every thirty seconds while a burst does not end', async () => {
    const { run, writes, world, change } = await started();
    world.meanwhile = () => (run.nowMs < START_MS + 100 * SECOND_MS ? change() : Promise.resolve());
    for (let count = 0; count < 100; count += 1) {
      await run.advance(SECOND_MS);
      await change();
    }
    await run.advance(MINUTE_MS);
    expect(writes).toEqual([30, 60, 90, 102]);
    expect(run.ending).not.toBeNull();
  });

  it('is written once more when a write came within the time that the last message stands for', async () => {
    const { run, writes, change } = await started();
    for (let count = 0; count < 29; count += 1) {
      await run.advance(SECOND_MS);
      await change();
    }
    await run.advance(MINUTE_MS);
    expect(writes).toEqual([30, 31]);
    expect(run.ending).not.toBeNull();
  });

  it('is written again for a change that comes while it is being written', async () => {
    const { run, writes, world, change } = await started();
    world.meanwhile = () => (writes.length === 1 ? change() : Promise.resolve());
    await run.advance(2 * SECOND_MS);
    expect(writes).toEqual([2]);
    expect(run.ending).toBeNull();
    await run.advance(2 * SECOND_MS);
    expect(writes).toEqual([2, 4]);
    expect(run.ending).not.toBeNull();
  });

  it('takes no more than a timer for each two seconds of a burst', async () => {
    const { run, change } = await started();
    for (let count = 0; count < 100; count += 1) {
      await run.advance(100);
      await change();
    }
    expect(run.timersStarted).toBeLessThanOrEqual(6);
  });
});

describe('a manifest that cannot be written', () => {
  it('is tried again at growing distances until it can, and says what stands in the way', async () => {
    const { run, writes, world } = await started();
    world.outage = 'storage_unavailable';
    await run.advance(2 * SECOND_MS);
    expect(run.searchAttributes.get('ArtifactProblem')).toBe('storage_unavailable');
    await run.advance(8 * HOUR_MS);
    const minutes = writes.map((seconds) => Math.round(seconds / 60));
    expect(minutes).toEqual([0, 1, 3, 7, 15, 31, 63, 123, 183, 243, 303, 363, 423]);
    world.outage = null;
    await run.advance(HOUR_MS);
    expect(writes).toHaveLength(14);
    expect(run.searchAttributes.get('ArtifactProblem')).toBeNull();
    expect(run.ending).not.toBeNull();
  });

  it('is not tried more often because of changes', async () => {
    const { run, writes, world, change } = await started();
    world.outage = 'bucket_not_found';
    for (let count = 0; count < 60; count += 1) {
      await run.advance(SECOND_MS);
      await change();
    }
    expect(writes).toEqual([30]);
    world.outage = null;
    await run.advance(HOUR_MS);
    expect(writes).toEqual([30, 90]);
    expect(run.ending).not.toBeNull();
  });
});

describe('a run whose history grows long', () => {
  it('hands over what is not written yet, and the next one writes it when it is due', async () => {
    let isLong = false;
    const first = await started({ continueAsNewSuggested: () => isLong });
    await first.run.advance(SECOND_MS);
    isLong = true;
    await first.change();
    expect(first.writes).toEqual([]);
    if (first.run.ending === null || !('continuedAsNew' in first.run.ending)) throw new Error('it goes on');
    const second = await started({ input: first.run.ending.continuedAsNew });
    await second.run.advance(MINUTE_MS);
    expect(second.writes).toEqual([3]);
    expect(second.run.ending).toEqual({ completed: undefined });
  });

  it('hands over how often it has failed', async () => {
    let isLong = false;
    const first = await started({ continueAsNewSuggested: () => isLong });
    first.world.outage = 'storage_unavailable';
    await first.run.advance(30 * MINUTE_MS);
    expect(first.writes).toHaveLength(5);
    isLong = true;
    await first.change();
    if (first.run.ending === null || !('continuedAsNew' in first.run.ending)) throw new Error('it goes on');
    const second = await started({ input: first.run.ending.continuedAsNew });
    await second.run.advance(HOUR_MS);
    expect(second.writes.map((seconds) => Math.round(seconds / 60))).toEqual([31]);
    expect(second.run.searchAttributes.get('ArtifactProblem')).toBeNull();
  });
});
