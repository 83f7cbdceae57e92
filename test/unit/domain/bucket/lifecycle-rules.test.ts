import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArtifactRecord } from '../../../../src/domain/artifact-record.js';
import { lifecycleRules } from '../../../../src/domain/bucket/lifecycle-rules.js';
import { documentOf } from '../../../../src/domain/bucket/parts.js';
import type { Hold } from '../../../../src/domain/holds.js';
import { nextAction } from '../../../../src/domain/lifecycle.js';
import { choosePolicy, DEFAULT_POLICY, type LifePolicy } from '../../../../src/domain/policy.js';
import { expiresAtMs, type Retention } from '../../../../src/domain/retention.js';
import { currentTags } from '../../../../src/domain/stored-object.js';
import { DAY_MS, HOUR_MS } from '../../../../src/domain/units.js';
import { actionsOn, type RuledObject } from '../../../support/bucket-rules.js';
import { wishes } from '../../../support/bucket-wishes.js';
import { aRecord, aState, BORN_MS } from '../../../support/records.js';

const DEPLOYMENT: LifePolicy = { ...DEFAULT_POLICY, bucketMayMove: true };
const rules = (policy: LifePolicy = DEPLOYMENT): ReturnType<typeof documentOf> =>
  documentOf('lifecycle', lifecycleRules(wishes({ policy })), null);

const userTags = fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), fc.constantFrom('expiring', '30-90', 'x'), {
  maxKeys: 8,
});
const days = fc.oneof(
  fc.integer({ min: 1, max: 40 }),
  fc.integer({ min: 300, max: 400 }),
  fc.integer({ min: 1, max: 36_500 }),
);
const retentions: fc.Arbitrary<Retention> = fc.oneof(
  fc.record({ rule: fc.constantFrom('default' as const, 'execution' as const, 'artifact' as const), days }),
  fc.record({ rule: fc.constant('date' as const), expiresAtMs: days.map((count) => BORN_MS + count * DAY_MS) }),
  fc.constant<Retention>({ rule: 'permanent', by: 'ann', reason: 'evidence', atMs: BORN_MS }),
);
const holds: fc.Arbitrary<Hold[]> = fc.array(
  fc.record({
    id: fc.uuid(),
    by: fc.constant('ann'),
    reason: fc.constant('case'),
    atMs: fc.constant(BORN_MS),
    untilMs: fc.constant(null),
  }),
  { maxLength: 2 },
);
const tierDays = fc.option(fc.oneof(fc.constantFrom(0, 30, 90), fc.integer({ min: 0, max: 200 })), { freq: 5 });
const policies = fc
  .record({ warmAfterDays: tierDays, coldAfterDays: tierDays, byUse: fc.boolean(), bucketMayMove: fc.boolean() })
  .map(({ byUse, bucketMayMove, ...own }) => {
    const base: LifePolicy = {
      ...DEFAULT_POLICY,
      ...(byUse ? { tierBy: 'last_access' as const } : {}),
      ...(bucketMayMove ? { bucketMayMove } : {}),
    };
    return choosePolicy(base, own);
  });
const records = fc
  .record({ tags: userTags, retention: retentions, holds, policy: policies, restored: fc.boolean() })
  .map(({ restored, ...own }): ArtifactRecord =>
    aRecord({
      ...own,
      expiresAtMs: expiresAtMs(BORN_MS, own.retention),
      restoredAtMs: restored ? BORN_MS + 100 * DAY_MS : null,
      sizeBytes: 1_000_000,
    }),
  );

const stored = (record: ArtifactRecord, given: Partial<RuledObject> = {}): RuledObject => ({
  key: record.key,
  tags: currentTags(record, true),
  sizeBytes: record.sizeBytes ?? 0,
  bornMs: Math.max(BORN_MS, record.restoredAtMs ?? 0),
  noncurrentSinceMs: null,
  ...given,
});
const livesLong = ({ retention, holds: held }: ArtifactRecord): boolean => {
  const deadlineMs = expiresAtMs(BORN_MS, retention);
  return held.length > 0 || deadlineMs === null || deadlineMs > BORN_MS + 365 * DAY_MS;
};
const AGES_LATER = BORN_MS + 100 * 365 * DAY_MS;

describe('the rules that the bucket is given', () => {
  it('never expire what is permanent, held or to live longer, whatever its tags and its age', () => {
    fc.assert(
      fc.property(records.filter(livesLong), fc.option(fc.constant(BORN_MS)), (record, noncurrentSinceMs) => {
        const actions = actionsOn(rules(), stored(record, { noncurrentSinceMs }), AGES_LATER);
        expect(actions.filter(({ kind }) => kind !== 'move')).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('are needed: as FEAT-004 writes them, they would expire and archive what is permanent', () => {
    const rule = { Status: 'Enabled', Prefix: 'artifacts/' };
    const spec = {
      Rules: [
        { ...rule, ID: 'TransitionToGlacier', Transitions: [{ Days: 90, StorageClass: 'GLACIER' }] },
        { ...rule, ID: 'ExpireOldArtifacts', Expiration: { Days: 365 } },
      ],
    };
    const permanent = stored(aRecord({ retention: PERMANENT, expiresAtMs: null, sizeBytes: 1_000_000 }));
    expect(actionsOn(spec, permanent, BORN_MS + 89 * DAY_MS)).toEqual([]);
    expect(actionsOn(spec, permanent, BORN_MS + 366 * DAY_MS)).toEqual([
      { kind: 'move', ruleId: 'TransitionToGlacier', to: 'GLACIER' },
      { kind: 'expire', ruleId: 'ExpireOldArtifacts' },
    ]);
    expect(actionsOn(rules(), permanent, AGES_LATER)).toEqual([]);
  });

  it('expire everything else after 365 days, and never before its deadline', () => {
    fc.assert(
      fc.property(
        records.filter((record) => !livesLong(record) && record.restoredAtMs === null),
        fc.integer({ min: 0, max: 24 }),
        (record, hour) => {
          const bornMs = BORN_MS + hour * HOUR_MS;
          const object = stored(record, { bornMs });
          const expiry = { kind: 'expire', ruleId: 'ExpireOldArtifacts' };
          expect(actionsOn(rules(), object, bornMs + 365 * DAY_MS - 1)).not.toContainEqual(expiry);
          expect(actionsOn(rules(), object, bornMs + 366 * DAY_MS)).toContainEqual(expiry);
          expect(bornMs + 365 * DAY_MS).toBeGreaterThanOrEqual(record.expiresAtMs ?? Infinity);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('move nothing before its workflow does, and never what moves by its use or not at all', () => {
    let moves = 0;
    fc.assert(
      fc.property(records, fc.option(policies), fc.integer({ min: 0, max: 400 }), (record, other, age) => {
        const { tierBy: _byAge, ...own } = record.policy;
        const deployment = other ?? own;
        const nowMs = BORN_MS + age * DAY_MS;
        for (const action of actionsOn(rules(deployment), stored(record), nowMs)) {
          if (action.kind !== 'move') continue;
          moves += 1;
          const life = aState({ ...record, retention: PERMANENT, expiresAtMs: null, holds: [] });
          const next = nextAction(life, BORN_MS);
          expect(next.kind).toBe('changeTier');
          // Where COLD is due as well, the workflow goes there directly.
          expect(next.atMs).toBeLessThanOrEqual(nowMs);
          const { coldAfterDays } = record.policy;
          if (action.to === 'GLACIER') expect(coldAfterDays).toBeLessThanOrEqual(age);
        }
      }),
      { numRuns: 1_000 },
    );
    expect(moves).toBeGreaterThan(10);
  });

  it('move an ordinary artifact to STANDARD_IA after 30 days and to GLACIER after 90, from 128 KiB on', () => {
    const record = aRecord({ policy: DEPLOYMENT, retention: PERMANENT, expiresAtMs: null, sizeBytes: 131_072 });
    const at = (age: number, given?: Partial<RuledObject>) =>
      actionsOn(rules(), stored(record, given), BORN_MS + age * DAY_MS).map((action) =>
        'to' in action ? action.to : action.kind,
      );
    expect(at(29)).toEqual([]);
    expect(at(30)).toEqual(['STANDARD_IA']);
    expect(at(90)).toEqual(['STANDARD_IA', 'GLACIER']);
    expect(at(90, { sizeBytes: 131_071 })).toEqual([]);
    expect(at(90, { tags: currentTags({ ...record, policy: DEFAULT_POLICY }, true) })).toEqual([]);
    expect(at(400, { key: 'artifacts-probe/x' })).toEqual([]);
  });

  it('touch no manifest, which has no tags', () => {
    const manifest = { key: 'artifacts/x/metadata.json', tags: {}, sizeBytes: 1_000_000, bornMs: BORN_MS };
    for (const noncurrentSinceMs of [null, BORN_MS])
      expect(actionsOn(rules(), { ...manifest, noncurrentSinceMs }, AGES_LATER)).toEqual([]);
  });

  it('leave transitions out when tiers go by the last use, or are switched off', () => {
    const idsOf = (policy: LifePolicy): string[] => lifecycleRules(wishes({ policy })).map(({ name }) => name);
    expect(idsOf(DEPLOYMENT).slice(0, 3)).toEqual(['TransitionToIA', 'TransitionToGlacier', 'ExpireOldArtifacts']);
    expect(idsOf({ ...DEPLOYMENT, tierBy: 'last_access' })).not.toContain('TransitionToIA');
    expect(idsOf({ ...DEPLOYMENT, warmAfterDays: null })).not.toContain('TransitionToIA');
    expect(idsOf({ ...DEPLOYMENT, warmAfterDays: null })).toContain('TransitionToGlacier');
  });

  it('move to STANDARD_IA after 30 days at the earliest, as S3 refuses less', () => {
    const [early] = lifecycleRules(wishes({ policy: { ...DEPLOYMENT, warmAfterDays: 5 } }));
    expect(early?.value).toMatchObject({ Transitions: [{ Days: 30 }], Filter: { And: { Tags: [{ Value: '5-90' }] } } });
  });

  it('keep old versions for longer than any undelete window, and uploads for longer than they may take', () => {
    const policy = { ...DEPLOYMENT, undeleteDays: 500, undeleteExpiredDays: 700 };
    const byId = new Map(
      lifecycleRules(wishes({ policy, uploadDeadlineMs: 30 * DAY_MS })).map(({ name, value }) => [name, value]),
    );
    expect(byId.get('durable-artifacts/noncurrent-versions')).toMatchObject({
      NoncurrentVersionExpiration: { NoncurrentDays: 700 },
    });
    expect(byId.get('durable-artifacts/abort-incomplete-uploads')).toMatchObject({
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 31 },
    });
  });
});

const PERMANENT: Retention = { rule: 'permanent', by: 'ann', reason: 'evidence', atMs: BORN_MS };
