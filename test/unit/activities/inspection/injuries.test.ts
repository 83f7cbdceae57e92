import { describe, expect, it } from 'vitest';
import { DRIFT_KINDS } from '../../../../src/domain/drift.js';
import { HOUR_MS } from '../../../../src/domain/units.js';
import { INJURIES } from '../../../support/injuries.js';
import { MemoryWorld } from '../../../support/inspected-world.js';

describe('every kind of drift', () => {
  it('is among the injuries', () => {
    expect(new Set(INJURIES.map(({ kind }) => kind))).toEqual(new Set(DRIFT_KINDS));
  });

  it.each(INJURIES)('is found once, with its bytes, its age and both sides: $what', async (injury) => {
    const world = new MemoryWorld();
    await world.active();
    const expected = await injury.injure(world);
    await world.writeManifests();
    await injury.afterwards?.(world, expected);
    const found = await world.findings();
    const { sizeBytes, ...rest } = expected;
    expect(found).toMatchObject([{ kind: injury.kind, ...rest, ...(sizeBytes === null ? {} : { sizeBytes }) }]);
    const [{ sinceMs = null } = {}] = found;
    if (sinceMs !== null) expect(Date.now() - sinceMs).toBeGreaterThanOrEqual(HOUR_MS - 1_000);
  });

  it('is found beside all others, once each, in small pages and whatever the order of the listing', async () => {
    for (const listingOrder of ['keys', 'folders'] as const)
      for (const pageSize of [2, 5, 1_000]) {
        const world = new MemoryWorld({ listingOrder, pageSize });
        const all = [];
        for (const injury of INJURIES) {
          await world.active();
          all.push({ injury, expected: await injury.injure(world) });
        }
        await world.writeManifests();
        for (const { injury, expected } of all) await injury.afterwards?.(world, expected);
        const found = (await world.findings()).map(({ kind, subject }) => `${kind} ${subject}`);
        expect(found.sort()).toEqual(all.map(({ injury, expected }) => `${injury.kind} ${expected.subject}`).sort());
      }
  });
});
