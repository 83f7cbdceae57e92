import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Inspection, LifeSight } from '../../src/activities/deps.js';
import { createActivities, type InspectedSlice, type InspectionSlice } from '../../src/activities/index.js';
import type { ArtifactRecords, NewArtifact } from '../../src/db/artifact-records.js';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { MemoryReconciliations } from '../../src/db/memory/memory-reconciliations.js';
import { MemoryRowInventory } from '../../src/db/memory/memory-row-inventory.js';
import type { NumberedFinding } from '../../src/db/reconciliations.js';
import type { ArtifactRecord, RecordPatch } from '../../src/domain/artifact-record.js';
import { NOTHING_INSPECTED, type Inspected } from '../../src/domain/drift.js';
import { currentTags, objectAtCreation } from '../../src/domain/stored-object.js';
import { HOUR_MS } from '../../src/domain/units.js';
import { MemoryObjectStore, type MemoryStoreOptions } from '../../src/storage/memory/index.js';
import type { ObjectInfo, ObjectStore, StoreCapabilities } from '../../src/storage/object-store.js';
import { MemoryFleet } from './memory-fleet.js';
import { changeOf, newArtifact } from './new-artifact.js';
import { CAPABLE_OF_ALL, NO_OTHERS, QUIET, SETTINGS } from './virtual-time/virtual-artifact.js';

type Stage = 'inspectBucket' | 'inspectLives' | 'inspectUploads' | 'inspectManifests';
const STAGES: readonly Stage[] = ['inspectBucket', 'inspectLives', 'inspectUploads', 'inspectManifests'];

/** Nobody has to wait in a test that knows what is under way. */
const AT_ONCE = { secondLookMs: 0, quietRowsMs: 0 };
/** How old everything is that is made here, if the store lets its clock be set. */
const AGE_MS = 2 * HOUR_MS;

/** What there is to inspect, besides workflows, which are in memory. */
export interface InspectedParts {
  store: ObjectStore;
  records: ArtifactRecords;
  rows: Inspection['rows'];
  capabilities: StoreCapabilities;
  deleteExecution(executionId: string): Promise<void>;
}

export type InspectedOptions = Pick<Inspection, 'patience' | 'pageSize'>;

/** A bucket, rows, workflows and what inspects them. */
export class InspectedWorld<Parts extends InspectedParts = InspectedParts> {
  readonly parts: Parts;
  readonly reconciliations = new MemoryReconciliations();
  readonly fleet = new MemoryFleet();
  readonly #executionIds = new Set<string>();
  readonly #activities: ReturnType<typeof createActivities>;

  constructor(parts: Parts, { patience, pageSize }: InspectedOptions = {}) {
    this.parts = parts;
    const { store, records, rows, capabilities } = parts;
    this.#activities = createActivities({
      ...{ store, records, capabilities, reconciliations: this.reconciliations, settings: SETTINGS },
      lives: { ...NO_OTHERS, isAlive: (id) => this.fleet.isAlive(id) },
      inspection: {
        ...{ rows, fleet: this.fleet, pace: () => Promise.resolve(), patience: { ...AT_ONCE, ...patience } },
        ...(pageSize === undefined ? {} : { pageSize }),
      },
    });
  }

  /** A row of an upload that has just begun, and its workflow. */
  async begun(given: Partial<NewArtifact> = {}): Promise<ArtifactRecord> {
    const record = await this.parts.records.register(newArtifact({ createdAtMs: Date.now() - AGE_MS, ...given }));
    this.#executionIds.add(record.executionId);
    this.lead(record);
    return record;
  }

  /** An artifact that is ACTIVE, with bytes, and a workflow. */
  async active(given: Partial<NewArtifact> = {}, patch: RecordPatch = {}): Promise<ArtifactRecord> {
    const begun = await this.begun({ sizeBytes: 4, ...given });
    const stored = await this.parts.store.put(objectAtCreation(begun), Buffer.alloc(begun.sizeBytes ?? 4, 'x'));
    return this.activate(begun, stored, patch);
  }

  /** The bytes are there: the row says so, and the object has its tags. */
  async activate(begun: ArtifactRecord, stored: ObjectInfo, patch: RecordPatch = {}): Promise<ArtifactRecord> {
    const { versionId, etag, storageClass, sizeBytes } = stored;
    const record = await this.change(begun.id, {
      ...{ status: 'ACTIVE', checksumState: 'verified', sizeBytes, versionId, etag, storageClass, uploadId: null },
      ...{ sha256: begun.sha256 ?? 'b'.repeat(64), expiresAtMs: Date.now() + 24 * HOUR_MS, ...patch },
    });
    await this.parts.store.putTags(record, currentTags(record, stored.owner?.sha256 !== undefined));
    return record;
  }

  async change(id: string, patch: RecordPatch): Promise<ArtifactRecord> {
    const revision = (await this.parts.records.get(id))?.revision ?? 0;
    const record = await this.parts.records.change({
      ...{ ...changeOf(id, revision + 1, patch), atMs: Date.now() - HOUR_MS + revision },
    });
    this.lead(record);
    return record;
  }

  /** Its workflow runs. */
  lead(record: ArtifactRecord, sight: Partial<LifeSight> = {}): void {
    this.fleet.run({ record, isDeleting: false, isUntagged: false, ...sight }, Date.now() - AGE_MS);
  }

  /** Of every execution there is, as its rows are now. */
  async writeManifests(): Promise<void> {
    const write = (id: string): Promise<number> => this.#activities.writeManifest(id);
    for (const id of this.#executionIds) await new MockActivityEnvironment({}, { logger: QUIET }).run(write, id);
  }

  /** One stage, slice by slice. */
  async inspect(stage: Stage, runId: string): Promise<Inspected & { slices: number }> {
    await this.reconciliations.begin({ id: runId, mode: 'dry-run', startedAtMs: Date.now() });
    const seen: Inspected & { slices: number } = { ...NOTHING_INSPECTED, slices: 0 };
    let cursor: string | null = null;
    do {
      const run = (slice: InspectionSlice): Promise<InspectedSlice> => this.#activities[stage](slice);
      const environment = new MockActivityEnvironment({}, { logger: QUIET });
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

/** All of it in memory. */
export class MemoryWorld extends InspectedWorld<InspectedParts & { store: MemoryObjectStore }> {
  /** Added to the clock of the store: what is written is so much older. */
  skewMs = -AGE_MS;

  constructor({ patience, pageSize, ...options }: MemoryStoreOptions & InspectedOptions = {}) {
    const clock = { skewMs: (): number => -AGE_MS };
    const store = new MemoryObjectStore({ now: () => Date.now() + clock.skewMs(), ...options });
    const records = new MemoryArtifactRecords();
    const capabilities: StoreCapabilities = {
      ...CAPABLE_OF_ALL,
      versioning: options.versioning ?? true,
      storageClasses: options.storageClasses ?? true,
    };
    const deleteExecution = (id: string): Promise<void> => Promise.resolve(records.deleteExecution(id));
    super(
      { store, records, rows: new MemoryRowInventory(records), capabilities, deleteExecution },
      { ...(patience === undefined ? {} : { patience }), ...(pageSize === undefined ? {} : { pageSize }) },
    );
    clock.skewMs = () => this.skewMs;
  }
}
