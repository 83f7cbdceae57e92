import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DELETION_REASONS, type ArtifactStatus } from '../../../src/domain/artifact.js';
import type { Command } from '../../../src/domain/commands.js';
import type { Hold } from '../../../src/domain/holds.js';
import {
  nextAction,
  type LifecycleState,
  type NextAction,
  type UnfinishedCommand,
} from '../../../src/domain/lifecycle.js';
import { expiresAtMs as deadlineOf, type Retention } from '../../../src/domain/retention.js';
import { STORAGE_TIERS } from '../../../src/domain/tiers.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { aState, BORN_MS } from '../../support/records.js';

/* What is true of the next action of any state at any time, also of states that no life may ever be in. */

/** Seldom more than a few, so that many things are due at the same instant. */
const moments = fc
  .oneof(fc.integer({ min: -1, max: 40 }), fc.integer({ min: 0, max: 40_000 }))
  .map((days) => BORN_MS + days * DAY_MS);
const maybe = fc.option(moments);
const days = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 36_500 }));

const retentions: fc.Arbitrary<Retention> = fc.oneof(
  fc.record({ rule: fc.constantFrom('default', 'execution', 'artifact'), days }),
  fc.record({ rule: fc.constant('date' as const), expiresAtMs: moments }),
  fc.constant<Retention>({ rule: 'permanent', by: 'ann', reason: 'evidence', atMs: BORN_MS }),
);
const holds: fc.Arbitrary<Hold> = fc.record({
  id: fc.uuid(),
  by: fc.constant('ann'),
  reason: fc.constant('case'),
  atMs: fc.constant(BORN_MS),
  untilMs: maybe,
});
const by = { actor: 'ann' };
const KEEPING: Command[] = [
  { verb: 'keepForever', message: { ...by, reason: '' } },
  { verb: 'setRetention', message: { ...by, days: 400, confirm: false } },
  { verb: 'addHold', message: { ...by, hold: { id: 'a', reason: 'case', untilMs: null } } },
  { verb: 'undeleteArtifact', message: by },
];
const OTHERS: Command[] = [
  { verb: 'archiveArtifact', message: by },
  { verb: 'endHold', message: { ...by, holdId: 'a' } },
  { verb: 'purgeArtifact', message: by },
];
const waitingOf = (commands: Command[]) =>
  fc.array(fc.record({ command: fc.constantFrom(...commands), failures: fc.nat(), nextTryMs: moments }), {
    maxLength: 2,
  });
const deletions = fc.record({
  reason: fc.constantFrom(...DELETION_REASONS),
  actor: fc.constant('worker'),
  failures: fc.nat(),
  nextTryMs: moments,
  rowMissing: fc.boolean(),
});
const policies = fc.record({
  warmAfterDays: fc.option(fc.integer({ min: 0, max: 40 })),
  coldAfterDays: fc.option(fc.integer({ min: 0, max: 40 })),
  warnBeforeDays: fc.integer({ min: 0, max: 10 }),
  undeleteDays: fc.constant(7),
  undeleteExpiredDays: fc.constant(0),
});

const facts = fc.record({
  status: fc.constantFrom<ArtifactStatus>('UPLOADING', 'ACTIVE', 'ACTIVE', 'ARCHIVED', 'DELETED'),
  tier: fc.constantFrom(...STORAGE_TIERS),
  retention: retentions,
  holds: fc.oneof(fc.constant<Hold[]>([]), fc.array(holds, { maxLength: 3 })),
  policy: policies,
  warnedAtMs: maybe,
  restoredAtMs: maybe,
  purgeAtMs: maybe,
});
const rests = fc.record({
  nextRestorePollMs: maybe,
  sweepAtMs: maybe,
  retriesMs: fc.record({ warn: moments, endHold: moments, changeTier: moments, purge: moments }, { requiredKeys: [] }),
  deletion: fc.option(deletions, { freq: 3 }),
  unfinished: fc.oneof(fc.constant<UnfinishedCommand[]>([]), waitingOf([...KEEPING, ...OTHERS])),
});
const states: fc.Arbitrary<LifecycleState> = fc.tuple(facts, rests).map(([record, rest]) => {
  const hasDeadline = record.status === 'ACTIVE' || record.status === 'ARCHIVED';
  return aState(
    {
      ...record,
      purgeAtMs: record.status === 'DELETED' ? record.purgeAtMs : null,
      expiresAtMs: hasDeadline ? deadlineOf(BORN_MS, record.retention) : null,
    },
    rest,
  );
});
/** ACTIVE or ARCHIVED, and nothing was asked of it that waits. */
const living = states
  .map((state): LifecycleState => ({ ...state, deletion: null, unfinished: [] }))
  .filter(({ record: { status } }) => status === 'ACTIVE' || status === 'ARCHIVED');

function always(property: (state: LifecycleState, nowMs: number, next: NextAction) => void, of = states): void {
  fc.assert(
    fc.property(of, moments, (state, nowMs) => {
      property(state, nowMs, nextAction(state, nowMs));
    }),
    { numRuns: 2_000 },
  );
}

const isKeptByWord = ({ unfinished }: LifecycleState): boolean =>
  unfinished.some(({ command: { verb } }) => KEEPING.some((keeping) => keeping.verb === verb));

describe('nextAction, for any state at any time', () => {
  it('never plans for the past, and gives every state an answer with its reason', () => {
    always(({ record, deletion }, nowMs, next) => {
      if (next.kind !== 'none') {
        expect(next.atMs).toBeGreaterThanOrEqual(nowMs);
        return;
      }
      expect(next.atMs).toBeNull();
      const reasons = {
        deleted: record.status === 'DELETED',
        permanent: record.retention.rule === 'permanent',
        held: record.holds.some(({ untilMs }) => untilMs === null),
      };
      expect(reasons[next.rule]).toBe(true);
      expect(deletion === null || record.status === 'DELETED').toBe(true);
    });
  });

  it('lets nothing expire that is permanent or held', () => {
    always(({ record }, _, { kind }) => {
      if (record.retention.rule === 'permanent' || record.holds.length > 0) expect(kind).not.toBe('expire');
    });
  });

  it('deletes only what somebody decided to, and purges only what is deleted', () => {
    always(({ record, deletion }, _, { kind }) => {
      if (kind === 'delete') expect(deletion).not.toBeNull();
      if (kind === 'purge') expect([record.status, record.purgeAtMs === null]).toEqual(['DELETED', false]);
    });
  });

  it('carries out an accepted keep before anything goes', () => {
    always((state, _, { kind }) => {
      if (isKeptByWord(state)) expect(kind).toBe('finishCommand');
    });
  });

  it('expires at once what is overdue', () => {
    always((state, nowMs, next) => {
      const { expiresAtMs, holds: held } = state.record;
      if (expiresAtMs === null || expiresAtMs > nowMs || held.length > 0) return;
      expect(next).toMatchObject({ kind: 'expire', atMs: nowMs });
    }, living);
  });

  it('never sleeps past anything that is due', () => {
    always((state, nowMs, next) => {
      const { expiresAtMs, holds: held } = state.record;
      const dues = [
        ...(held.length > 0 ? [] : [expiresAtMs]),
        ...held.map(({ untilMs }) => (untilMs === null ? null : Math.max(untilMs, state.retriesMs.endHold ?? 0))),
        state.nextRestorePollMs,
      ].filter((atMs) => atMs !== null);
      if (dues.length > 0) expect(next.atMs).toBeLessThanOrEqual(Math.max(nowMs, Math.min(...dues)));
    }, living);
  });

  it('lets expiry win over whatever else happens at the same instant', () => {
    always((state, nowMs, next) => {
      const { expiresAtMs, holds: held } = state.record;
      if (expiresAtMs !== null && held.length === 0 && next.atMs === Math.max(expiresAtMs, nowMs))
        expect(next.kind).toBe('expire');
    }, living);
  });

  it('warns before it lets expire, unless that is due already', () => {
    always(({ record, retriesMs }, nowMs, next) => {
      if (next.kind !== 'expire' || next.atMs === nowMs) return;
      const isWarned = record.warnedAtMs !== null || record.policy.warnBeforeDays === 0;
      const hasFailed = (retriesMs.warn ?? 0) >= next.atMs;
      expect(isWarned || hasFailed || next.atMs <= record.createdAtMs).toBe(true);
    }, living);
  });

  it('counts the old deadline again once the last hold has ended', () => {
    always((state, nowMs) => {
      const { record } = state;
      const released = { ...state, record: { ...record, holds: [], warnedAtMs: BORN_MS, tier: 'COLD' as const } };
      const next = nextAction(
        { ...released, nextRestorePollMs: null, record: { ...released.record, status: 'ARCHIVED' } },
        nowMs,
      );
      if (record.expiresAtMs === null) expect(next.rule).toBe('permanent');
      else expect(next).toMatchObject({ kind: 'expire', atMs: Math.max(nowMs, record.expiresAtMs) });
    }, living);
  });

  it('goes to the colder tier directly when both are due', () => {
    always(({ record, retriesMs }, nowMs, next) => {
      if (next.kind !== 'changeTier' || next.rule !== 'warm_age') return;
      const { coldAfterDays } = record.policy;
      const sinceMs = Math.max(record.createdAtMs, record.restoredAtMs ?? 0);
      const coldAtMs = Math.max(sinceMs + (coldAfterDays ?? Infinity) * DAY_MS, retriesMs.changeTier ?? 0);
      expect(coldAtMs).toBeGreaterThan(nowMs);
    }, living);
  });

  it('says the same whenever it is asked until then', () => {
    fc.assert(
      fc.property(states, moments, fc.double({ min: 0, max: 1, noNaN: true }), (state, nowMs, part) => {
        const next = nextAction(state, nowMs);
        if (next.atMs === null) return;
        const laterMs = nowMs + Math.floor((next.atMs - nowMs) * part);
        expect(nextAction(state, laterMs)).toEqual(next);
      }),
      { numRuns: 2_000 },
    );
  });

  it('looks at nothing that does not count where it stands', () => {
    always((state, nowMs, next) => {
      const { record } = state;
      const other = record.status === 'DELETED' ? { holds: [], warnedAtMs: 1 } : { purgeAtMs: null };
      expect(nextAction({ ...state, record: { ...record, ...other } }, nowMs)).toEqual(next);
    });
  });
});
