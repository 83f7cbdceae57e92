import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { ManifestBody } from '../../../../src/activities/manifest-body.js';
import { openDatabasesOfBucket } from '../../../../src/bucket-databases.js';
import { MemoryArtifactRecords } from '../../../../src/db/memory/memory-artifact-records.js';
import { MemoryDatabaseIdentity } from '../../../../src/db/memory/memory-database-identity.js';
import type { RowInventory } from '../../../../src/db/row-inventory.js';
import type { ArtifactRecord } from '../../../../src/domain/artifact-record.js';
import { artifactKey, manifestKey } from '../../../../src/domain/keys.js';
import type { ManifestHead } from '../../../../src/domain/manifest.js';
import { DEFAULT_POLICY } from '../../../../src/domain/policy.js';
import { RowRestorer } from '../../../../src/operator/rebuild/restore-rows.js';
import { walkBucket } from '../../../../src/operator/rebuild/bucket-walk.js';
import { emptyReport } from '../../../../src/domain/rebuild.js';
import { MemoryObjectStore } from '../../../../src/storage/memory/index.js';
import type { InventoryQuery, ListedVersion, ObjectInfo } from '../../../../src/storage/object-store.js';
import { NOTHING_RUNS } from '../../../support/nothing-runs.js';
import { aRecord, EXECUTION_ID } from '../../../support/records.js';

const COUNT = 30_000;
/** Of so many one is listed whose bytes are gone, and one has bytes and is not listed. */
const ODD = 1_000;
/** All of them would take twice as much. */
const BOUND_BYTES = 48 * 1024 ** 2;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/* Objects are made when they are asked for, and the manifest is bytes outside of the heap, so whatever stays there is the rebuild's. */

const pathOf = (n: number): string => `output/${String(n).padStart(6, '0')}`;
const keyOf = (n: number): string => artifactKey(EXECUTION_ID, pathOf(n));
const idOf = (n: number): string => `22222222-2222-4222-8222-${String(n).padStart(12, '0')}`;
const isGone = (n: number): boolean => n % ODD === 1;
const isUnlisted = (n: number): boolean => n % ODD === 2;
const rowOf = (n: number): ArtifactRecord =>
  aRecord({ id: idOf(n), path: pathOf(n), key: keyOf(n), versionId: `v${n}`, etag: `"${n}"` });

class Numbered extends MemoryObjectStore {
  peakBytes = 0;
  #asked = 0;
  #manifest: Buffer | undefined;

  override listInventory(query: InventoryQuery): Promise<{ versions: ListedVersion[]; cursor: string | null }> {
    const { prefix, cursor, limit } = query;
    this.weigh(10);
    const first = cursor === null ? 0 : Number(cursor) + 1;
    const numbers = Array.from({ length: Math.min(limit, COUNT - first) }, (_, index) => first + index);
    // Of one key: those that are asked for so are gone.
    if (prefix !== 'artifacts/') return Promise.resolve({ versions: [], cursor: null });
    const versions = numbers
      .filter((n) => !isGone(n))
      .map((n) => ({
        ...{ key: keyOf(n), versionId: `v${n}`, isLatest: true, isDeleteMarker: false, sizeBytes: 10, etag: `"${n}"` },
        ...{ storageClass: 'STANDARD', lastModifiedMs: 1 },
      }));
    const last = first + numbers.length - 1;
    return Promise.resolve({ versions, cursor: last === COUNT - 1 ? null : String(last) });
  }

  override head({ key }: { key: string }): Promise<ObjectInfo | null> {
    const isManifest = key === manifestKey(EXECUTION_ID);
    const n = Number(key.slice(-6));
    return Promise.resolve({
      ...{ key, sizeBytes: 10, etag: `"${n}"`, versionId: isManifest ? 'm' : `v${n}`, storageClass: 'STANDARD' },
      ...{ mimeType: 'text/plain', lastModifiedMs: 1, sha256: 'a'.repeat(64), restore: null },
      owner: { artifactId: isManifest ? EXECUTION_ID : idOf(n), executionId: EXECUTION_ID, type: 'document' },
    });
  }

  override async read(): Promise<Readable> {
    this.#manifest ??= await manifestText();
    return Readable.from(inChunks(this.#manifest));
  }

  /** Once in so many times. */
  weigh(times: number): void {
    if (this.#asked++ % times !== 0) return;
    collectGarbage();
    this.peakBytes = Math.max(this.peakBytes, process.memoryUsage().heapUsed);
  }

  override getTags(): Promise<Record<string, string>> {
    return Promise.resolve({});
  }
}

const HEAD: ManifestHead = {
  version: 1,
  executionId: EXECUTION_ID,
  tenantId: 'acme',
  retentionDays: null,
  generatedAt: '',
};

async function manifestText(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of new ManifestBody(HEAD).chunks(listed())) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function* inChunks(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536);
}

/** In an order of its own. */
async function* listed(): AsyncGenerator<ArtifactRecord[]> {
  for (let at = COUNT - 200; at >= 0; at -= 200) {
    await Promise.resolve();
    yield Array.from({ length: 200 }, (_, index) => at + index)
      .filter((n) => !isUnlisted(n))
      .map(rowOf);
  }
}

const none: RowInventory = {
  listUnended: () => Promise.resolve([]),
  findByKeys: () => Promise.resolve([]),
  findByIds: () => Promise.resolve([]),
  listExecutions: () => Promise.resolve([]),
  findExecutions: () => Promise.resolve([]),
};

it(
  `one execution of ${COUNT} artifacts is made again once each, and no more than a part of it is in memory`,
  { timeout: 60_000 },
  async () => {
    const store = new Numbered();
    const made = new Uint8Array(COUNT);
    class Counting extends MemoryArtifactRecords {
      override restoreRow(record: ArtifactRecord): Promise<ArtifactRecord> {
        made[Number(record.id.slice(-12))]! += 1;
        store.weigh(2_500);
        return Promise.resolve(record);
      }
    }
    const records = new Counting();
    const nothing = (): Promise<void> => Promise.resolve();
    const report = emptyReport(true);
    const restorer = new RowRestorer(
      {
        ...{ store, records, rows: none, storeNowMs: () => Promise.resolve(Date.now()) },
        databases: openDatabasesOfBucket({ store, identity: new MemoryDatabaseIdentity(), name: 'ours' }),
        ...NOTHING_RUNS,
      },
      {
        ...{ apply: true, tenantId: null, lost: [], perSecond: 1, defaultRetentionDays: 30, policy: DEFAULT_POLICY },
        ...{ signal: new AbortController().signal, tell: () => undefined },
      },
      report,
      nothing,
    );
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    let parts = 0;
    for await (const part of walkBucket(store, nothing)) {
      await restorer.execution(part);
      parts += 1;
    }
    expect(parts).toBe(3);
    const odd = COUNT / ODD;
    expect(report.rows).toMatchObject({ manifest: { artifacts: COUNT - 2 * odd }, object: { artifacts: odd } });
    expect(report.leftOut).toMatchObject([{ reason: 'bytes_gone', artifacts: odd }]);
    expect(made.findIndex((times, n) => times !== (isGone(n) ? 0 : 1))).toBe(-1);
    expect(store.peakBytes - before).toBeLessThan(BOUND_BYTES);
  },
);
