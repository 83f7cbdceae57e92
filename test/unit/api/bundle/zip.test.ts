import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planZip, zipBytes, type ZipEntry } from '../../../../src/api/bundle/zip.js';
import { canonicalPath } from '../../../../src/domain/keys.js';

const MODIFIED_AT_MS = Date.UTC(2026, 1, 3, 4, 5, 6);
const entry = (path: string, sizeBytes: number): ZipEntry => ({ path, sizeBytes, modifiedAtMs: MODIFIED_AT_MS });

/** Endless pieces of the same zeros, up to a size: gigabytes that nobody stores. */
function* zeroPieces(sizeBytes: number): Generator<Buffer> {
  const piece = Buffer.alloc(4 * 1024 ** 2);
  for (let left = sizeBytes; left > 0; left -= piece.length)
    yield left < piece.length ? piece.subarray(0, left) : piece;
}

const zeros = (sizeBytes: number): Readable => Readable.from(zeroPieces(sizeBytes));

/**
 * Reads a zip as Python does, from the bytes on its standard input of which it keeps only those that are no run of zeros: a file
 * that claims to be the whole zip. Prints what it found as JSON.
 */
const PYTHON = `
import io, json, sys, zipfile, datetime
CHUNK = 1 << 22
class Sparse(io.RawIOBase):
    def __init__(self, source):
        self.chunks, self.size, self.at = {}, 0, 0
        zero = bytes(CHUNK)
        while True:
            chunk = source.read(CHUNK)
            if not chunk: break
            if chunk != zero: self.chunks[self.size // CHUNK] = chunk
            self.size += len(chunk)
    def seekable(self): return True
    def readable(self): return True
    def tell(self): return self.at
    def seek(self, offset, whence=0):
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at
    def read(self, n=-1):
        end = self.size if n is None or n < 0 else min(self.size, self.at + n)
        out = bytearray()
        while self.at < end:
            index, start = divmod(self.at, CHUNK)
            take = min(end - self.at, CHUNK - start)
            out += self.chunks.get(index, bytes(CHUNK))[start:start + take]
            self.at += take
        return bytes(out)
check = sys.argv[1] == 'check'
sparse = Sparse(sys.stdin.buffer)
with zipfile.ZipFile(sparse) as z:
    infos = z.infolist()
    bad = z.testzip() if check else None
    names = [i.filename for i in infos[:2000]]
    print(json.dumps({'sizeBytes': sparse.size, 'files': len(infos), 'bad': bad, 'names': names, 'sizes': [i.file_size for i in infos[:5]],
        'offsets': [i.header_offset for i in infos[:5]], 'crcs': [i.CRC for i in infos[:5]], 'date': infos[0].date_time if infos else None,
        'modes': sorted(set(oct(i.external_attr >> 16) for i in infos)),
        'methods': sorted(set(i.compress_type for i in infos)), 'last': z.read(infos[-1]).decode(errors='replace') if infos and infos[-1].file_size < 100 else None}))
`;
import { eventually } from '../../../support/eventually.js';

interface Found {
  sizeBytes: number;
  files: number;
  bad: string | null;
  names: string[];
  sizes: number[];
  offsets: number[];
  crcs: number[];
  date: number[];
  modes: string[];
  methods: number[];
  last: string | null;
}

async function readByPython(zip: AsyncIterable<Buffer>, mode: 'check' | 'list'): Promise<Found> {
  const python = spawn('python3', ['-c', PYTHON, mode], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [answer] = await Promise.all([text(python.stdout), pipeline(Readable.from(zip), python.stdin)]);
  return JSON.parse(answer) as Found;
}

/** Makes a zip of entries whose bytes are their path repeated, and reads it back. */
async function roundTrip(entries: ZipEntry[]): Promise<{ found: Found; plannedBytes: number }> {
  const plan = planZip(entries);
  const open = ({ path, sizeBytes }: ZipEntry): AsyncIterable<Buffer> => {
    const bytes = Buffer.alloc(sizeBytes, path);
    return Readable.from([bytes.subarray(0, 3), bytes.subarray(3)].filter((chunk) => chunk.length > 0));
  };
  return { found: await readByPython(zipBytes(plan, open), 'check'), plannedBytes: plan.sizeBytes };
}

async function drain(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describe('a zip', () => {
  test('of nothing is a zip with nothing in it', async () => {
    const { found, plannedBytes } = await roundTrip([]);
    expect(found).toMatchObject({ files: 0, sizeBytes: plannedBytes });
    expect(plannedBytes).toBe(22);
  });

  test('is read by others file by file: stored, with names in UTF-8, times, modes and right sums', async () => {
    const names = [
      'output/보고서.pdf',
      'output/quote"\'`$(x).txt',
      'output/🦊/é e\u0301.txt',
      'logs/a b.log',
      'output/empty',
    ];
    const { found, plannedBytes } = await roundTrip(
      names.map((name, index) => entry(name, index === 4 ? 0 : 10 + index)),
    );
    expect(found).toMatchObject({
      ...{ sizeBytes: plannedBytes, files: 5, bad: null, names, sizes: [10, 11, 12, 13, 0] },
      ...{ date: [2026, 2, 3, 4, 5, 6], modes: ['0o100644'], methods: [0] },
    });
  });

  test('is as long as it was planned, whatever files may be called', async () => {
    const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter(isPath).map(canonicalPath);
    const paths = [...new Set(fc.sample(names, 300))];
    const { found, plannedBytes } = await roundTrip(paths.map((path, index) => entry(path, index)));
    expect(found).toMatchObject({ sizeBytes: plannedBytes, bad: null, names: paths });
  });

  test('of the same files is the same, byte for byte', async () => {
    const make = () =>
      drain(zipBytes(planZip([entry('output/a', 5), entry('output/b', 7)]), ({ sizeBytes }) => zeros(sizeBytes)));
    expect(await make()).toEqual(await make());
  });

  test('holds files of more than 4 GiB, and files behind the 4 GiB', { timeout: 120_000 }, async () => {
    const fiveGib = 5 * 1024 ** 3;
    const entries = [entry('output/first', fiveGib), entry('output/edge', 2 ** 32 - 1), entry('output/last', 5)];
    const plan = planZip(entries);
    const open = ({ path, sizeBytes }: ZipEntry) =>
      sizeBytes === 5 ? Readable.from([Buffer.from(path.slice(-5))]) : zeros(sizeBytes);
    const found = await readByPython(zipBytes(plan, open), 'list');
    expect(found).toMatchObject({
      sizeBytes: plan.sizeBytes,
      files: 3,
      sizes: [fiveGib, 2 ** 32 - 1, 5],
      last: '/last',
    });
    expect(found.offsets[2]).toBeGreaterThan(fiveGib + 2 ** 32);
    // Of 5 GiB of zeros, as zlib.crc32 of Python says.
    expect(found.crcs[0]).toBe(0x19_38_38_c3);
  });

  test('holds more than 65,535 files', { timeout: 60_000 }, async () => {
    const entries = Array.from({ length: 70_000 }, (_, index) => entry(`output/${index}`, 1));
    const plan = planZip(entries);
    const found = await readByPython(
      zipBytes(plan, () => Readable.from([Buffer.from('x')])),
      'list',
    );
    expect(found).toMatchObject({ sizeBytes: plan.sizeBytes, files: 70_000, last: 'x' });
  });

  test.each([
    ['fewer', 'ab'],
    ['more', 'abcd'],
  ])('is broken off when a file has %s bytes than it should', async (_which, bytes) => {
    const zip = zipBytes(planZip([entry('output/a', 3)]), () => Readable.from([Buffer.from(bytes)]));
    await expect(drain(zip)).rejects.toThrow('output/a has not the 3 bytes it should have');
  });

  test('has one file open at a time, and closes the one that is open when nobody reads on', async () => {
    const open = new Set<string>();
    let mostOpen = 0;
    const sizeBytes = 3 * 4 * 1024 ** 2;
    function* counted({ path }: ZipEntry): Generator<Buffer> {
      open.add(path);
      mostOpen = Math.max(mostOpen, open.size);
      try {
        yield* zeroPieces(sizeBytes);
      } finally {
        open.delete(path);
      }
    }
    const zip = zipBytes(planZip([entry('output/a', sizeBytes), entry('output/b', sizeBytes)]), (file) =>
      Readable.from(counted(file)),
    );
    for await (const chunk of zip) if (open.has('output/b') && chunk.length > 1_000) break;
    await eventually(() => expect([mostOpen, open.size]).toEqual([1, 0]));
  });
});

function isPath(name: string): boolean {
  try {
    return canonicalPath(name).length > 0;
  } catch {
    return false;
  }
}
