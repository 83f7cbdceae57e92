import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { InspectionPatience, LifeSight } from '../../src/activities/deps.js';
import { createActivities, type InspectedSlice, type InspectionSlice } from '../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { MemoryReconciliations } from '../../src/db/memory/memory-reconciliations.js';
import { MemoryRowInventory } from '../../src/db/memory/memory-row-inventory.js';
import type { ArtifactRecord, RecordPatch } from '../../src/domain/artifact-record.js';
import { NOTHING_INSPECTED, type Inspected } from '../../src/domain/drift.js';
import { HOUR_MS } from '../../src/domain/units.js';
import type { NumberedFinding } from '../../src/db/reconciliations.js';
import type { NewArtifact } from '../../src/db/artifact-records.js';
import { currentTags, objectAtCreation } from '../../src/domain/stored-object.js';
import { MemoryObjectStore, type MemoryStoreOptions } from '../../src/storage/memory/index.js';
import type { StoreCapabilities } from '../../src/storage/object-store.js';
import { MemoryFleet } from './memory-fleet.js';
import { changeOf, newArtifact } from './new-artifact.js';
import { CAPABLE_OF_ALL, NO_OTHERS, QUIET, SETTINGS } from './virtual-time/virtual-artifact.js';

export interface InspectedWorldOptions extends MemoryStoreOptions {
  patience?: Partial<InspectionPatience>;
}

type Stage = 'inspectBucket' | 'inspectLives' | 'inspectUploads' | 'inspectManifests';
const STAGES: readonly Stage[] = ['inspectBucket', 'inspectLives', 'inspectUploads', 'inspectManifests'];

/** Nobody has to wait in a test that knows what is under way. */
const AT_ONCE = { secondLookMs: 0, quietRowsMs: 0 };

/** A bucket, rows, workflows and what inspects them, all in memory. */
export class InspectedWorld {
  readonly store: MemoryObjectStore;
  readonly records = new MemoryArtifactRecords();
  readonly reconciliations = new MemoryReconciliations();
  readonly fleet = new MemoryFleet();
  /** Added to the clock of the store: negative makes what is written older. */
  skewMs = -2 * HOUR_MS;
  readonly #activities: ReturnType<typeof createActivities>;

  constructor({ patience, ...options }: InspectedWorldOptions = {}) {
    this.store = new MemoryObjectStore({ now: () => Date.now() + this.skewMs, ...options });
    const capabilities: StoreCapabilities = {
      ...CAPABLE_OF_ALL,
      versioning: options.versioning ?? true,
      storageClasses: options.storageClasses ?? true,
    };
    this.#activities = createActivities({
      ...{ store: this.store, records: this.records, reconciliations: this.reconciliations, capabilities },
      settings: SETTINGS,
      lives: { ...NO_OTHERS, isAlive: (id) => this.fleet.isAlive(id) },
      inspection: {
        rows: new MemoryRowInventory(this.records),
        fleet: this.fleet,
        pace: () => Promise.resolve(),
        patience: { ...AT_ONCE, ...patience },
      },
    });
  }

  /** A row of an upload that has just begun, and its workflow. */
  async begun(given: Partial<NewArtifact> = {}): Promise<ArtifactRecord> {
    const createdAtMs = Date.now() - 2 * HOUR_MS;
    const record = await this.records.register(newArtifact({ createdAtMs, ...given }));
    this.lead(record);
    return record;
  }

  /** An artifact that is ACTIVE, with bytes, and a workflow. */
  async active(given: Partial<NewArtifact> = {}, patch: RecordPatch = {}): Promise<ArtifactRecord> {
    const { id, sizeBytes } = await this.begun({ sizeBytes: 4, ...given });
    const begun = await this.change(id, {});
    const { versionId, etag, storageClass } = await this.store.put(
      objectAtCreation(begun),
      Buffer.alloc(sizeBytes ?? 4, 'x'),
    );
    const expiresAtMs = Date.now() + 24 * HOUR_MS;
    const record = await this.change(id, {
      ...{ status: 'ACTIVE', checksumState: 'verified', sizeBytes: sizeBytes ?? 4, versionId, etag, storageClass },
      ...{ expiresAtMs, ...patch },
    });
    await this.store.putTags(record, currentTags(record, record.sha256 !== null));
    return record;
  }

  async change(id: string, patch: RecordPatch): Promise<ArtifactRecord> {
    const revision = (await this.records.get(id))?.revision ?? 0;
    return this.records.change({ ...changeOf(id, revision + 1, patch), atMs: Date.now() - HOUR_MS });
  }

  /** Its workflow runs. */
  lead(record: ArtifactRecord, sight: Partial<LifeSight> = {}): void {
    this.fleet.run({ record, isDeleting: false, isUntagged: false, ...sight }, Date.now() - 2 * HOUR_MS);
  }

  /** One stage, slice by slice. */
  async inspect(stage: Stage, runId: string): Promise<Inspected & { slices: number }> {
    await this.reconciliations.begin({ id: runId, mode: 'dry-run', startedAtMs: Date.now() });
    const seen: Inspected & { slices: number } = { ...NOTHING_INSPECTED, slices: 0 };
    let cursor: string | null = null;
    do {
      const environment = new MockActivityEnvironment({}, { logger: QUIET });
      const run = (slice: InspectionSlice): Promise<InspectedSlice> => this.#activities[stage](slice);
      const slice: InspectedSlice = await environment.run(run, { runId, cursor });
      cursor = slice.cursor;
      seen.slices += 1;
      for (const [what, count] of Object.entries(slice.inspected) as [keyof Inspected, number][]) seen[what] += count;
    } while (cursor !== null);
    return seen;
  }

  /** Everything, as one run. */
  async findings(stages: readonly Stage[] = STAGES): Promise<NumberedFinding[]> {
    const runId = randomUUID();
    for (const stage of stages) await this.inspect(stage, runId);
    return this.reconciliations.listFindings({ runId, tenantId: null, afterNumber: 0, limit: 1_000 });
  }
}
