import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecords } from '../../src/db/artifact-records.js';
import type { ArtifactRecord, RecordPatch } from '../../src/domain/artifact-record.js';
import type { TierUsage } from '../../src/domain/quotas.js';
import { STORAGE_TIERS } from '../../src/domain/tiers.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';

const NOTHING = { artifacts: 0, bytes: 0 };

/** What every adapter of `ArtifactRecords` must count. */
export function usageSuite(name: string, opened: () => ArtifactRecords): void {
  const sumOf = (records: ArtifactRecord[]): TierUsage => {
    const usage = { HOT: { ...NOTHING }, WARM: { ...NOTHING }, COLD: { ...NOTHING } };
    for (const { status, tier, sizeBytes } of records)
      if (status !== 'DELETED') {
        usage[tier].artifacts += 1;
        usage[tier].bytes += sizeBytes ?? 0;
      }
    return usage;
  };

  describe(`usage, in ${name}`, () => {
    const patch: fc.Arbitrary<RecordPatch> = fc.record(
      {
        status: fc.constantFrom('ACTIVE', 'ARCHIVED', 'DELETED'),
        tier: fc.constantFrom(...STORAGE_TIERS),
        sizeBytes: fc.nat(1_000),
      },
      { requiredKeys: [] },
    );

    test('is the sum of the rows after any history, for executions, some of them and the tenant', async () => {
      const history = fc.array(fc.record({ which: fc.nat(5), patch }), { maxLength: 15 });
      await fc.assert(
        fc.asyncProperty(history, async (steps) => {
          const tenantId = randomUUID();
          const executions: string[] = [randomUUID(), randomUUID()];
          const rows: ArtifactRecord[] = [];
          for (let n = 0; n < 6; n += 1) {
            const given = { tenantId, executionId: executions[n % 2]!, sizeBytes: n === 0 ? null : n * 10 };
            rows.push(await opened().register(newArtifact(given)));
          }
          for (const { which, patch: step } of steps) {
            const row = rows[which]!;
            const change = changeOf(row.id, row.revision + 1, step);
            rows[which] = await opened().change({ ...change, atMs: change.atMs + row.revision });
          }
          const of = (executionId: string) => rows.filter((row) => row.executionId === executionId);
          expect(await opened().usage({ tenantId, executionIds: null })).toEqual(sumOf(rows));
          expect(await opened().usage({ tenantId, executionIds: executions })).toEqual(sumOf(rows));
          for (const executionId of executions) {
            expect(await opened().usage({ executionId })).toEqual(sumOf(of(executionId)));
            expect(await opened().usage({ tenantId, executionIds: [executionId] })).toEqual(sumOf(of(executionId)));
          }
        }),
        { numRuns: 25 },
      );
    });

    test('is nothing where nothing is, and says nothing of other tenants', async () => {
      const { executionId } = await opened().register(newArtifact({ tenantId: randomUUID() }));
      const nothing = sumOf([]);
      const tenantId = randomUUID();
      expect(await opened().usage({ tenantId, executionIds: null })).toEqual(nothing);
      expect(await opened().usage({ tenantId, executionIds: [executionId] })).toEqual(nothing);
      expect(await opened().usage({ tenantId, executionIds: [] })).toEqual(nothing);
      expect(await opened().usage({ executionId: randomUUID() })).toEqual(nothing);
    });
  });
}
