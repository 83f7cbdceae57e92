import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecords, NewArtifact, UpcomingQuery } from '../../src/db/artifact-records.js';
import type { ArtifactRecord, RecordPatch } from '../../src/domain/artifact-record.js';
import { ARTIFACT_STATUSES } from '../../src/domain/artifact.js';
import type { Hold } from '../../src/domain/holds.js';
import { DEFAULT_POLICY, type LifePolicy } from '../../src/domain/policy.js';
import { previewOf } from '../../src/domain/preview.js';
import type { Retention } from '../../src/domain/retention.js';
import { STORAGE_TIERS } from '../../src/domain/tiers.js';
import { DAY_MS } from '../../src/domain/units.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';

const BORN_MS = Date.UTC(2026, 0, 1);
const day = (count: number): number => BORN_MS + count * DAY_MS;
const FOREVER_MS = day(400_000);
const QUIET: LifePolicy = { ...DEFAULT_POLICY, warmAfterDays: null, coldAfterDays: null, warnBeforeDays: 0 };
const PERMANENT: Retention = { rule: 'permanent', by: 'ann', reason: '', atMs: BORN_MS };

const times = fc.integer({ min: 0, max: 1_000 * DAY_MS }).map((afterMs) => BORN_MS + afterMs);
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary);
const policies = fc.record({
  warmAfterDays: maybe(fc.integer({ min: 0, max: 500 })),
  coldAfterDays: maybe(fc.integer({ min: 0, max: 500 })),
  warnBeforeDays: fc.integer({ min: 0, max: 500 }),
  undeleteDays: fc.constant(7),
  undeleteExpiredDays: fc.constant(0),
});
const holds = fc
  .array(maybe(times), { maxLength: 3 })
  .map((ends) => ends.map((untilMs) => ({ id: randomUUID(), by: 'ann', reason: 'case', atMs: BORN_MS, untilMs })));
const patches: fc.Arbitrary<RecordPatch> = fc
  .record({
    status: fc.constantFrom(...ARTIFACT_STATUSES),
    tier: fc.constantFrom(...STORAGE_TIERS),
    expiresAtMs: maybe(times),
    warnedAtMs: maybe(times),
    purgeAtMs: maybe(times),
    deletionReason: fc.option(fc.constant('requested' as const), { freq: 2 }),
    restoreState: fc.option(fc.constant('in_progress' as const), { freq: 3 }),
    restoreEtaMs: maybe(times),
    restoredAtMs: maybe(times),
    uploadDeadlineMs: times,
    holds: fc.oneof(fc.constant<Hold[]>([]), holds),
  })
  .map((patch) => ({ ...patch, ...(patch.expiresAtMs === null ? { retention: PERMANENT } : {}) }));

/** What `ArtifactReads.listUpcoming` promises, for every implementation of it. */
export function upcomingSuite(name: string, subject: () => ArtifactRecords): void {
  const put = async (given: Partial<NewArtifact>, patch: RecordPatch): Promise<ArtifactRecord> => {
    const { id } = await subject().register(newArtifact({ createdAtMs: BORN_MS, policy: QUIET, ...given }));
    return subject().change(changeOf(id, 1, patch));
  };
  const pagesOf = async (query: Omit<UpcomingQuery, 'tenantId'> & { tenantId?: string }): Promise<string[][]> => {
    const pages: string[][] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const asked = { tenantId: 'tenant-a', ...query, ...(cursor === undefined ? {} : { cursor }) };
      const page = await subject().listUpcoming(asked);
      pages.push(page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    return pages;
  };

  describe(`${name}: listUpcoming`, () => {
    test('finds an artifact from the moment at which something first happens to it, whatever its row says', async () => {
      const isFound = async ({ id, executionId }: ArtifactRecord, untilMs: number): Promise<boolean> =>
        (await pagesOf({ executionIds: [executionId], untilMs, limit: 10 })).flat().includes(id);
      const agrees = fc.asyncProperty(policies, patches, async (policy, patch) => {
        const record = await put({ policy }, patch);
        const first = previewOf(record, BORN_MS, FOREVER_MS)[0];
        expect(await isFound(record, first?.atMs ?? FOREVER_MS)).toBe(first !== undefined);
        // Overdue ones are due now; others not before their time, but for what is lost in rounding.
        if (first !== undefined && first.atMs > BORN_MS) expect(await isFound(record, first.atMs - 10)).toBe(false);
      });
      await fc.assert(agrees, { numRuns: 300, seed: 20_260_101 });
    });

    test('walks by execution, the soonest first, rows of one instant included', async () => {
      const executionIds = [randomUUID(), randomUUID(), randomUUID()].sort();
      const expected: string[] = [];
      for (const executionId of executionIds) {
        const records: ArtifactRecord[] = [];
        for (const days of [30, 10, 20, 10, 10, 20])
          records.push(await put({ executionId }, { status: 'ACTIVE', expiresAtMs: day(days) }));
        await put({ executionId }, { status: 'ACTIVE', expiresAtMs: day(41) });
        const order = (a: ArtifactRecord, b: ArtifactRecord): number =>
          (a.expiresAtMs ?? 0) - (b.expiresAtMs ?? 0) || (a.id < b.id ? -1 : 1);
        expected.push(...records.sort(order).map(({ id }) => id));
      }
      for (const limit of [1, 4, 18, 1_000]) {
        const pages = await pagesOf({ executionIds, untilMs: day(40), limit });
        expect(pages.flat()).toEqual(expected);
        expect(pages).toHaveLength(Math.ceil(expected.length / limit));
      }
    });

    test('keeps to the tenant, and to the executions that are named', async () => {
      const tenantId = randomUUID();
      const due = { status: 'ACTIVE', expiresAtMs: day(1) } as const;
      const one = await put({ tenantId }, due);
      const two = await put({ tenantId }, due);
      const other = await put({ tenantId: randomUUID() }, due);
      const ids = async (executionIds: string[] | null): Promise<string[]> =>
        (await pagesOf({ tenantId, executionIds, untilMs: day(2), limit: 10 })).flat().sort();
      expect(await ids(null)).toEqual([one.id, two.id].sort());
      expect(await ids([two.executionId, other.executionId, randomUUID()])).toEqual([two.id]);
      expect(await ids([])).toEqual([]);
    });

    test('goes on behind an artifact that has gone meanwhile', async () => {
      const tenantId = randomUUID();
      const executionId = randomUUID();
      const due = (days: number): RecordPatch => ({ status: 'ACTIVE', expiresAtMs: day(days) });
      const [first, second] = [
        await put({ tenantId, executionId }, due(1)),
        await put({ tenantId, executionId }, due(2)),
      ];
      const query = { tenantId, executionIds: null, untilMs: day(9), limit: 1 };
      const { nextCursor } = await subject().listUpcoming(query);
      await subject().change(changeOf(first.id, 2, { status: 'DELETED', expiresAtMs: null }));
      const { items } = await subject().listUpcoming({ ...query, cursor: nextCursor ?? '' });
      expect(items.map(({ id }) => id)).toEqual([second.id]);
    });

    test.each([
      '',
      'x',
      Buffer.from('1.2.3').toString('base64url'),
      Buffer.from(`1.${randomUUID()}`).toString('base64url'),
    ])('refuses the cursor "%s"', async (cursor) => {
      const query = { tenantId: 'tenant-a', executionIds: null, untilMs: day(1), limit: 10, cursor };
      await expect(subject().listUpcoming(query)).rejects.toMatchObject({ code: 'invalid_cursor' });
    });
  });
}
