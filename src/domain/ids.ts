import { ArtifactError } from './errors.js';

/** A lower-case UUID. */
export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export const isUuid = (value: string): boolean => UUID.test(value);

/** Returns the id unchanged. @throws `invalid_id` unless it is a lower-case UUID. */
export function requireUuid(value: string, what: string): string {
  if (!isUuid(value)) throw new ArtifactError('invalid_id', `${what} "${value.slice(0, 64)}" is not a lower-case UUID`);
  return value;
}
