import { crc32 } from 'node:zlib';
import { crc32ToHex } from '../domain/checksum.js';

/** As `NewPart.crc32`. */
export const crc32Of = (bytes: Uint8Array): string => crc32ToHex(crc32(bytes));
