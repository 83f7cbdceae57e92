import { crc32 } from 'node:zlib';
import { SECOND_MS } from '../../domain/units.js';

/** One file of a zip. Its bytes are stored as they are, so its size decides where everything after it lies. */
export interface ZipEntry {
  /** Relative, with `/` between folders; at most 65,535 bytes of UTF-8. */
  path: string;
  sizeBytes: number;
  modifiedAtMs: number;
}

/** A zip of which only the bytes of its files are not known yet. */
export interface ZipPlan<E extends ZipEntry> {
  entries: readonly E[];
  /** Of the whole zip, exactly. */
  sizeBytes: number;
}

/*
 * APPNOTE.TXT 6.3.10. Files are stored, not compressed, with their CRC-32 behind their bytes (a data descriptor), as it is known only then.
 * ZIP64 where a size, an offset or the number of files needs it, and only there, so that old readers can read all else.
 */
const MAX_32 = 0xff_ff_ff_ff;
const MAX_16 = 0xff_ff;
const VERSION_PLAIN = 20;
const VERSION_ZIP64 = 45;
const MADE_BY_UNIX = (3 << 8) | VERSION_ZIP64;
/** Sizes and CRC-32 follow the bytes (bit 3); names are UTF-8 (bit 11). */
const FLAGS = (1 << 3) | (1 << 11);
/** A regular file that its owner may write and all may read. */
const MODE = (0o100644 << 16) >>> 0;

const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const TIME_BYTES = 9;
const LOCAL_ZIP64_BYTES = 20;
const END_BYTES = 22;
const ZIP64_END_BYTES = 56 + 20;
/** The directory is handed on in pieces of about this size. */
const PIECE_BYTES = 64 * 1024;

const isLarge = (value: number): boolean => value >= MAX_32;
const descriptorBytes = ({ sizeBytes }: ZipEntry): number => (isLarge(sizeBytes) ? 24 : 16);
const nameBytes = ({ path }: ZipEntry): number => Buffer.byteLength(path);

const localBytes = (entry: ZipEntry): number =>
  LOCAL_BYTES + nameBytes(entry) + TIME_BYTES + (isLarge(entry.sizeBytes) ? LOCAL_ZIP64_BYTES : 0);

/** Those of the 32-bit fields of a directory entry that need 64, in their order. */
const largeFields = ({ sizeBytes }: ZipEntry, offset: number): number[] => [
  ...(isLarge(sizeBytes) ? [sizeBytes, sizeBytes] : []),
  ...(isLarge(offset) ? [offset] : []),
];

function centralBytes(entry: ZipEntry, offset: number): number {
  const large = largeFields(entry, offset).length;
  return CENTRAL_BYTES + nameBytes(entry) + TIME_BYTES + (large === 0 ? 0 : 4 + 8 * large);
}

interface Directory {
  files: number;
  directoryBytes: number;
  /** Where it begins. */
  directoryAt: number;
}

const needsZip64End = ({ files, directoryBytes, directoryAt }: Directory): boolean =>
  files >= MAX_16 || isLarge(directoryBytes) || isLarge(directoryAt);

/** Lays a zip out. The same entries in the same order always give the same plan, and with the same bytes the same zip. */
export function planZip<E extends ZipEntry>(entries: readonly E[]): ZipPlan<E> {
  let offset = 0;
  let directoryBytes = 0;
  for (const entry of entries) {
    directoryBytes += centralBytes(entry, offset);
    offset += localBytes(entry) + entry.sizeBytes + descriptorBytes(entry);
  }
  const end: Directory = { files: entries.length, directoryBytes, directoryAt: offset };
  const endBytes = END_BYTES + (needsZip64End(end) ? ZIP64_END_BYTES : 0);
  return { entries, sizeBytes: offset + directoryBytes + endBytes };
}

/**
 * The bytes of a zip, in their order. One file is open at a time, and of what has been sent only its CRC-32 is kept.
 * @param open must give exactly the bytes of the entry; what it throws passes through.
 * @throws an `Error` when it gives more or fewer: then the zip is broken off.
 */
export async function* zipBytes<E extends ZipEntry>(
  { entries }: ZipPlan<E>,
  open: (entry: E) => AsyncIterable<Buffer> | Promise<AsyncIterable<Buffer>>,
): AsyncGenerator<Buffer, void, undefined> {
  const sums = new Uint32Array(entries.length);
  let offset = 0;
  for (const [index, entry] of entries.entries()) {
    yield localHeader(entry);
    let sum = 0;
    let bytes = 0;
    for await (const chunk of await open(entry)) {
      sum = crc32(chunk, sum);
      bytes += chunk.length;
      if (bytes > entry.sizeBytes) break;
      yield chunk;
    }
    if (bytes !== entry.sizeBytes) throw new Error(`${entry.path} has not the ${entry.sizeBytes} bytes it should have`);
    sums[index] = sum;
    yield descriptor(entry, sum);
    offset += localBytes(entry) + entry.sizeBytes + descriptorBytes(entry);
  }
  yield* directory(entries, sums, offset);
}

function* directory(entries: readonly ZipEntry[], sums: Uint32Array, directoryAt: number): Generator<Buffer> {
  let offset = 0;
  let directoryBytes = 0;
  let piece: Buffer[] = [];
  let pieceBytes = 0;
  for (const [index, entry] of entries.entries()) {
    const record = centralRecord(entry, { offset, sum: sums[index] ?? 0 });
    offset += localBytes(entry) + entry.sizeBytes + descriptorBytes(entry);
    directoryBytes += record.length;
    piece.push(record);
    pieceBytes += record.length;
    if (pieceBytes < PIECE_BYTES) continue;
    yield Buffer.concat(piece);
    piece = [];
    pieceBytes = 0;
  }
  yield Buffer.concat([...piece, endRecords({ files: entries.length, directoryBytes, directoryAt })]);
}

/** Fills a buffer of a known length with little-endian numbers and bytes, one after the other. */
class Record {
  readonly bytes: Buffer;
  #at = 0;

  constructor(length: number) {
    this.bytes = Buffer.alloc(length);
  }

  u8(value: number): this {
    this.#at = this.bytes.writeUInt8(value, this.#at);
    return this;
  }

  u16(...values: number[]): this {
    for (const value of values) this.#at = this.bytes.writeUInt16LE(value, this.#at);
    return this;
  }

  u32(...values: number[]): this {
    for (const value of values) this.#at = this.bytes.writeUInt32LE(value, this.#at);
    return this;
  }

  u64(...values: number[]): this {
    for (const value of values) this.#at = this.bytes.writeBigUInt64LE(BigInt(value), this.#at);
    return this;
  }

  utf8(text: string): this {
    this.#at += this.bytes.write(text, this.#at);
    return this;
  }

  /** Whole seconds since 1970 in UTC (extra field 0x5455): the fields of DOS know no time zone. */
  time(epochMs: number): this {
    const seconds = Math.min(Math.max(0, Math.floor(epochMs / SECOND_MS)), 0x7f_ff_ff_ff);
    return this.u16(0x54_55, 5).u8(1).u32(seconds);
  }
}

function localHeader(entry: ZipEntry): Buffer {
  const { path, sizeBytes, modifiedAtMs } = entry;
  const large = isLarge(sizeBytes);
  const header = new Record(localBytes(entry))
    .u32(0x04_03_4b_50)
    .u16(large ? VERSION_ZIP64 : VERSION_PLAIN, FLAGS, 0, ...dosTime(modifiedAtMs))
    // CRC-32 and sizes: they come behind the bytes.
    .u32(0, large ? MAX_32 : 0, large ? MAX_32 : 0)
    .u16(nameBytes(entry), TIME_BYTES + (large ? LOCAL_ZIP64_BYTES : 0))
    .utf8(path);
  // Tells readers that the sizes in the descriptor have 64 bits.
  if (large) header.u16(0x00_01, 16).u64(sizeBytes, sizeBytes);
  return header.time(modifiedAtMs).bytes;
}

function descriptor(entry: ZipEntry, sum: number): Buffer {
  const { sizeBytes } = entry;
  const record = new Record(descriptorBytes(entry)).u32(0x08_07_4b_50, sum);
  return (isLarge(sizeBytes) ? record.u64(sizeBytes, sizeBytes) : record.u32(sizeBytes, sizeBytes)).bytes;
}

function centralRecord(entry: ZipEntry, { offset, sum }: { offset: number; sum: number }): Buffer {
  const { path, sizeBytes, modifiedAtMs } = entry;
  const large = largeFields(entry, offset);
  const size = Math.min(sizeBytes, MAX_32);
  const record = new Record(centralBytes(entry, offset))
    .u32(0x02_01_4b_50)
    .u16(MADE_BY_UNIX, large.length > 0 ? VERSION_ZIP64 : VERSION_PLAIN, FLAGS, 0, ...dosTime(modifiedAtMs))
    .u32(sum, size, size)
    .u16(nameBytes(entry), TIME_BYTES + (large.length === 0 ? 0 : 4 + 8 * large.length))
    // No comment, first disk, no internal attributes.
    .u16(0, 0, 0)
    .u32(MODE, Math.min(offset, MAX_32))
    .utf8(path);
  if (large.length > 0) record.u16(0x00_01, 8 * large.length).u64(...large);
  return record.time(modifiedAtMs).bytes;
}

function endRecords({ files, directoryBytes, directoryAt }: Directory): Buffer {
  const large = needsZip64End({ files, directoryBytes, directoryAt });
  const record = new Record(END_BYTES + (large ? ZIP64_END_BYTES : 0));
  if (large)
    record
      .u32(0x06_06_4b_50)
      .u64(44)
      .u16(MADE_BY_UNIX, VERSION_ZIP64)
      .u32(0, 0)
      .u64(files, files, directoryBytes, directoryAt)
      .u32(0x07_06_4b_50, 0)
      // Where the record before lies.
      .u64(directoryAt + directoryBytes)
      .u32(1);
  const count = Math.min(files, MAX_16);
  return record
    .u32(0x06_05_4b_50)
    .u16(0, 0, count, count)
    .u32(Math.min(directoryBytes, MAX_32), Math.min(directoryAt, MAX_32))
    .u16(0).bytes;
}

/** Time and date as DOS had them, here in UTC: every other second, from 1980 to 2107. */
function dosTime(epochMs: number): [number, number] {
  const date = new Date(Math.min(Math.max(epochMs, Date.UTC(1980, 0, 1)), Date.UTC(2107, 11, 31)));
  const time = (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1);
  const day = ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate();
  return [time, day];
}
