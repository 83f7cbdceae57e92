import { describe, expect, it } from 'vitest';
import { guessArtifactType, guessMimeType } from '../../../src/domain/artifact-type.js';
import { requireSha256 } from '../../../src/domain/checksum.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import { requireUuid } from '../../../src/domain/ids.js';
import { partBytes, partSizeFor, planParts } from '../../../src/domain/part-plan.js';
import { DEFAULT_POLICY } from '../../../src/domain/policy.js';
import { chooseRetention, expiresAtMs, requireRetentionDays } from '../../../src/domain/retention.js';
import { currentTags } from '../../../src/domain/stored-object.js';
import { objectTags, requireTags } from '../../../src/domain/tags.js';
import {
  longestRestoreMs,
  RESTORE_TIERS,
  restorePollMs,
  storageClassOf,
  tierOfClass,
} from '../../../src/domain/tiers.js';
import { DAY_MS, GIB_BYTES, HOUR_MS, MIB_BYTES, MINUTE_MS, SECOND_MS } from '../../../src/domain/units.js';
import { aRecord, BORN_MS } from '../../support/records.js';

const codeOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof ArtifactError) return error.code;
    throw error;
  }
  return 'nothing was thrown';
};

describe('the type of an artifact', () => {
  it.each([
    ['output/main.ts', 'code'],
    ['output/a.py', 'code'],
    ['output/README.md', 'document'],
    ['output/report.pdf', 'document'],
    ['output/plot.png', 'image'],
    ['output/logo.svg', 'image'],
    ['output/rows.csv', 'data'],
    ['output/rows.json', 'data'],
    ['logs/trace.json', 'log'],
    ['output/agent.log', 'log'],
    ['output/blob.bin', 'other'],
    ['output/noextension', 'other'],
  ])('of %s is %s', (path, type) => {
    expect(guessArtifactType(path, guessMimeType(path))).toBe(type);
  });

  it('comes from the MIME type when the name says nothing', () => {
    expect(guessArtifactType('output/x', 'image/webp')).toBe('image');
    expect(guessArtifactType('output/x', 'text/plain')).toBe('document');
  });

  it('does not take TypeScript for a video', () => {
    expect(guessMimeType('main.ts')).toBe('text/x-typescript');
  });
});

describe('tags', () => {
  it('are accepted as S3 accepts them', () => {
    const tags = { team: 'data science', 'cost:center': 'a+b=c@d/e', 이름: '값' };
    expect(requireTags(tags)).toBe(tags);
  });

  it.each([
    [Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`k${i}`, 'v']))],
    [{ '': 'v' }],
    [{ ['k'.repeat(129)]: 'v' }],
    [{ k: 'v'.repeat(257) }],
    [{ k: '값'.repeat(86) }],
    [{ k: '\ud800' }],
    [{ k: 'a&b' }],
    [{ 'a?': 'b' }],
    [{ 'aws:x': 'y' }],
    [{ 'artifact-retention': 'permanent' }],
  ])('are refused where S3 would refuse them or they are ours: %j', (tags) => {
    expect(codeOf(() => requireTags(tags as Record<string, string>))).toBe('invalid_tags');
  });

  it('never match the expiry rule of the bucket once the artifact is permanent', () => {
    expect(objectTags({ a: 'b' }, 'permanent')).toEqual({ a: 'b', 'artifact-retention': 'permanent' });
    expect(objectTags({}, 'expiring', { lateSha256: 'ff' })).toEqual({
      'artifact-retention': 'expiring',
      'artifact-sha256': 'ff',
    });
  });

  it('say by which days the bucket may move it, where there is room for that', () => {
    const eight = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`tag-${i}`, 'x']));
    expect(objectTags(eight, 'expiring', { tiers: '30-90' })).toMatchObject({ 'artifact-tiers': '30-90' });
    expect(Object.keys(objectTags(eight, 'expiring', { tiers: '30-90', lateSha256: 'ff' }))).toEqual([
      ...Object.keys(eight),
      ...['artifact-retention', 'artifact-sha256'],
    ]);
  });

  it.each([
    ['by its age', {}, '30-90'],
    ['by days of its own', { warmAfterDays: null, coldAfterDays: 400 }, 'never-400'],
    ['never', { warmAfterDays: null, coldAfterDays: null }, undefined],
    ['by its last use', { tierBy: 'last_access' as const }, undefined],
  ])('let the bucket move only what moves by its age: %s', (_, own, tag) => {
    const policy = { ...DEFAULT_POLICY, bucketMayMove: true as const, ...own };
    expect(currentTags(aRecord({ policy }), true)['artifact-tiers']).toBe(tag);
    expect(currentTags(aRecord({ policy, restoredAtMs: BORN_MS }), true)['artifact-tiers']).toBeUndefined();
    const { bucketMayMove: _before, ...old } = policy;
    expect(currentTags(aRecord({ policy: old }), true)['artifact-tiers']).toBeUndefined();
  });
});

describe('retention', () => {
  it('is the own, else the execution’s, else the default', () => {
    expect(chooseRetention({ days: 5 }, 60, 30)).toEqual({ rule: 'artifact', days: 5 });
    expect(chooseRetention(null, 60, 30)).toEqual({ rule: 'execution', days: 60 });
    expect(chooseRetention(null, null, 30)).toEqual({ rule: 'default', days: 30 });
  });

  it.each([0, -1, 1.5, NaN, Infinity, 36_501])('refuses %d days', (days) => {
    expect(codeOf(() => requireRetentionDays(days))).toBe('invalid_retention');
  });

  it('counts whole days from creation', () => {
    expect(expiresAtMs(1_000, { rule: 'artifact', days: 2 })).toBe(1_000 + 2 * DAY_MS);
    expect(expiresAtMs(1_000, { rule: 'permanent', by: 'a', reason: '', atMs: 0 })).toBeNull();
  });
});

describe('parts', () => {
  it('are not needed below 16 MiB', () => {
    expect(planParts(0)).toEqual({ kind: 'single' });
    expect(planParts(16 * MIB_BYTES - 1)).toEqual({ kind: 'single' });
    expect(planParts(16 * MIB_BYTES)).toEqual({ kind: 'multipart', partSizeBytes: 8 * MIB_BYTES, partCount: 2 });
  });

  it('cover 5 GiB and not a byte more', () => {
    expect(planParts(5 * GIB_BYTES)).toMatchObject({ partCount: 640 });
    expect(codeOf(() => planParts(5 * GIB_BYTES + 1))).toBe('too_large');
  });

  it('grow with the file, so that there are never too many', () => {
    expect(partSizeFor(5 * GIB_BYTES)).toBe(8 * MIB_BYTES);
    const largest = 10_000 * 5 * GIB_BYTES;
    for (let size = 1; size <= largest; size *= 3) {
      const partSize = partSizeFor(size);
      expect(partSize % MIB_BYTES).toBe(0);
      expect(Math.ceil(size / partSize)).toBeLessThanOrEqual(9_000);
    }
  });

  it.each([-1, 0.5, NaN])('refuses a size of %d', (size) => {
    expect(codeOf(() => planParts(size))).toBe('invalid_request');
  });

  it('add up to the file', () => {
    const size = 40 * MIB_BYTES + 7;
    const sizes = [1, 2, 3].map((number) => partBytes(number, 16 * MIB_BYTES, size));
    expect(sizes.reduce((a, b) => a + b)).toBe(size);
  });
});

describe('storage tiers', () => {
  it('map to the classes of the specification and back', () => {
    expect((['HOT', 'WARM', 'COLD'] as const).map(storageClassOf)).toEqual(['STANDARD', 'STANDARD_IA', 'GLACIER']);
    expect(['STANDARD', 'STANDARD_IA', 'GLACIER', 'DEEP_ARCHIVE'].map(tierOfClass)).toEqual([
      'HOT',
      'WARM',
      'COLD',
      'COLD',
    ]);
  });

  it.each(RESTORE_TIERS)(
    'a restore by %s is looked at when S3 has promised it, and seldom before and after',
    (tier) => {
      const promisedMs = longestRestoreMs(tier);
      const looks: number[] = [];
      for (let atMs = 0; atMs < 2 * promisedMs;) {
        atMs += restorePollMs(promisedMs - atMs, 15 * MINUTE_MS);
        looks.push(atMs);
      }
      expect(looks).toContain(promisedMs);
      expect(looks.length).toBeLessThan((2 * promisedMs) / (15 * MINUTE_MS) + 25);
      const waits = looks.map((atMs, index) => atMs - (looks[index - 1] ?? 0));
      expect(Math.max(...waits)).toBeLessThanOrEqual(15 * MINUTE_MS);
      // Who comes late by S3's own fault is noticed within a quarter of the delay.
      for (const lateMs of [MINUTE_MS, 20 * MINUTE_MS, 5 * HOUR_MS])
        expect(restorePollMs(-lateMs, 15 * MINUTE_MS)).toBeLessThanOrEqual(Math.max(MINUTE_MS, lateMs / 4));
      expect(restorePollMs(promisedMs, SECOND_MS)).toBe(SECOND_MS);
    },
  );
});

describe('ids and checksums', () => {
  it('are accepted in their one canonical form only', () => {
    expect(requireUuid('11111111-1111-4111-8111-111111111111', 'id')).toBeTruthy();
    expect(codeOf(() => requireUuid('11111111-1111-4111-8111-11111111111G', 'id'))).toBe('invalid_id');
    expect(codeOf(() => requireUuid('not-a-uuid', 'id'))).toBe('invalid_id');
    expect(codeOf(() => requireSha256('A'.repeat(64)))).toBe('invalid_checksum');
    expect(codeOf(() => requireSha256('abc'))).toBe('invalid_checksum');
  });
});
