import { withStack } from '../stack.js';
import { large } from './large.js';
import { openPlace, type Place } from './place.js';
import { resume } from './resume.js';
import { small } from './small.js';

const parts: Record<string, (place: Place) => Promise<void>> = {
  large: (place) => large(place, { sizeMib: 1_024, rounds: 3 }),
  small: (place) => small(place, { files: 2_000, rounds: 1 }),
  resume,
  '5gib': (place) => large(place, { sizeMib: 5_120, rounds: 1 }),
};

/** `upload [large | small | resume | 5gib]…`: everything, or the parts that are named. */
export const upload = (names: string[]): Promise<void> =>
  withStack(async (connection) => {
    const unknown = names.find((name) => !(name in parts));
    if (unknown !== undefined) throw new Error(`there is no "${unknown}"; there are ${Object.keys(parts).join(', ')}`);
    const place = await openPlace(connection);
    try {
      for (const [name, run] of Object.entries(parts)) if (names.length === 0 || names.includes(name)) await run(place);
    } finally {
      place.client.destroy();
    }
  });
