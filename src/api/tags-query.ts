import type { Tags } from '../domain/artifact.js';

/** Reads `key:value` of a query; the key ends at the first colon, which the schema asks for. */
export const tagsOf = (pairs: readonly string[]): Tags =>
  Object.fromEntries(
    pairs.map((pair) => {
      const colon = pair.indexOf(':');
      return [pair.slice(0, colon), pair.slice(colon + 1)];
    }),
  );
