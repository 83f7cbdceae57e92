import type { Tags } from '../domain/artifact.js';
import { invalidField } from './invalid-field.js';

/**
 * Reads `key:value` of a query; the key ends at the first colon, which the schema asks for.
 * @throws `invalid_request` when a key has two values: no artifact has both.
 */
export function tagsOf(pairs: readonly string[]): Tags {
  const tags = new Map<string, string>();
  for (const pair of pairs) {
    const colon = pair.indexOf(':');
    const [key, value] = [pair.slice(0, colon), pair.slice(colon + 1)];
    if ((tags.get(key) ?? value) !== value) throw invalidField('tag', `has two values for the key "${key}"`);
    tags.set(key, value);
  }
  return Object.fromEntries(tags);
}
