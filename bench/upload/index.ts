import { withStack } from '../stack.js';
import { bareWorkflows } from './bare-workflows.js';
import { large } from './large.js';
import { openPlace, type Place } from './place.js';
import { resume } from './resume.js';

const parts: Record<string, (place: Place) => Promise<void>> = {
  large: (place) => large(place, { sizeMib: 1_024, rounds: 3 }),
  'large-5gib': (place) => large(place, { sizeMib: 5_120, rounds: 1 }),
  resume,
  bare: async ({ connection }) => console.log(500 / (await bareWorkflows(connection, 500))),
};

/** `upload [large | …]`: everything, or the parts that are named. */
export const upload = (names: string[]): Promise<void> =>
  withStack(async (connection) => {
    const place = await openPlace(connection);
    try {
      for (const name of names.length === 0 ? Object.keys(parts) : names) await parts[name]?.(place);
    } finally {
      place.store.close();
    }
  });
