import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import type { Hold } from '../../../src/domain/holds.js';
import { driftOfRow, expectationOf, type DriftRules, type ObjectSight } from '../../../src/domain/row-drift.js';
import { currentTags } from '../../../src/domain/stored-object.js';
import { DAY_MS, HOUR_MS } from '../../../src/domain/units.js';
import { aRecord, BORN_MS } from '../../support/records.js';

const NOW_MS = BORN_MS + 40 * DAY_MS;
const rules: DriftRules = { nowMs: NOW_MS, classes: true, expiryMs: HOUR_MS };

const records = fc
  .record({
    status: fc.constantFrom('UPLOADING', 'ACTIVE', 'ARCHIVED', 'DELETED'),
    deletionReason: fc.constantFrom(null, null, 'requested', 'expired'),
    purgeAtMs: fc.option(fc.integer({ min: NOW_MS - DAY_MS, max: NOW_MS + DAY_MS })),
    expiresAtMs: fc.option(fc.integer({ min: NOW_MS + 1, max: NOW_MS + DAY_MS })),
    storageClass: fc.constantFrom('STANDARD', 'STANDARD_IA', 'GLACIER'),
    versionId: fc.option(fc.string()),
    etag: fc.option(fc.stringMatching(/^"[0-9a-f]{32}(-\d+)?"$/)),
    sizeBytes: fc.nat(),
    sha256: fc.option(fc.constant('b'.repeat(64))),
    partSizeBytes: fc.option(fc.constant(8_388_608)),
    tags: fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.string(), { maxKeys: 3 }),
    retention: fc.oneof(
      fc.constant({ rule: 'permanent', by: 'ann', reason: 'case', atMs: 1 } as const),
      fc.record({ rule: fc.constant('artifact' as const), days: fc.integer({ min: 1, max: 1_000 }) }),
    ),
    holds: fc.constantFrom<Hold[][]>([], [{ id: 'h', by: 'ann', reason: 'case', atMs: 1, untilMs: null }]),
  })
  .map((given) => aRecord(given as Partial<ArtifactRecord>));

/** What a row says, as the store shows it. */
const asSaid = (record: ArtifactRecord, bornWithHash: boolean): ObjectSight => ({
  info: {
    ...{ sizeBytes: record.sizeBytes ?? 0, etag: record.etag ?? '"any"', storageClass: record.storageClass },
    lastModifiedMs: BORN_MS,
  },
  ...{ isHidden: false, tags: currentTags(record, bornWithHash), bornWithHash },
});

const kinds = (record: ArtifactRecord, sight: ObjectSight, by = rules): string[] =>
  driftOfRow(record, sight, by).map(({ kind }) => kind);

describe('a row and its object', () => {
  it('differ in nothing when the store has what the row says, in whatever state', () => {
    fc.assert(
      fc.property(records, fc.boolean(), (record, bornWithHash) => {
        const sight = asSaid(record, bornWithHash);
        expect(kinds(record, sight)).toEqual([]);
        // Marks around an ETag, and whether anybody has looked at the tags, make no difference.
        const bare = { ...sight, info: sight.info && { ...sight.info, etag: sight.info.etag.replaceAll('"', '') } };
        expect(kinds(record, { ...bare, tags: null })).toEqual([]);
      }),
    );
  });

  it('differ in exactly what is not as the row says, if it must be there', () => {
    const changes: Record<string, (sight: ObjectSight) => ObjectSight> = {
      object_missing: (sight) => ({ ...sight, info: null }),
      bytes_differ: (sight) => ({
        ...sight,
        info: sight.info && { ...sight.info, sizeBytes: sight.info.sizeBytes + 1 },
      }),
      object_hidden: (sight) => ({ ...sight, isHidden: true }),
      class_differs: (sight) => ({ ...sight, info: sight.info && { ...sight.info, storageClass: 'DEEP_ARCHIVE' } }),
      tags_differ: (sight) => ({ ...sight, tags: { ...sight.tags, 'artifact-retention': 'lost' } }),
    };
    fc.assert(
      fc.property(records, fc.boolean(), fc.constantFrom(...Object.keys(changes)), (record, bornWithHash, kind) => {
        const sight = changes[kind]?.(asSaid(record, bornWithHash)) ?? asSaid(record, bornWithHash);
        const isBytes = ['object_missing', 'bytes_differ'].includes(kind);
        const expectation = expectationOf(record, NOW_MS);
        const isSeen = expectation === 'whole' || (expectation === 'bytes' && isBytes);
        expect(kinds(record, sight)).toEqual(isSeen ? [kind] : []);
      }),
    );
  });

  it('never differ in class where there are no classes', () => {
    fc.assert(
      fc.property(records, (record) => {
        const sight = asSaid(record, true);
        const moved = { ...sight, info: sight.info && { ...sight.info, storageClass: 'SOMETHING' } };
        expect(kinds(record, moved, { ...rules, classes: false })).toEqual([]);
      }),
    );
  });

  it('are overdue an hour after the deadline, unless something keeps them', () => {
    const late = { status: 'ACTIVE', expiresAtMs: NOW_MS - HOUR_MS - 1 } as const;
    const seen = (given: Partial<ArtifactRecord>): string[] => {
      const record = aRecord({ ...late, ...given });
      return kinds(record, asSaid(record, true));
    };
    expect(seen({})).toEqual(['expired_present']);
    expect(seen({ expiresAtMs: NOW_MS - HOUR_MS + 1 })).toEqual([]);
    expect(seen({ holds: [{ id: 'h', by: 'ann', reason: 'case', atMs: 1, untilMs: null }] })).toEqual([]);
    expect(seen({ retention: { rule: 'permanent', by: 'ann', reason: 'case', atMs: 1 } })).toEqual([]);
    expect(seen({ deletionReason: 'expired' })).toEqual([]);
  });

  it('lack the hash among the tags only where the metadata has none', () => {
    const record = aRecord({ partSizeBytes: 8_388_608, expiresAtMs: NOW_MS + DAY_MS });
    const withHash = currentTags(record, false);
    const without = currentTags(record, true);
    const sight = (tags: Record<string, string>, bornWithHash: boolean | null): ObjectSight => ({
      ...{ ...asSaid(record, true), tags, bornWithHash },
    });
    expect(kinds(record, sight(without, true))).toEqual([]);
    expect(kinds(record, sight(withHash, true))).toEqual([]);
    expect(kinds(record, sight(without, false))).toEqual(['tags_differ']);
    // Nobody has looked yet: it is looked at.
    expect(kinds(record, sight(without, null))).toEqual(['tags_differ']);
    expect(kinds(aRecord({ ...record, partSizeBytes: null }), sight(without, null))).toEqual([]);
  });
});
