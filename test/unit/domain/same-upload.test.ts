import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArtifactError } from '../../../src/domain/errors.js';
import { requireIdempotencyKey, requireReplaceable, requireSameUpload } from '../../../src/domain/same-upload.js';

const existing = {
  id: 'artifact-1',
  path: 'output/a.bin',
  status: 'UPLOADING',
  deletionReason: null,
  checksumState: 'claimed',
  sizeBytes: 100,
  sha256: null,
  idempotencyKey: 'key-1',
  sourceModifiedAtMs: 1_000,
} as const;
const wanted = { sizeBytes: 100, sha256: null, idempotencyKey: 'key-1', sourceModifiedAtMs: 1_000 };
const A = 'a'.repeat(64);
const B = 'b'.repeat(64);

type Existing = Parameters<typeof requireSameUpload>[0];

function verdict(there: Partial<Existing>, here: Partial<typeof wanted> | { sha256: string }): string {
  try {
    requireSameUpload({ ...existing, ...there }, { ...wanted, ...here });
    return 'same';
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    return error.code;
  }
}

describe('an upload to a path that is taken', () => {
  it.each<[string, Partial<Existing>, object, string]>([
    ['the same request', {}, {}, 'same'],
    ['the same request, when it is complete and the hash is known', { status: 'ACTIVE', sha256: A }, {}, 'same'],
    ['the same request of a stream, whose size is known by now', { status: 'ACTIVE' }, { sizeBytes: null }, 'same'],
    ['the same key, another size', {}, { sizeBytes: 101 }, 'source_changed'],
    ['the same key, written to since', {}, { sourceModifiedAtMs: 1_001 }, 'source_changed'],
    ['the same key, another hash', { sha256: A }, { sha256: B }, 'source_changed'],
    [
      'another key for a file that was written to since',
      {},
      { idempotencyKey: 'key-2', sourceModifiedAtMs: 2 },
      'source_changed',
    ],
    ['another key for no file', {}, { idempotencyKey: 'key-2', sourceModifiedAtMs: null }, 'path_taken'],
    ['no keys at all', { idempotencyKey: null }, { idempotencyKey: null, sourceModifiedAtMs: null }, 'path_taken'],
    ['another key, the same hash and size', { sha256: A }, { idempotencyKey: 'key-2', sha256: A }, 'same'],
    [
      'a hash and size that are there, complete',
      { status: 'ACTIVE', sha256: A, idempotencyKey: null },
      { sha256: A },
      'same',
    ],
    [
      'a file when what is there is complete',
      { status: 'ACTIVE', sha256: A },
      { idempotencyKey: 'key-2' },
      'path_taken',
    ],
    [
      'the same content as wrong bytes claim to be',
      { checksumState: 'mismatch', sha256: A },
      { sha256: A },
      'path_taken',
    ],
    ['the same request to one that is being deleted', { deletionReason: 'requested' }, {}, 'path_taken'],
  ])('%s', (_what, there, here, expected) => {
    expect(verdict(there, here)).toBe(expected);
  });

  it('names the artifact, and says what changed', () => {
    const judge = (): unknown => requireSameUpload(existing, { ...wanted, sizeBytes: 200 });
    expect(judge).toThrow(/began as artifact artifact-1: then 100 bytes, of 1970-01-01T00:00:01.000Z, now 200 bytes/);
  });
});

describe('what has a path', () => {
  const settled = { ...existing, status: 'ACTIVE', sha256: A, awaitsPublication: null } as const;
  type Settled = Parameters<typeof requireReplaceable>[0];
  const judge = (there: Partial<Settled>, here: { sizeBytes: number | null; sha256: string | null }) => () =>
    requireReplaceable({ ...settled, ...there }, here);

  it.each<[string, Partial<Settled>, { sizeBytes: number | null; sha256: string | null }]>([
    ['of another size', {}, { sizeBytes: 101, sha256: null }],
    ['of the same size, with another hash', {}, { sizeBytes: 100, sha256: B }],
    ['by a stream', {}, { sizeBytes: null, sha256: null }],
    ['in the archive', { status: 'ARCHIVED' }, { sizeBytes: 101, sha256: null }],
    ['with wrong bytes, by the same file', { checksumState: 'mismatch' }, { sizeBytes: 100, sha256: null }],
  ])('%s may be replaced', (_what, there, here) => {
    expect(judge(there, here)).not.toThrow();
  });

  it.each<[string, Partial<Settled>, RegExp]>([
    ['that may be the same', { sizeBytes: 7 }, /the same size: say the SHA-256/],
    ['while it is uploaded', { status: 'UPLOADING' }, /is being uploaded/],
    ['while it is deleted', { deletionReason: 'requested' }, /is being deleted/],
    ['while it is published', { awaitsPublication: 'publication-1' }, /already holds other content/],
  ])('%s may not be replaced', (_what, there, why) => {
    expect(judge(there, { sizeBytes: 7, sha256: null })).toThrow(why);
  });
});

describe('an Idempotency-Key', () => {
  it('is 1 to 255 visible ASCII characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (key) => {
        const isGood = key.length >= 1 && key.length <= 255 && [...key].every((c) => c > ' ' && c < '\x7f');
        if (isGood) expect(requireIdempotencyKey(key)).toBe(key);
        else expect(() => requireIdempotencyKey(key)).toThrow(/visible ASCII/);
      }),
    );
  });
});
