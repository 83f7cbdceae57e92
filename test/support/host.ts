import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, realpath, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { onTestFinished } from 'vitest';
import { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import { canonicalPath } from '../../src/domain/keys.js';
import { SINGLE_PUT_MAX_BYTES } from '../../src/domain/part-plan.js';
import type { FileToUpload, ScanPage, ScanQuery, UploadedFile, UploadFilesQuery } from '../../src/domain/publish.js';
import { MIB_BYTES } from '../../src/domain/units.js';
import { createHostActivities } from '../../src/host/activities.js';
import type { UploadCheckpoint } from '../../src/host/checkpoint.js';
import { Places } from '../../src/host/places.js';
import { openRoots } from '../../src/host/roots.js';
import { PartMemory } from '../../src/transfer/part-memory.js';
import { StoreConnections } from '../../src/transfer/put.js';
import { sha256Of } from './api.js';
import { FakeLifecycle } from './fake-lifecycle.js';
import { HttpStore } from './http-store.js';

/** A folder of its own for a test, by its real name. */
export async function temporaryFolder(): Promise<string> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'durable-artifacts-host-')));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files, with the folders they lie in. */
export async function writeFiles(folder: string, files: Record<string, string | Buffer>): Promise<void> {
  for (const [file, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), content);
  }
}

/** The activities of an upload worker over fakes; its root is a folder of the test. */
export interface TestHost {
  root: string;
  store: HttpStore;
  lifecycle: FakeLifecycle;
  records: MemoryArtifactRecords;
  scan(query?: Partial<ScanQuery>, attempt?: Attempt): Promise<ScanPage>;
  upload(query: Partial<UploadFilesQuery>, attempt?: Attempt): Promise<UploadedFile[]>;
  /** A random file below the root, as a scan and a plan would hand it on. */
  aFile(name: string, sizeBytes: number): Promise<FileToUpload>;
}

/** Failures are what these tests are about. */
const QUIET = new DefaultLogger('ERROR');

/** An activity environment that remembers what was told last. */
export class Attempt extends MockActivityEnvironment {
  last: UploadCheckpoint | undefined;
  readonly #onTold: ((checkpoint: UploadCheckpoint) => void)[] = [];

  constructor(attempt = 1, heartbeatDetails?: unknown) {
    super({ attempt, heartbeatDetails }, { logger: QUIET });
    this.on('heartbeat', (checkpoint: UploadCheckpoint) => {
      this.last = checkpoint;
      for (const told of this.#onTold) told(checkpoint);
    });
  }

  onTold(told: (checkpoint: UploadCheckpoint) => void): void {
    this.#onTold.push(told);
  }
}

export async function startTestHost(): Promise<TestHost> {
  const root = await temporaryFolder();
  const store = await HttpStore.start();
  const records = new MemoryArtifactRecords();
  const lifecycle = new FakeLifecycle({ records, store, nowMs: Date.now });
  const connections = new StoreConnections();
  onTestFinished(async () => {
    connections.close();
    await store.stop();
  });
  const activities = createHostActivities({
    ...{ tenantId: 'acme', store, lifecycle, connections },
    roots: await openRoots([root]),
    // One to three parts at a time.
    memory: new PartMemory(24 * MIB_BYTES),
    limits: { smallFiles: new Places(8), largeFiles: new Places(2) },
    signedSeconds: 60,
    retry: { tries: 2, budgetMs: 1_000, firstDelayMs: 1, maxDelayMs: 1 },
    log: { info: () => undefined, warn: () => undefined },
  });
  const scan = { tenantId: 'acme', folder: '.', include: [], exclude: [], after: null, limit: 500 };
  const executionId = randomUUID();
  const upload: Omit<UploadFilesQuery, 'files'> = {
    ...{ tenantId: 'acme', executionId, actor: 'agent-7', folder: '.', tags: {} },
    ...{ retentionDays: null, publicationId: null },
  };
  return {
    ...{ root, store, lifecycle, records },
    scan: (query = {}, attempt = new Attempt()) =>
      attempt.run((whole: ScanQuery) => activities.scanFolder(whole), { ...scan, ...query }),
    upload: (query, attempt = new Attempt()) =>
      attempt.run((whole: UploadFilesQuery) => activities.uploadFiles(whole), { ...upload, files: [], ...query }),
    aFile: async (name, sizeBytes) => {
      const bytes = randomBytes(sizeBytes);
      await writeFiles(root, { [name]: bytes });
      const { mtimeMs } = await stat(join(root, name));
      return {
        ...{ file: name, path: canonicalPath(name), sizeBytes, artifactId: randomUUID() },
        modifiedAtMs: Math.floor(mtimeMs),
        sha256: sizeBytes <= SINGLE_PUT_MAX_BYTES ? sha256Of(bytes) : null,
      };
    },
  };
}
