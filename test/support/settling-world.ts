import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { openDatabasesOfBucket } from '../../src/bucket-databases.js';
import { createActivities, type ArtifactLives } from '../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { MemoryDatabaseIdentity } from '../../src/db/memory/memory-database-identity.js';
import { MemoryQuarantine } from '../../src/db/memory/memory-quarantine.js';
import { MemoryShares } from '../../src/db/memory/memory-shares.js';
import { MemoryReconciliations } from '../../src/db/memory/memory-reconciliations.js';
import { MemoryRowInventory } from '../../src/db/memory/memory-row-inventory.js';
import type { NumberedFinding } from '../../src/db/reconciliations.js';
import type { ArtifactRecord, RecordPatch } from '../../src/domain/artifact-record.js';
import type { Finding } from '../../src/domain/drift.js';
import type { ReconciliationMode } from '../../src/domain/reconcile.js';
import type { Repair } from '../../src/domain/repair.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { DAY_MS } from '../../src/domain/units.js';
import { MemoryObjectStore } from '../../src/storage/memory/index.js';
import { MemoryFleet } from './memory-fleet.js';
import { changeOf, newArtifact } from './new-artifact.js';
import { CAPABLE_OF_ALL, NO_OTHERS, QUIET, SETTINGS } from './virtual-time/virtual-artifact.js';

export const AT_MS = Date.UTC(2026, 0, 10);

/** Rows, objects and lives that do as a test says, and reconciliations of what it says was found. */
export function settlingWorld({ versioning = true } = {}) {
  const clock = { nowMs: AT_MS };
  const store = new MemoryObjectStore({ now: () => clock.nowMs, versioning });
  const records = new MemoryArtifactRecords();
  const [reconciliations, quarantine] = [new MemoryReconciliations(), new MemoryQuarantine()];
  const databases = openDatabasesOfBucket({ store, identity: new MemoryDatabaseIdentity(), name: 'ours' });
  const shares = new MemoryShares(records);
  /** What each life answers, in turn; without an entry there is none. */
  const answers = new Map<string, (Repair | Error)[]>();
  const told: string[] = [];
  const revived: ArtifactRecord[] = [];
  const fleet = new MemoryFleet();
  const requests = { count: 0 };
  const pace = (): Promise<void> => {
    requests.count += 1;
    return Promise.resolve();
  };
  const lives: ArtifactLives = {
    ...NO_OTHERS,
    isAlive: (id) => Promise.resolve(answers.has(id)),
    revive: (row) => {
      revived.push(row);
      told.push(`revive ${row.id}`);
      const isNew = !answers.has(row.id);
      if (isNew) answers.set(row.id, [{ outcome: 'nothing', note: 'all is well' }]);
      return Promise.resolve(isNew);
    },
    repairArtifact: (id, { actor, runId }) => {
      told.push(`repair ${id} for ${actor} ${runId === undefined ? '' : 'of a run'}`);
      const [answer = false, ...later] = answers.get(id) ?? [];
      if (later.length > 0) answers.set(id, later);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const activities = createActivities({
    ...{ store, records, lives, reconciliations, quarantine, databases, shares, capabilities: CAPABLE_OF_ALL },
    inspection: { fleet, rows: new MemoryRowInventory(records), pace },
    settings: { ...SETTINGS, reconciliation: { quarantineDays: 7, keepDays: 30 } },
  });
  const settle = async (
    findings: Finding[],
    given: { mode?: ReconciliationMode; brake?: string; attempt?: number; runId?: string } = {},
  ): Promise<NumberedFinding[]> => {
    const { mode = 'repair', brake = null, attempt = 1, runId = randomUUID() } = given;
    const startedAtMs = clock.nowMs;
    await activities.beginReconciliation({ id: runId, mode, startedAtMs });
    await reconciliations.addFindings(runId, findings);
    const query = { runId, mode, startedAtMs, afterNumber: 0, brake };
    await new MockActivityEnvironment({ attempt }, { logger: QUIET }).run(
      (of: typeof query) => activities.settleFindings(of),
      query,
    );
    return reconciliations.listFindings({ runId, tenantId: null, afterNumber: 0, limit: 1_000 });
  };
  return {
    ...{
      clock,
      store,
      records,
      reconciliations,
      quarantine,
      databases,
      shares,
      lives,
      fleet,
      requests,
      answers,
      told,
      revived,
      activities,
      settle,
    },
    /** With a row and, unless it is to have none, bytes. */
    stored: async (patch: RecordPatch = {}): Promise<ArtifactRecord> => {
      const record = await records.register(newArtifact({ createdAtMs: AT_MS - DAY_MS }));
      const { versionId } = await store.put(objectAtCreation(record), Buffer.from('some bytes'));
      return records.change(changeOf(record.id, 1, { status: 'ACTIVE', versionId, ...patch }));
    },
    /** An object of nobody. */
    stray: async (key = `artifacts/${randomUUID()}/output/stray.bin`) => {
      const owner = { artifactId: randomUUID(), executionId: randomUUID(), type: 'data' };
      const { versionId } = await store.put({ key, mimeType: 'text/plain', owner, tags: {} }, Buffer.from('stray'));
      return aFinding({ kind: 'object_unknown', key, versionId, subject: `${key}@${versionId}` });
    },
  };
}

export const aFinding = (given: Partial<Finding>): Finding => ({
  ...{ kind: 'object_missing', subject: randomUUID(), artifactId: null, executionId: null, tenantId: null, key: null },
  ...{ versionId: null, uploadId: null, sizeBytes: null, sinceMs: null, detail: {} },
  ...given,
});
export const about = (record: { id: string }, kind: Finding['kind'] = 'object_missing'): Finding =>
  aFinding({ kind, artifactId: record.id, subject: record.id });
export const objectOf = (key: string) => ({
  key,
  mimeType: 'text/plain',
  owner: { artifactId: randomUUID(), executionId: randomUUID(), type: 'data' },
  tags: {},
});
export const HEALED: Repair = { outcome: 'repaired', note: 'was broken, is whole' };
export const WELL: Repair = { outcome: 'nothing', note: 'all is well' };
