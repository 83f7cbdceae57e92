import { runInNewContext } from 'node:vm';
import { setFlagsFromString } from 'node:v8';
import { expect, it } from 'vitest';
import { MemoryArtifactRecords } from '../../../../src/db/memory/memory-artifact-records.js';
import type { RowInventory, UnendedQuery } from '../../../../src/db/row-inventory.js';
import type { ArtifactRecord } from '../../../../src/domain/artifact-record.js';
import { artifactKey } from '../../../../src/domain/keys.js';
import { MemoryObjectStore } from '../../../../src/storage/memory/index.js';
import type { InventoryQuery, ListedVersion } from '../../../../src/storage/object-store.js';
import { InspectedWorld } from '../../../support/inspected-world.js';
import { EXECUTION_ID, aRecord } from '../../../support/records.js';
import { CAPABLE_OF_ALL } from '../../../support/virtual-time/virtual-artifact.js';

const COUNT = 100_000;
const BOUND_BYTES = 48 * 1024 ** 2;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/* Rows and objects are made when they are asked for, so whatever stays in memory is the inspection's. */

const keyOf = (n: number): string => artifactKey(EXECUTION_ID, `output/${String(n).padStart(6, '0')}`);
const numberOf = (key: string): number => Number(key.slice(-6));
const rowOf = (n: number): ArtifactRecord => {
  const id = `22222222-2222-4222-8222-${String(n).padStart(12, '0')}`;
  const expiresAtMs = Date.now() + 86_400_000;
  return aRecord({ id, key: keyOf(n), versionId: `v${n}`, etag: `"${n}"`, expiresAtMs });
};
const page = (after: number, limit: number): number[] =>
  Array.from({ length: Math.max(0, Math.min(limit, COUNT - after - 1)) }, (_, index) => after + 1 + index);

class Numbered extends MemoryObjectStore {
  peakBytes = 0;
  #pages = 0;

  override listInventory({
    cursor,
    limit,
  }: InventoryQuery): Promise<{ versions: ListedVersion[]; cursor: string | null }> {
    if (this.#pages++ % 10 === 0) {
      collectGarbage();
      this.peakBytes = Math.max(this.peakBytes, process.memoryUsage().heapUsed);
    }
    const numbers = page(Number(cursor ?? -1), limit);
    const versions = numbers.map((n) => ({
      ...{ key: keyOf(n), versionId: `v${n}`, isLatest: true, isDeleteMarker: false, sizeBytes: 10, etag: `"${n}"` },
      ...{ storageClass: 'STANDARD', lastModifiedMs: 1 },
    }));
    const last = numbers.at(-1);
    return Promise.resolve({ versions, cursor: last === undefined || last === COUNT - 1 ? null : String(last) });
  }

  override getTags(): Promise<Record<string, string>> {
    return Promise.resolve({ 'artifact-retention': 'expiring' });
  }
}

const rows: RowInventory = {
  listUnended: ({ after, throughKey, limit }: UnendedQuery) =>
    Promise.resolve(
      page(after === null ? -1 : numberOf(after.key), limit)
        .filter((n) => throughKey === null || keyOf(n) <= throughKey)
        .map(rowOf),
    ),
  findByKeys: () => Promise.resolve([]),
  findByIds: () => Promise.resolve([]),
  listExecutions: () => Promise.resolve([]),
  findExecutions: () => Promise.resolve([]),
};

it(
  `an inspection of ${COUNT} rows and objects keeps no more than a few pages in memory`,
  { timeout: 60_000 },
  async () => {
    const store = new Numbered();
    const records = new MemoryArtifactRecords();
    const deleteExecution = (): Promise<void> => Promise.resolve();
    const world = new InspectedWorld({ store, records, rows, capabilities: CAPABLE_OF_ALL, deleteExecution });
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    const { slices, ...inspected } = await world.inspect('inspectBucket', 'run');
    expect(inspected).toMatchObject({ rows: COUNT, objects: COUNT, bytes: 10 * COUNT });
    // Each slice ends where the next one can begin in another process.
    expect(slices).toBeGreaterThan(10);
    expect((await world.reconciliations.get('run', { tenantId: null }))?.totals).toEqual([]);
    expect(store.peakBytes - before).toBeLessThan(BOUND_BYTES);
  },
);
