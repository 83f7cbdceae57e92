import fc from 'fast-check';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../../src/domain/units.js';

/*
 * What a random life is made of: how it begins, and what is asked of it and what befalls it afterwards. Plain JSON, so that one that
 * breaks a rule can be printed, made smaller and lived again.
 */

const often = <T>(weight: number, arbitrary: fc.Arbitrary<T>) => ({ weight, arbitrary });
const days = (max: number): fc.Arbitrary<number> => fc.noBias(fc.integer({ min: 1, max }));

/** Mostly so long that the life goes on. */
const manyDays = fc.oneof(often(3, fc.noBias(fc.integer({ min: 900, max: 2_000 }))), days(2_000));

/** What is decided before the first byte, and on what ground the artifact lives. */
const beginnings = fc.record({
  /** What the bucket is able to do. `refuses`: the probe found classes, and then a copy is refused. */
  bucket: fc.record({
    versioning: fc.constantFrom(true, true, false),
    classes: fc.constantFrom('has' as const, 'has' as const, 'none' as const, 'refuses' as const),
    enforcesChecksums: fc.boolean(),
  }),
  policy: fc.record({
    warmAfterDays: fc.option(days(120)),
    coldAfterDays: fc.option(days(300)),
    warnBeforeDays: fc.integer({ min: 0, max: 10 }),
    undeleteDays: fc.constantFrom(0, 1, 7, 30),
    undeleteExpiredDays: fc.constantFrom(0, 0, 7),
  }),
  /** The uploader's own wish about tiers. */
  tiering: fc.constantFrom({}, {}, { coldAfterDays: null }, { warmAfterDays: 40, coldAfterDays: 43 }),
  executionDays: fc.constantFrom(null, null, 10, 400),
  lasts: fc.oneof(
    often(2, fc.constant({})),
    often(4, fc.record({ retentionDays: manyDays })),
    often(2, fc.record({ expiresAfterMs: fc.noBias(fc.integer({ min: 1, max: 2_000 * DAY_MS })) })),
  ),
  /** Somebody keeps it for ever right after its upload, or else few would live for three years. */
  isKept: fc.boolean(),
  knowsHash: fc.boolean(),
  /** A stream of unknown length, however short it is. */
  inParts: fc.constantFrom(false, true),
  /** What arrives in the bucket first, and when it is said to be complete; null: never. */
  sends: fc.oneof(often(20, fc.constant('right' as const)), fc.constantFrom('wrong' as const, 'nothing' as const)),
  completedAfterMs: fc.oneof(
    often(20, fc.constant(0)),
    often(2, fc.constantFrom(MINUTE_MS, 5 * HOUR_MS, DAY_MS)),
    fc.constant(null),
  ),
});
export type Beginning = typeof beginnings extends fc.Arbitrary<infer T> ? T : never;

const pauses = fc.oneof(
  fc.constant({ ms: 0 }),
  fc.record({ ms: fc.noBias(fc.integer({ min: 1, max: 90 * SECOND_MS })) }),
  fc.record({ ms: fc.noBias(fc.integer({ min: 1, max: 26 * HOUR_MS })) }),
  often(3, fc.record({ ms: fc.noBias(fc.integer({ min: 1, max: 40 * DAY_MS })) })),
  fc.record({ ms: fc.noBias(fc.integer({ min: 1, max: 200 * DAY_MS })) }),
  // Up to the moment at which it says that something happens, just before or just after it.
  often(4, fc.record({ untilNextAndMs: fc.constantFrom(-1, 0, 1, MINUTE_MS) })),
);

const HOLD_IDS = ['a', 'b', 'c'];
const verb = <V extends string>(name: V): fc.Arbitrary<{ verb: V }> => fc.record({ verb: fc.constant(name) });

const asks = fc.oneof(
  often(4, verb('keepForever')),
  often(3, fc.record({ verb: fc.constant('setRetention' as const), days: manyDays, confirm: fc.boolean() })),
  often(
    2,
    fc.record({
      verb: fc.constant('setRetention' as const),
      expiresInMs: fc.noBias(fc.integer({ min: -DAY_MS, max: 1_000 * DAY_MS })),
      confirm: fc.boolean(),
    }),
  ),
  often(2, fc.record({ verb: fc.constant('inheritRetention' as const), days: manyDays })),
  often(
    4,
    fc.record({
      verb: fc.constant('addHold' as const),
      holdId: fc.constantFrom(...HOLD_IDS),
      /** Null: until somebody ends it. */
      lastsMs: fc.option(fc.noBias(fc.integer({ min: 1, max: 300 * DAY_MS })), { freq: 3 }),
    }),
  ),
  often(3, fc.record({ verb: fc.constant('endHold' as const), holdId: fc.constantFrom(...HOLD_IDS) })),
  often(3, verb('archiveArtifact')),
  often(
    3,
    fc.record({
      verb: fc.constant('restoreArtifact' as const),
      tier: fc.constantFrom('Expedited' as const, 'Standard' as const, 'Bulk' as const),
    }),
  ),
  often(1, verb('deleteArtifact')),
  often(2, verb('undeleteArtifact')),
  often(1, verb('purgeArtifact')),
  often(1, verb('completeUpload')),
  often(1, verb('abortUpload')),
);
export type Ask = typeof asks extends fc.Arbitrary<infer T> ? T : never;

/** What the store, the database and the network do for a while. */
const troubles = fc.record({
  kind: fc.constantFrom(
    'storeAway' as const,
    'databaseAway' as const,
    'bothAway' as const,
    /** Every n-th request to store or database fails, before or after its work is done. */
    'requestsFail' as const,
    'requestsGetNoAnswer' as const,
    /** Every n-th activity does its work, and the worker dies before it can say so. */
    'activitiesGetNoAnswer' as const,
    'activitiesAreSlow' as const,
  ),
  everyNth: fc.integer({ min: 1, max: 4 }),
  forMs: fc.oneof(
    fc.noBias(fc.integer({ min: 1, max: 3 * MINUTE_MS })),
    fc.noBias(fc.integer({ min: 1, max: 30 * HOUR_MS })),
    fc.noBias(fc.integer({ min: 1, max: 20 * DAY_MS })),
  ),
});
export type Trouble = typeof troubles extends fc.Arbitrary<infer T> ? T : never;

const happenings = fc.oneof(
  often(12, fc.record({ ask: asks, as: fc.constantFrom('update' as const, 'update' as const, 'signal' as const) })),
  /** The n-th message from the beginning arrives once more. */
  often(1, fc.record({ again: fc.nat({ max: 20 }) })),
  often(2, fc.constant({ world: 'finishRestores' as const })),
  /** A PUT that was signed during the upload is sent, if it still lives. */
  often(1, fc.constant({ world: 'latePut' as const })),
  often(3, fc.record({ trouble: troubles })),
);
export type Happening = typeof happenings extends fc.Arbitrary<infer T> ? T : never;

const steps = fc.record({ after: pauses, happens: happenings });
export type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never;

const ask = (happens: Ask, as: 'update' | 'signal' = 'update'): Happening => ({ ask: happens, as });
const shortly = fc.constantFrom({ ms: 0 }, { ms: MINUTE_MS }, { ms: 3 * HOUR_MS }, { ms: 5 * DAY_MS });
const trouble = troubles.map((found): Happening => ({ trouble: found }));
const storeAway = fc
  .noBias(fc.integer({ min: 3 * MINUTE_MS, max: 10 * DAY_MS }))
  .map((forMs): Happening => ({ trouble: { kind: 'storeAway', everyNth: 1, forMs } }));
const keeps = fc.constantFrom<Ask[]>(
  { verb: 'keepForever' },
  { verb: 'undeleteArtifact' },
  { verb: 'setRetention', days: 1_500, confirm: false },
  { verb: 'addHold', holdId: 'a', lastsMs: 30 * DAY_MS },
  { verb: 'addHold', holdId: 'b', lastsMs: null },
);
const keepsIt = fc.record({ ask: keeps, as: fc.constantFrom('update' as const, 'signal' as const) });
const anyAsk = fc.record({ ask: asks, as: fc.constantFrom('update' as const, 'signal' as const) });
const one = (happens: Happening): fc.Arbitrary<Happening> => fc.constant(happens);

/** What seldom comes about when everything is left to chance: one thing shortly after the other. */
const courses = fc.oneof(
  often(12, fc.tuple(steps)),
  courseOf(one(ask({ verb: 'deleteArtifact' })), one(ask({ verb: 'undeleteArtifact' }))),
  courseOf(one(ask({ verb: 'archiveArtifact' })), one(ask({ verb: 'restoreArtifact', tier: 'Bulk' }))),
  often(3, courseOf(trouble, anyAsk, anyAsk)),
);
/** The same where the artifact seldom survives it. */
const lastCourses = fc.oneof(
  courseOf(storeAway, one(ask({ verb: 'deleteArtifact' })), one(ask({ verb: 'undeleteArtifact' }))),
  courseOf(one(ask({ verb: 'deleteArtifact' })), storeAway, one(ask({ verb: 'undeleteArtifact' }))),
  courseOf(one(ask({ verb: 'deleteArtifact' })), storeAway, one(ask({ verb: 'purgeArtifact' }, 'signal')), anyAsk),
  courseOf(storeAway, keepsIt, one(ask({ verb: 'inheritRetention', days: 1_500 }))),
  often(4, atItsTimeInTrouble()),
);

function courseOf(...course: fc.Arbitrary<Happening>[]): fc.Arbitrary<Step[]> {
  return fc.tuple(...course.map((happens) => fc.record({ after: shortly, happens })));
}

/** Its time is up while nothing answers, and then somebody asks for something. */
function atItsTimeInTrouble(): fc.Arbitrary<Step[]> {
  const soon = { verb: 'setRetention', expiresInMs: 10 * DAY_MS, confirm: true } as const;
  const step = (after: Step['after'], happens: fc.Arbitrary<Happening>): fc.Arbitrary<Step> =>
    fc.record({ after: fc.constant(after), happens });
  return fc.tuple(
    step({ ms: 0 }, one(ask(soon))),
    step({ ms: 10 * DAY_MS - MINUTE_MS }, fc.oneof(often(3, storeAway), trouble)),
    step({ untilNextAndMs: -1 }, anyAsk),
    fc.oneof(step({ ms: 2 }, keepsIt), step({ ms: 2 * MINUTE_MS }, keepsIt)),
    fc.record({ after: shortly, happens: fc.oneof(anyAsk, keepsIt) }),
  );
}

export interface Script {
  beginning: Beginning;
  /** The trouble in which it begins. */
  trouble: Trouble | null;
  steps: Step[];
}

export const scripts: fc.Arbitrary<Script> = fc.record({
  beginning: beginnings,
  trouble: fc.oneof(often(4, fc.constant(null)), troubles),
  steps: fc
    .tuple(fc.array(courses, { minLength: 4, maxLength: 16, size: 'max' }), fc.option(lastCourses, { freq: 2 }))
    .map(([all, last]) => (last === null ? all.flat() : [...all.slice(0, 3).flat(), ...last])),
});

/** Without trouble. */
export const calmScripts: fc.Arbitrary<Script> = scripts.map((script) => ({
  ...script,
  trouble: null,
  steps: script.steps.filter(({ happens }) => !('trouble' in happens)),
}));
