import { describe, expect, it } from 'vitest';
import { previewOf } from '../../../src/domain/preview.js';
import { DEFAULT_POLICY } from '../../../src/domain/policy.js';
import { DAY_MS, HOUR_MS } from '../../../src/domain/units.js';
import { aRecord, BORN_MS } from '../../support/records.js';

const day = (count: number): number => BORN_MS + count * DAY_MS;
const policy = DEFAULT_POLICY;

/** What happens on which day. */
const told = (record: Parameters<typeof previewOf>[0], untilMs = day(10_000), nowMs = BORN_MS): [string, number][] =>
  previewOf(record, nowMs, untilMs).map(({ action, atMs }) => [action, (atMs - BORN_MS) / DAY_MS]);

const lasting = (days: number, overrides: Parameters<typeof aRecord>[0] = {}): ReturnType<typeof aRecord> =>
  aRecord({ retention: { rule: 'artifact', days }, expiresAtMs: day(days), policy, versionId: 'v1', ...overrides });

describe('the preview of an artifact', () => {
  it('tells its whole life: colder tiers, a warning, its expiry, and the end of its bytes', () => {
    const record = lasting(365, { policy: { ...policy, undeleteExpiredDays: 10 } });
    expect(told(record)).toEqual([
      ['changeTier', 30],
      ['changeTier', 90],
      ['warn', 362],
      ['expire', 365],
      ['purge', 375],
    ]);
    const [warm, cold, , expiry] = previewOf(record, BORN_MS, day(10_000));
    expect([warm?.rule, cold?.rule, expiry?.rule]).toEqual(['warm_age', 'cold_age', 'artifact_retention']);
    expect(expiry).toMatchObject({ sizeBytes: 10, isEstimate: false, undeleteUntilMs: day(375) });
    expect(expiry?.because).toContain('Its own retention');
  });

  it('tells moves that a use would put off as estimates, from the last use that is known', () => {
    const byUse = { ...policy, tierBy: 'last_access' as const };
    const record = lasting(365, { policy: byUse, lastDownloadedAtMs: day(20), createdAtMs: BORN_MS });
    const [warm, cold, warning] = previewOf(record, day(21), day(10_000));
    expect(warm).toMatchObject({ atMs: day(50), rule: 'warm_unused', isEstimate: true });
    expect(cold).toMatchObject({ atMs: day(110), rule: 'cold_unused', isEstimate: true });
    expect(warning).toMatchObject({ action: 'warn', isEstimate: false });
    expect(previewOf({ ...record, policy }, day(21), day(10_000))[0]).toMatchObject({
      atMs: day(30),
      rule: 'warm_age',
      isEstimate: false,
    });
  });

  it('ends at the horizon, which counts', () => {
    expect(told(lasting(365), day(90))).toEqual([
      ['changeTier', 30],
      ['changeTier', 90],
    ]);
    expect(told(lasting(365), day(90) - 1)).toEqual([['changeTier', 30]]);
  });

  it('tells what is overdue as due now', () => {
    expect(told(lasting(30, { warnedAtMs: day(27) }), day(50), day(40))).toEqual([['expire', 40]]);
  });

  it('has no window where the bucket keeps no versions', () => {
    const record = lasting(5, { versionId: null, policy: { ...policy, undeleteExpiredDays: 10 } });
    expect(told(record)).toEqual([
      ['warn', 2.5],
      ['expire', 5],
    ]);
    expect(previewOf(record, BORN_MS, day(9)).at(-1)?.undeleteUntilMs).toBeNull();
  });

  it('tells every hold that ends, and the expiry that waited for the last one', () => {
    const hold = { by: 'ann', reason: 'case 17', atMs: BORN_MS };
    const holds = [40, 60, 40].map((days, n) => ({ ...hold, id: `h${n}`, untilMs: day(days) }));
    expect(told(lasting(20, { holds, warnedAtMs: BORN_MS, policy: { ...policy, warmAfterDays: null } }))).toEqual([
      ['endHold', 40],
      ['endHold', 40],
      ['endHold', 60],
      ['expire', 60],
    ]);
    expect(told(lasting(20, { holds: [{ ...hold, id: 'h', untilMs: null }] }))).toEqual([
      ['changeTier', 30],
      ['changeTier', 90],
    ]);
  });

  it('abandons an upload, goes on with a deletion, and ends an undelete window', () => {
    expect(told(aRecord({ status: 'UPLOADING', expiresAtMs: null, policy }))).toEqual([['abandonUpload', 1]]);
    expect(told(lasting(30, { deletionReason: 'requested' }))).toEqual([
      ['delete', 0],
      ['purge', 7],
    ]);
    const gone = lasting(30, { status: 'DELETED', deletionReason: 'expired', expiresAtMs: null, purgeAtMs: day(40) });
    expect(told(gone)).toEqual([['purge', 40]]);
    expect(told({ ...gone, purgeAtMs: null })).toEqual([]);
  });

  it('tells nothing of a permanent artifact but its tiers', () => {
    const retention = { rule: 'permanent', by: 'ann', reason: '', atMs: BORN_MS } as const;
    expect(told(aRecord({ retention, expiresAtMs: null, policy }))).toEqual([
      ['changeTier', 30],
      ['changeTier', 90],
    ]);
  });

  it('says that the end of a restore, and the tiers after it, are estimates', () => {
    const restoreEtaMs = day(100) + 12 * HOUR_MS;
    const record = lasting(365, { status: 'ARCHIVED', tier: 'COLD', restoreState: 'in_progress', restoreEtaMs });
    const previews = previewOf(record, day(100), day(10_000));
    expect(previews.map(({ action, atMs, isEstimate }) => [action, (atMs - BORN_MS) / DAY_MS, isEstimate])).toEqual([
      ['pollRestore', 100.5, true],
      ['changeTier', 130.5, true],
      ['changeTier', 190.5, true],
      ['warn', 362, false],
      ['expire', 365, false],
    ]);
    // S3 is late: nobody knows, so it is told of as now.
    expect(told(record, day(110), day(105))).toEqual([['pollRestore', 105]]);
  });
});
