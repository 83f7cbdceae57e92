import fc from 'fast-check';
import { expect, describe, it } from 'vitest';
import { HEALTHY_STATES } from '../../../support/healthy-states.js';
import { MemoryWorld } from '../../../support/inspected-world.js';

const GROUNDS = [
  { versioning: true, storageClasses: true, listingOrder: 'keys' as const },
  { versioning: true, storageClasses: false, listingOrder: 'folders' as const },
  { versioning: false, storageClasses: true, listingOrder: 'folders' as const },
  { versioning: false, storageClasses: false, listingOrder: 'keys' as const },
];

describe('where all is well', () => {
  it.each(Object.entries(HEALTHY_STATES))('nothing is found: %s', async (_what, make) => {
    for (const ground of GROUNDS) {
      const world = new MemoryWorld(ground);
      await make(world);
      await world.writeManifests();
      expect(await world.findings()).toEqual([]);
    }
  });

  it(
    'nothing is found among hundreds in every state, and everything is looked at once',
    { timeout: 60_000 },
    async () => {
      const populations = fc.record({
        ground: fc.constantFrom(...GROUNDS),
        pageSize: fc.constantFrom(2, 3, 7, 50, 1_000),
        states: fc.array(fc.constantFrom(...Object.keys(HEALTHY_STATES)), { minLength: 100, maxLength: 300 }),
      });
      const property = fc.asyncProperty(populations, async ({ ground, pageSize, states }) => {
        const world = new MemoryWorld({ ...ground, pageSize });
        for (const state of states) await HEALTHY_STATES[state]?.(world);
        await world.writeManifests();
        expect(await world.findings()).toEqual([]);
        const run = 'counted';
        const { rows, objects, bytes } = await world.inspect('inspectBucket', run);
        const { versions } = await world.parts.store.listInventory({
          prefix: 'artifacts/',
          cursor: null,
          limit: 10_000,
        });
        const there = versions.filter(({ isDeleteMarker }) => !isDeleteMarker);
        const every = await world.parts.rows.listUnended({ after: null, throughKey: null, limit: 10_000 });
        expect({ rows, objects, bytes }).toEqual({
          ...{ rows: every.length, objects: there.length },
          bytes: there.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
        });
      });
      await fc.assert(property, { numRuns: 6, endOnFailure: true });
    },
  );
});
