import { describe, expect, it } from 'vitest';
import { progressOf, settledProgress } from '../../../src/domain/upload-progress.js';
import { MIB_BYTES, MINUTE_MS, SECOND_MS } from '../../../src/domain/units.js';

const PART_BYTES = 16 * MIB_BYTES;
const T0 = Date.UTC(2026, 0, 1);
const large = { sizeBytes: 10 * PART_BYTES, partSizeBytes: PART_BYTES, createdAtMs: T0 };
/** Parts that arrived so many seconds after the begin. */
const arrived = (...seconds: number[]) =>
  seconds.map((second) => ({ sizeBytes: PART_BYTES, lastModifiedMs: T0 + second * SECOND_MS }));
const at = (second: number): number => T0 + second * SECOND_MS;

describe('how far an upload is', () => {
  it('counts bytes and parts, and tells speed and rest from when they arrived', () => {
    expect(progressOf(large, arrived(4, 6, 8, 10), at(11))).toEqual({
      receivedBytes: 4 * PART_BYTES,
      totalBytes: 10 * PART_BYTES,
      percent: 40,
      parts: 4,
      partCount: 10,
      bytesPerSecond: PART_BYTES / 2,
      etaSeconds: 12,
    });
  });

  it('says nothing about the speed before the first part', () => {
    expect(progressOf(large, [], at(5))).toMatchObject({
      percent: 0,
      parts: 0,
      bytesPerSecond: null,
      etaSeconds: null,
    });
  });

  it('counts one part from the begin of the upload', () => {
    expect(progressOf(large, arrived(4), at(4))).toMatchObject({ bytesPerSecond: PART_BYTES / 4, etaSeconds: 36 });
  });

  it('does not let a pause, or an earlier try, count', () => {
    expect(progressOf(large, arrived(1, 2, 1_000, 1_002, 1_004), at(1_004))).toMatchObject({
      bytesPerSecond: PART_BYTES / 2,
    });
  });

  it('gets slower while a part is overdue, and is 0 with nobody to say when it ends after a minute', () => {
    const { bytesPerSecond } = progressOf(large, arrived(2, 4, 6), at(26));
    expect(bytesPerSecond).toBe(Math.round((2 * PART_BYTES) / 24));
    expect(progressOf(large, arrived(2, 4, 6), at(6) + MINUTE_MS)).toMatchObject({
      bytesPerSecond: 0,
      etaSeconds: null,
    });
  });

  it('of unknown size has no percent and no end, but a speed', () => {
    const stream = { ...large, sizeBytes: null };
    expect(progressOf(stream, arrived(2, 4), at(4))).toMatchObject({
      ...{ totalBytes: null, percent: null, partCount: null, etaSeconds: null },
      bytesPerSecond: PART_BYTES / 2,
    });
  });

  it('stays sane when the clock of the store is ahead, and with an empty file', () => {
    expect(progressOf(large, arrived(2, 4), at(0))).toMatchObject({ bytesPerSecond: PART_BYTES / 2 });
    const empty = { sizeBytes: 0, partSizeBytes: null, createdAtMs: T0 };
    expect(progressOf(empty, [], at(1))).toMatchObject({ percent: 0, partCount: 1 });
  });

  it('is whole when it is there, and nothing when it was never complete', () => {
    expect(settledProgress({ status: 'ARCHIVED', sizeBytes: 5 })).toMatchObject({ receivedBytes: 5, percent: 100 });
    expect(settledProgress({ status: 'DELETED', sizeBytes: 5 })).toMatchObject({ receivedBytes: 0, percent: 0 });
    expect(settledProgress({ status: 'DELETED', sizeBytes: null })).toMatchObject({ percent: null });
  });
});
