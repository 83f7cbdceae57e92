import fc from 'fast-check';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { DAY_MS, HOUR_MS } from '../../src/domain/units.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import type { useArtifacts } from './virtual-time/use-artifacts.js';
import { aNewUpload, BYTES, START_MS, type VirtualArtifact } from './virtual-time/virtual-artifact.js';

/** What is decided before the first byte, and on what ground the artifact lives. */
const beginnings = fc.record({
  versioning: fc.boolean(),
  classes: fc.boolean(),
  /** A stream of unknown length, however short it is. */
  inParts: fc.boolean(),
  policy: fc.record({
    warmAfterDays: fc.option(fc.integer({ min: 0, max: 120 })),
    coldAfterDays: fc.option(fc.integer({ min: 0, max: 400 })),
    warnBeforeDays: fc.integer({ min: 0, max: 10 }),
    undeleteDays: fc.integer({ min: 0, max: 40 }),
    undeleteExpiredDays: fc.integer({ min: 0, max: 40 }),
  }),
  executionDays: fc.option(fc.integer({ min: 1, max: 500 })),
  lasts: fc.oneof(
    fc.constant({ retentionDays: null }),
    fc.record({ retentionDays: fc.noBias(fc.integer({ min: 1, max: 1_000 })) }),
    fc.record({ expiresAfterMs: fc.noBias(fc.integer({ min: DAY_MS, max: 1_000 * DAY_MS })) }),
  ),
  /** Null: the upload is never completed. */
  completedAfterMs: fc.option(fc.integer({ min: 0, max: DAY_MS - 1 }), { freq: 12 }),
});

const pauses = fc.noBias(fc.oneof(fc.integer({ min: 0, max: 13 * HOUR_MS }), fc.integer({ min: 0, max: 40 * DAY_MS })));
const says = <T>(verb: T): fc.Arbitrary<{ verb: T }> => fc.record({ verb: fc.constant(verb) });
const days = fc.noBias(fc.integer({ min: 1, max: 1_000 }));
const messages = fc.oneof(
  fc.record({ verb: fc.constant('setRetention' as const), days, confirm: fc.boolean() }),
  fc.record({ verb: fc.constant('inheritRetention' as const), days }),
  says('keepForever' as const),
  {
    weight: 3,
    arbitrary: fc.record({
      verb: fc.constant('addHold' as const),
      id: fc.uuid(),
      /** Null: until somebody ends it. */
      lastsMs: fc.option(fc.integer({ min: 1, max: 700 * DAY_MS }), { freq: 4 }),
    }),
  },
  says('endHold' as const),
  { weight: 2, arbitrary: says('archiveArtifact' as const) },
  {
    weight: 3,
    // In whole hours, which is how often they are looked at: so the hour in which one ends can be told.
    arbitrary: fc.record({ verb: fc.constant('restoreArtifact' as const), tier: fc.constantFrom('Standard', 'Bulk') }),
  },
  says('deleteArtifact' as const),
  says('undeleteArtifact' as const),
);

type Step = { afterMs: number; message: typeof messages extends fc.Arbitrary<infer Message> ? Message : never };
const ARCHIVED_AND_RESTORED: Step[] = [
  { afterMs: 0, message: { verb: 'archiveArtifact' } },
  { afterMs: HOUR_MS, message: { verb: 'restoreArtifact', tier: 'Bulk' } },
];

/** One artifact, what is asked of it, and then time that passes without another word. */
export const randomLives = fc.record({
  beginning: beginnings,
  /** Null: restores take as long as S3 promises at the most; else they are faster by so many hours. */
  restoresEarlierByHours: fc.option(fc.integer({ min: 1, max: 4 }), { freq: 2 }),
  steps: fc
    .tuple(
      fc.array(fc.record({ afterMs: pauses, message: messages }), { maxLength: 6 }),
      // Else hardly any would be in the middle of it.
      fc.constantFrom([], [], [], ARCHIVED_AND_RESTORED),
    )
    .map(([any, last]): Step[] => [...any, ...last]),
  lastPauseMs: pauses,
  horizonMs: fc.noBias(fc.integer({ min: 0, max: 3 * 365 * DAY_MS })),
});
export type RandomLife = typeof randomLives extends fc.Arbitrary<infer Life> ? Life : never;
type Message = Step['message'];

/** Lives a life up to the moment from which on nothing more is said. */
export async function liveUntilTheLastWord(
  start: ReturnType<typeof useArtifacts>['start'],
  life: RandomLife,
): Promise<VirtualArtifact> {
  const { versioning, classes, policy, executionDays, lasts, completedAfterMs, inParts } = life.beginning;
  const { retentionDays = null, expiresAfterMs = null } = { ...lasts } as Record<string, number | null>;
  const upload = aNewUpload({
    retentionDays,
    ...(inParts ? { sizeBytes: null, sha256: null } : {}),
    ...(expiresAfterMs === null ? {} : { expiresAtMs: START_MS + expiresAfterMs }),
  });
  const world = {
    store: new MemoryObjectStore({ versioning, storageClasses: classes }),
    records: new MemoryArtifactRecords(),
  };
  if (executionDays !== null) {
    const { executionId: id, tenantId } = upload;
    world.records.putExecution({ id, tenantId, retentionDays: executionDays, createdAtMs: START_MS });
  }
  const capabilities = { versioning, storageClasses: classes, restore: classes };
  const artifact = await start({ world, capabilities, policy, upload });
  if (completedAfterMs !== null) {
    await artifact.run.advance(completedAfterMs);
    await (inParts ? artifact.sendInParts(BYTES) : artifact.send(BYTES));
    await artifact.complete();
  }
  for (const { afterMs, message } of life.steps) {
    await letPass(artifact, life, afterMs);
    if (artifact.run.ending === null) await tell(artifact, message);
  }
  await letPass(artifact, life, life.lastPauseMs);
  return artifact;
}

/** Lets time pass without a word; what the store restores is ready when the life says so. */
export async function letPass(artifact: VirtualArtifact, life: RandomLife, ms: number): Promise<void> {
  const { run, world } = artifact;
  const endMs = run.nowMs + ms;
  const { restoreEtaMs } = await artifact.row();
  if (restoreEtaMs !== null) {
    const readyMs = restoreEtaMs - (life.restoresEarlierByHours ?? 0) * HOUR_MS - 1;
    if (readyMs > endMs) return run.advance(ms);
    await run.advance(Math.max(0, readyMs - run.nowMs));
    world.store.finishRestores();
  }
  await run.advance(endMs - run.nowMs);
}

const ACTOR = 'ann';

/** What does not apply is refused, which is fine. */
async function tell(artifact: VirtualArtifact, message: Message): Promise<void> {
  const { run } = artifact;
  switch (message.verb) {
    case 'inheritRetention':
      return run.signal(message.verb, { days: message.days, actor: ACTOR });
    case 'addHold': {
      const { id, lastsMs } = message;
      const hold = { id, reason: 'case 17', untilMs: lastsMs === null ? null : run.nowMs + lastsMs };
      await run.update(message.verb, { hold, actor: ACTOR });
      return;
    }
    case 'endHold': {
      const [hold] = (await artifact.row()).holds;
      if (hold !== undefined) await run.update(message.verb, { holdId: hold.id, actor: ACTOR });
      return;
    }
    default: {
      const { verb, ...said } = message;
      await run.update(verb, { ...said, reason: 'evidence', actor: ACTOR });
    }
  }
}
