import { createHash, randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import {
  createActivities,
  type ActivityDeps,
  type ActivitySettings,
  type ArtifactLives,
} from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import { toFailure } from '../../../src/activities/boundary.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import type { CompleteUpload } from '../../../src/domain/commands.js';
import { artifactKey } from '../../../src/domain/keys.js';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { DEFAULT_POLICY, type LifePolicy } from '../../../src/domain/policy.js';
import { NO_QUOTAS, type Quotas } from '../../../src/domain/quotas.js';
import { DAY_MS, HOUR_MS } from '../../../src/domain/units.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import type { StoreCapabilities } from '../../../src/storage/object-store.js';
import { crc32Of } from '../../../src/storage/crc32.js';
import type { NewUpload } from '../../../src/workflows/messages.js';
import { VirtualRun, type Sandbox, type VirtualRunOptions } from './virtual-run.js';

export const START_MS = Date.UTC(2026, 0, 1);
export const BYTES = Buffer.from('ten bytes!');
export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const ALL = '*';

/** Activities that are made to fail are no news. */
export const QUIET = new DefaultLogger('ERROR', () => undefined);

/** For lives that send no messages to others. */
export const NO_OTHERS: ArtifactLives = {
  executionChanged: () => Promise.resolve(),
  inheritRetention: () => Promise.resolve(false),
  deleteArtifact: () => Promise.resolve(false),
  isAlive: () => Promise.resolve(false),
  revive: () => Promise.resolve(false),
  purgeArtifact: () => Promise.resolve(false),
  abortUpload: () => Promise.resolve(false),
  removeArtifact: () => Promise.resolve(),
  repairArtifact: () => Promise.resolve(false),
  announce: () => Promise.resolve(),
  guardPublication: () => Promise.resolve(),
  isPublishing: () => Promise.resolve(false),
  lastReport: () => Promise.resolve(null),
};

export const CAPABLE_OF_ALL: StoreCapabilities = {
  versioning: true,
  storageClasses: true,
  restore: true,
  enforcesChecksums: true,
};

export const SETTINGS: ActivitySettings = {
  defaultRetentionDays: 30,
  uploadDeadlineMs: DAY_MS,
  putUrlMs: HOUR_MS,
  restorePollMs: HOUR_MS,
  policy: { ...DEFAULT_POLICY, warmAfterDays: null, coldAfterDays: null },
};

interface Options {
  /** Of the deployment. Default: no tiers, else as delivered. */
  policy?: Partial<LifePolicy>;
  /** Default: none. */
  quotas?: Partial<Quotas>;
  upload?: Partial<NewUpload>;
  capabilities?: Partial<StoreCapabilities>;
  /** The world of another artifact, to share its bucket and its rows. */
  world?: World;
  /** State to take over, as after continue-as-new. */
  state?: unknown;
  /** Default: {@link START_MS}. */
  startMs?: number;
  /** How activities reach the world. Default: directly. */
  ports?: (world: World) => Pick<ActivityDeps, 'store' | 'records'>;
  /** Asked after every activity: what is thrown instead of its answer; null: nothing. */
  loss?: () => Error | null;
  /** See {@link VirtualRun}. */
  run?: Pick<VirtualRunOptions, 'continueAsNewSuggested' | 'followsRuns' | 'handedOver' | 'activityMs'>;
  /** The store does not answer while the upload is registered. */
  outageAtStart?: boolean;
  /** This activity fails from the start. */
  outageOf?: string;
}

export interface World {
  store: MemoryObjectStore;
  records: MemoryArtifactRecords;
}

/** One artifact's workflow under virtual time, with the real activities over a bucket and rows in memory. */
export class VirtualArtifact {
  readonly run: VirtualRun;
  readonly world: World;
  readonly id: string;
  readonly upload: NewUpload;
  /** Set to make activities fail before they did anything: by name (or `*`), what they throw. */
  readonly faults: Map<string, () => unknown>;
  /** Set to lose the answer of activities that did their work: by name (or `*`), what is thrown instead. */
  readonly losses: Map<string, () => unknown>;

  private constructor(parts: {
    run: VirtualRun;
    world: World;
    upload: NewUpload;
    faults: Map<string, () => unknown>;
    losses: Map<string, () => unknown>;
  }) {
    this.run = parts.run;
    this.world = parts.world;
    this.id = parts.upload.artifactId;
    this.upload = parts.upload;
    this.faults = parts.faults;
    this.losses = parts.losses;
  }

  static async start(sandbox: Sandbox, options: Options = {}): Promise<VirtualArtifact> {
    const world = options.world ?? { store: new MemoryObjectStore({}), records: new MemoryArtifactRecords() };
    if (options.outageAtStart === true) world.store.outage = 'storage_unavailable';
    const capabilities = { ...CAPABLE_OF_ALL, ...options.capabilities };
    const quotas = { ...NO_QUOTAS, ...options.quotas };
    const settings = { ...SETTINGS, quotas, policy: { ...SETTINGS.policy, ...options.policy } };
    const ports = options.ports?.(world) ?? world;
    const activities = createActivities({ ...ports, lives: NO_OTHERS, capabilities, settings });
    const faults = new Map<string, () => unknown>();
    const losses = new Map<string, () => unknown>();
    if (options.outageOf !== undefined)
      faults.set(options.outageOf, () => toFailure(new ArtifactError('database_unavailable', 'no answer')));
    const upload = aNewUpload(options.upload);
    const run = await VirtualRun.start({
      sandbox,
      workflowType: 'artifactLifecycle',
      input: options.state === undefined ? { upload } : { state: options.state },
      startMs: options.startMs ?? START_MS,
      runActivity: async (name, args) => {
        const fault = faults.get(name) ?? faults.get(ALL);
        if (fault !== undefined) throw fault();
        const run = (...given: unknown[]): Promise<unknown> =>
          (activities as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>)[name]!(...given);
        const answer = await new MockActivityEnvironment({}, { logger: QUIET }).run(run, ...args);
        const loss = losses.get(name) ?? losses.get(ALL);
        if (loss !== undefined) throw loss();
        const lost = options.loss?.();
        if (lost instanceof Error) throw lost;
        return answer;
      },
      ...options.run,
    });
    return new VirtualArtifact({ run, world, upload, faults, losses });
  }

  /** An artifact that was uploaded and is ACTIVE. */
  static async active(sandbox: Sandbox, options: Options = {}): Promise<VirtualArtifact> {
    const artifact = await VirtualArtifact.start(sandbox, options);
    await artifact.send(BYTES);
    await artifact.complete();
    return artifact;
  }

  /** The row is written although the workflow was told that it could not be. */
  registerLate(): Promise<ArtifactRecord> {
    const { artifactId: id, ...upload } = this.upload;
    return this.world.records.register({
      ...upload,
      id,
      key: artifactKey(upload.executionId, upload.path),
      partSizeBytes: null,
      policy: SETTINGS.policy,
      defaultRetentionDays: SETTINGS.defaultRetentionDays,
      createdAtMs: START_MS,
      uploadDeadlineMs: START_MS + SETTINGS.uploadDeadlineMs,
    });
  }

  /** The bytes arrive in the bucket, as by the signed PUT. */
  async send(bytes: Buffer): Promise<void> {
    await this.world.store.put(objectAtCreation(await this.row()), bytes);
  }

  /** The same for an upload in parts, by the signed PUT of each. */
  async sendInParts(bytes: Buffer): Promise<void> {
    await sendParts(this.world.store, await this.row(), bytes);
  }

  complete(bytes: Buffer = BYTES, claim: Partial<CompleteUpload> = {}): Promise<ArtifactRecord> {
    const message = { sizeBytes: bytes.length, sha256: sha256(bytes), actor: 'agent', ...claim };
    return this.run.mustUpdate('completeUpload', message);
  }

  async row(): Promise<ArtifactRecord> {
    const row = await this.world.records.get(this.id);
    if (row === null) throw new Error(`no row for ${this.id}`);
    return row;
  }

  /** The audit, as kinds in their order. */
  async audit(): Promise<string[]> {
    return (await this.world.records.history(this.id)).map((event) => event.kind);
  }

  /** How many versions, markers and unfinished uploads the bucket has under the artifact's key. */
  async remains(): Promise<number> {
    const { key } = await this.row();
    const { store } = this.world;
    return (await store.listVersions(key)).length + (await store.listUploads(key)).length;
  }
}

export async function sendParts(store: MemoryObjectStore, row: ArtifactRecord, bytes: Buffer): Promise<void> {
  const { key, uploadId, partSizeBytes } = row;
  if (uploadId === null || partSizeBytes === null) throw new Error('it is not uploaded in parts');
  for (let begin = 0, partNumber = 1; begin < bytes.length; begin += partSizeBytes, partNumber++) {
    const part = bytes.subarray(begin, begin + partSizeBytes);
    const facts = { key, uploadId, partNumber, sizeBytes: part.length, crc32: crc32Of(part) };
    const { status } = await store.receive(await store.presignPart(facts, 60), part);
    if (status !== 200) throw new Error(`part ${partNumber} was answered with ${status}`);
  }
}

export function aNewUpload(overrides: Partial<NewUpload> = {}): NewUpload {
  return {
    artifactId: randomUUID(),
    executionId: randomUUID(),
    tenantId: 'acme',
    path: 'output/report.txt',
    sizeBytes: BYTES.length,
    sha256: sha256(BYTES),
    mimeType: 'text/plain',
    type: 'document',
    tags: { team: 'blue' },
    retentionDays: null,
    actor: 'agent',
    ...overrides,
  };
}
