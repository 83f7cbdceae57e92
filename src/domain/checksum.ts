import { ArtifactError } from './errors.js';

export const SHA256 = /^[0-9a-f]{64}$/;
export const CRC32 = /^[0-9a-f]{8}$/;

/** @throws `invalid_checksum` unless 64 lower-case hexadecimal digits. */
export function requireSha256(value: string): string {
  if (!SHA256.test(value))
    throw new ArtifactError('invalid_checksum', `"${value.slice(0, 80)}" is not a SHA-256 in hex`);
  return value;
}

/** @throws `invalid_checksum` unless 8 lower-case hexadecimal digits. */
export function requireCrc32(value: string): string {
  if (!CRC32.test(value)) throw new ArtifactError('invalid_checksum', `"${value.slice(0, 80)}" is not a CRC-32 in hex`);
  return value;
}

/** A CRC-32 as we write it: eight lower-case hexadecimal digits. */
export const crc32ToHex = (value: number): string => value.toString(16).padStart(8, '0');
