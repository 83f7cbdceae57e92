import { ArtifactError } from './errors.js';

/** @throws `invalid_checksum` unless 64 lower-case hexadecimal digits. */
export function requireSha256(value: string): string {
  if (!/^[0-9a-f]{64}$/.test(value))
    throw new ArtifactError('invalid_checksum', `"${value.slice(0, 80)}" is not a SHA-256 in hex`);
  return value;
}
