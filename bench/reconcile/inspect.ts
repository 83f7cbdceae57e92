import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Pool } from 'pg';
import {
  createActivities,
  type ActivityDeps,
  type InspectedSlice,
  type InspectionSlice,
} from '../../src/activities/index.js';
import { MemoryReconciliations } from '../../src/db/memory/memory-reconciliations.js';
import { createArtifactRecords } from '../../src/db/sql-artifact-records.js';
import { createRowInventory } from '../../src/db/sql-row-inventory.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import { DAY_MS, HOUR_MS } from '../../src/domain/units.js';
import type { ObjectStore } from '../../src/storage/object-store.js';

const STAGES = ['inspectBucket', 'inspectLives'] as const;

/** Both stages that look at everything there is, slice by slice, as fast as it goes. @throws when not all was looked at. */
export async function inspectAll(parts: {
  store: ObjectStore;
  pool: Pool;
}): Promise<{ requests: number; findings: number }> {
  let requests = 0;
  const reconciliations = new MemoryReconciliations();
  const activities = createActivities({
    ...{ store: parts.store, records: createArtifactRecords(parts.pool), reconciliations },
    capabilities: { versioning: true, storageClasses: true, restore: true, enforcesChecksums: true },
    // Nothing of it is asked for.
    lives: { isAlive: () => Promise.resolve(true) } as unknown as ActivityDeps['lives'],
    settings: {
      defaultRetentionDays: 30,
      uploadDeadlineMs: DAY_MS,
      putUrlMs: HOUR_MS,
      restorePollMs: HOUR_MS,
      policy: DEFAULT_POLICY,
    },
    inspection: {
      rows: createRowInventory(parts.pool),
      fleet: {
        findRunning: (ids) => Promise.resolve([...ids]),
        listRunning: () => Promise.resolve({ lives: [], cursor: null }),
        look: () => Promise.resolve(null),
        recall: () => Promise.resolve(null),
      },
      pace: () => {
        requests += 1;
        return Promise.resolve();
      },
    },
  });
  const runId = randomUUID();
  await reconciliations.begin({ id: runId, mode: 'dry-run', startedAtMs: Date.now() });
  for (const stage of STAGES)
    for (let cursor: string | null = null; ;) {
      const run = (slice: InspectionSlice): Promise<InspectedSlice> => activities[stage](slice);
      const slice: InspectedSlice = await new MockActivityEnvironment().run(run, { runId, cursor });
      cursor = slice.cursor;
      if (cursor === null) break;
    }
  const { totals = [] } = (await reconciliations.get(runId, { tenantId: null })) ?? {};
  return { requests, findings: totals.reduce((sum, { findings }) => sum + findings, 0) };
}
