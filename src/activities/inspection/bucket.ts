import type { Inspector } from './slice.js';

export function inspectBucket(_inspector: Inspector, _cursor: unknown): Promise<null> {
  return Promise.resolve(null);
}
