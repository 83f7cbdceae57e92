import { crc32 } from 'node:zlib';
import { crc32ToHex } from '../domain/checksum.js';

/** CRC-32 of bytes, as zlib and S3 compute it: eight lower-case hexadecimal digits. */
export const crc32Of = (bytes: Uint8Array): string => crc32ToHex(crc32(bytes));
