import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import type { LifecycleState } from '../../../src/domain/lifecycle.js';
import { planRepair, type RepairPlan } from '../../../src/domain/repair.js';
import { differences } from '../../../src/domain/repair-changes.js';
import { isWhole, type Seen, type SeenVersion } from '../../../src/domain/seen.js';
import { currentTags } from '../../../src/domain/stored-object.js';
import { DAY_MS, HOUR_MS } from '../../../src/domain/units.js';
import { aState, BORN_MS, SHA256 } from '../../support/records.js';

/* What is true of the plan of any state for anything that can be seen, also of what no store would ever say. */

const NOW_MS = BORN_MS + 10 * DAY_MS;
const hold = { id: 'a', by: 'ann', reason: 'case', atMs: BORN_MS, untilMs: null };
const keep = { verb: 'keepForever', message: { actor: 'ann', reason: '' } } as const;

const records: fc.Arbitrary<Partial<ArtifactRecord>> = fc
  .record({
    status: fc.constantFrom('UPLOADING', 'ACTIVE', 'ACTIVE', 'ACTIVE', 'ARCHIVED', 'DELETED'),
    storageClass: fc.constantFrom('STANDARD', 'STANDARD_IA', 'GLACIER'),
    tier: fc.constantFrom('HOT', 'WARM', 'COLD'),
    checksumState: fc.constantFrom('claimed', 'verified', 'verified', 'mismatch'),
    holds: fc.constantFrom<ArtifactRecord['holds'][]>([], [], [hold]),
    retention: fc.constantFrom<ArtifactRecord['retention'][]>(
      { rule: 'default', days: 30 },
      { rule: 'permanent', by: 'ann', reason: '', atMs: BORN_MS },
    ),
    deletionReason: fc.constantFrom('requested', 'bytes_lost', 'expired'),
    purgeAtMs: fc.option(fc.integer({ min: BORN_MS, max: NOW_MS + DAY_MS })),
    restoreState: fc.constantFrom(null, null, 'in_progress' as const),
    expiresAtMs: fc.integer({ min: NOW_MS - DAY_MS, max: NOW_MS + 20 * DAY_MS }),
  })
  .map((record) => {
    const isDeleted = record.status === 'DELETED';
    return {
      ...record,
      ...{ versionId: 'v0', etag: 'e0', sizeBytes: 10, revision: 3 },
      deletionReason: isDeleted ? record.deletionReason : null,
      purgeAtMs: isDeleted && record.deletionReason !== 'bytes_lost' ? record.purgeAtMs : null,
      restoreState: record.status === 'ARCHIVED' ? record.restoreState : null,
      expiresAtMs: isDeleted || record.retention.rule === 'permanent' ? null : record.expiresAtMs,
    };
  });

const states: fc.Arbitrary<LifecycleState> = fc
  .record({
    record: records,
    deletion: fc.option(
      fc.record({
        ...{ reason: fc.constantFrom('expired', 'requested'), actor: fc.constant('worker'), failures: fc.nat(5) },
        ...{ nextTryMs: fc.constant(NOW_MS + HOUR_MS), rowMissing: fc.boolean() },
      }),
      { freq: 8 },
    ),
    isKept: fc.boolean(),
    poll: fc.option(fc.constant(NOW_MS + HOUR_MS)),
  })
  .map(({ record, deletion, isKept, poll }) =>
    aState(record, {
      deletion: record.status === 'DELETED' ? null : (deletion as LifecycleState['deletion']),
      unfinished: isKept ? [{ command: keep, failures: 1, nextTryMs: NOW_MS }] : [],
      nextRestorePollMs: poll,
    }),
  );

const versions = (versionId: fc.Arbitrary<string | null>): fc.Arbitrary<SeenVersion> =>
  fc.record({
    versionId,
    sizeBytes: fc.constantFrom(10, 10, 11, 6 * 1024 ** 3),
    etag: fc.constantFrom('e0', 'e0', '"e0"', 'e1'),
    storageClass: fc.constantFrom('STANDARD', 'STANDARD_IA', 'GLACIER'),
    sha256: fc.constantFrom(null, SHA256, 'b'.repeat(64)),
    bornWithHash: fc.boolean(),
    modifiedMs: fc.integer({ min: NOW_MS - 3 * HOUR_MS, max: NOW_MS }),
  });

interface Case {
  state: LifecycleState;
  seen: Seen;
}
const cases: fc.Arbitrary<Case> = fc
  .record({
    state: states,
    named: fc.option(versions(fc.constant('v0')), { freq: 1 }),
    others: fc.uniqueArray(versions(fc.constantFrom('v1', 'v2', null)), { selector: (one) => one.versionId ?? '' }),
    row: fc.constantFrom('same', 'same', 'same', 'ahead', 'changed', 'behind', 'deleting', null),
    tags: fc.constantFrom('right', 'wrong', null),
    flags: fc.record({
      ...{ isHidden: fc.boolean(), isCovered: fc.boolean(), isUnclear: fc.boolean(), hasClasses: fc.boolean() },
      hasExecution: fc.boolean(),
    }),
  })
  .map(({ state, named, others, row, tags, flags }) => {
    const { record } = state;
    const rows: Record<string, ArtifactRecord> = {
      same: record,
      ahead: { ...record, revision: record.revision + 1 },
      changed: { ...record, storageClass: 'DEEP_ARCHIVE' },
      behind: { ...record, revision: record.revision - 1 },
      deleting: { ...record, revision: record.revision + 1, deletionReason: record.deletionReason ?? 'requested' },
    };
    const right = currentTags(record, named?.bornWithHash ?? true);
    const seen = {
      ...{ named, others, row: row === null ? null : (rows[row] ?? null), ...flags },
      tags: tags === null || named === null ? null : tags === 'right' ? right : { stray: 'tag' },
    };
    return { state, seen };
  });

function always(property: (one: Case, plan: RepairPlan) => void): void {
  fc.assert(
    fc.property(cases, (one) => property(one, planRepair(one.state, one.seen, NOW_MS))),
    { numRuns: 5_000 },
  );
}

const isLiving = ({ record: { status } }: LifecycleState): boolean => status === 'ACTIVE' || status === 'ARCHIVED';

describe('the plan of a repair, for any state and whatever is seen', () => {
  it('calls nothing lost of which any version of its own is there, or bytes of which the store does not say whose', () => {
    always(({ seen }, plan) => {
      if (plan.kind !== 'lost') return;
      expect([seen.named, seen.others, seen.isUnclear]).toEqual([null, [], false]);
    });
  });

  it('calls it lost when nothing is there and nothing else is going on', () => {
    always(({ state, seen }, plan) => {
      const isQuiet = state.deletion === null && state.unfinished.length === 0 && isLiving(state);
      const isKnown = seen.row?.revision === state.record.revision && !seen.isUnclear;
      if (!isQuiet || !isKnown || seen.named !== null || seen.others.length > 0) return;
      expect(['lost', 'expire']).toContain(plan.kind);
    });
  });

  it('removes only versions of its own that it does not name, that are not young, beside one that is whole and verified', () => {
    always(({ state, seen }, plan) => {
      if (plan.kind !== 'mend' || plan.remove.length === 0) return;
      expect(isLiving(state)).toBe(true);
      expect(plan.record.checksumState).toBe('verified');
      expect(seen.named !== null && isWhole(plan.record, seen.named)).toBe(true);
      for (const { versionId, modifiedMs } of plan.remove) {
        expect(versionId).not.toBe(plan.record.versionId);
        expect(modifiedMs).toBeLessThanOrEqual(NOW_MS - HOUR_MS);
      }
    });
  });

  it('sweeps only what is deleted for good, and nothing that is young', () => {
    always(({ state: { record }, seen }, plan) => {
      if (plan.kind !== 'sweep') return;
      expect([record.status, record.purgeAtMs]).toEqual(['DELETED', null]);
      const left = [...(seen.named === null ? [] : [seen.named]), ...seen.others];
      expect(left.every(({ modifiedMs }) => modifiedMs <= NOW_MS - HOUR_MS)).toBe(true);
    });
  });

  it('brings back what was lost instead of removing it, and nothing else', () => {
    always(({ state: { record } }, plan) => {
      if (plan.kind === 'sweep') expect(record.deletionReason).not.toBe('bytes_lost');
      if (plan.kind === 'comeBack')
        expect([record.deletionReason, isWhole(record, plan.found)]).toEqual(['bytes_lost', true]);
    });
  });

  it('deletes nothing that is held, permanent, not due, or that somebody was promised to keep', () => {
    always(({ state: { record, unfinished, deletion } }, plan) => {
      if (plan.kind === 'erase') expect([deletion === null, unfinished]).toEqual([false, []]);
      if (plan.kind !== 'expire') return;
      expect([record.holds, unfinished]).toEqual([[], []]);
      expect(record.retention.rule).not.toBe('permanent');
      expect(record.expiresAtMs).toBeLessThanOrEqual(NOW_MS);
    });
  });

  it('touches no bytes or marker of what is being uploaded, and no row that says what the workflow knows', () => {
    always(({ state, seen }, plan) => {
      if (state.record.status !== 'UPLOADING' || state.deletion !== null) return;
      const isFollowing = seen.row === null || seen.row.revision > state.record.revision;
      if (!isFollowing) expect(plan.kind).toBe(seen.row === state.record ? 'nothing' : 'rewriteRow');
    });
  });

  it('writes a row that is behind again before anything is decided by it', () => {
    always(({ state, seen }, plan) => {
      if (state.deletion !== null || seen.row === null || seen.row.revision >= state.record.revision) return;
      expect(plan).toMatchObject({ kind: 'rewriteRow', wrong: { what: 'row behind' } });
    });
  });

  it('shows nobody’s bytes but its own, and hides only what is deleted', () => {
    always(({ state, seen }, plan) => {
      if (plan.kind !== 'mend' || plan.marker === null) return;
      expect(seen.isCovered).toBe(false);
      expect(plan.marker).toBe(state.record.status === 'DELETED' ? 'on' : 'off');
      // It would not hide but replace what has no version.
      if (plan.marker === 'on') expect(plan.record.versionId).not.toBeNull();
    });
  });

  it('never lets unread bytes pass for verified ones', () => {
    always(({ state, seen }, plan) => {
      if (plan.kind !== 'mend' || plan.record.checksumState !== 'verified') return;
      const version = [seen.named, ...seen.others].find((one) => one?.versionId === plan.record.versionId);
      const isSame = version !== undefined && version !== null && isWhole({ ...plan.record, etag: 'e0' }, version);
      expect(isSame).toBe(true);
      if (state.record.checksumState !== 'verified') expect(version?.sha256).toBe(SHA256);
    });
  });

  it('follows a row that knows more before anything else', () => {
    always(({ state, seen }, plan) => {
      if (state.deletion !== null || seen.row === null || seen.row.revision <= state.record.revision) return;
      expect(['adoptRow', 'followDeletion']).toContain(plan.kind);
    });
  });

  it('is nothing once it was carried out and the store has what the row then says', () => {
    always(({ state, seen }, plan) => {
      if (plan.kind !== 'mend' || plan.moveTo !== null || plan.pollRestore) return;
      const version = [seen.named, ...seen.others].find((one) => one?.versionId === plan.record.versionId);
      if (version === undefined || version === null) return;
      const others = [...(seen.named === null ? [] : [seen.named]), ...seen.others].filter(
        (one) => one.versionId !== version.versionId && !plan.remove.includes(one),
      );
      const record = { ...plan.record, revision: state.record.revision + 1 };
      const after: Seen = {
        ...{
          ...seen,
          row: record,
          named: version,
          tags: currentTags(record, version.bornWithHash),
          isRowSetBack: false,
        },
        others: others.filter(({ modifiedMs }) => modifiedMs > NOW_MS - HOUR_MS),
        isHidden: plan.marker === null ? seen.isHidden : plan.marker === 'on',
      };
      expect(['nothing', 'unclear']).toContain(planRepair({ ...state, record }, after, NOW_MS).kind);
    });
  });
});

describe('the differences of a row', () => {
  it('are none between a row and itself in another order, and lead from any row to the one that is wanted', () => {
    fc.assert(
      fc.property(records, records, (one, other) => {
        const [row, wanted] = [aState(one).record, aState(other).record];
        expect(differences(row, structuredClone(row))).toEqual({ before: {}, after: {} });
        expect({ ...row, ...differences(row, wanted).after }).toEqual({ ...wanted });
      }),
    );
    const tagged = (tags: Record<string, string>) => aState({ tags }).record;
    expect(differences(tagged({ a: '1', b: '2' }), tagged({ b: '2', a: '1' })).after).toEqual({});
  });
});
