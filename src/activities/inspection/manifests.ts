import type { Inspector } from './slice.js';

export function inspectManifests(_inspector: Inspector, _cursor: unknown): Promise<null> {
  return Promise.resolve(null);
}
