import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { createActivities } from '../../../src/activities/index.js';
import type { ListQuery, Page } from '../../../src/db/artifact-records.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import type { ArtifactRecord, RecordPatch } from '../../../src/domain/artifact-record.js';
import { manifestKey } from '../../../src/domain/keys.js';
import type { Manifest, ManifestEntry } from '../../../src/domain/manifest.js';
import { MINUTE_MS } from '../../../src/domain/units.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import { changeOf, newArtifact } from '../../support/new-artifact.js';
import { CAPABLE_OF_ALL, NO_OTHERS, QUIET, SETTINGS } from '../../support/virtual-time/virtual-artifact.js';

/** Where an attempt can be frozen. */
type Point = 'rows read' | 'before the write' | 'written' | 'before a removal';

/** Makes whoever comes to a point first wait there. */
class Gates {
  readonly #closed = new Map<Point, () => Promise<void>>();

  async pass(point: Point): Promise<void> {
    const wait = this.#closed.get(point);
    this.#closed.delete(point);
    await wait?.();
  }

  /** Resolves `reached` once somebody waits there. */
  close(point: Point): { reached: Promise<void>; open: () => void } {
    let open = (): void => undefined;
    let reach = (): void => undefined;
    const opened = new Promise<void>((resolve) => (open = resolve));
    const reached = new Promise<void>((resolve) => (reach = resolve));
    this.#closed.set(point, () => {
      reach();
      return opened;
    });
    return { reached, open };
  }
}

class HeldStore extends MemoryObjectStore {
  readonly gates = new Gates();

  override async putStream(...[object, chunks, replaces]: Parameters<MemoryObjectStore['putStream']>) {
    const read: Buffer[] = [];
    for await (const chunk of chunks) read.push(chunk);
    await this.gates.pass('before the write');
    const info = await super.putStream(object, oneByOne(read), replaces);
    await this.gates.pass('written');
    return info;
  }

  override async deleteVersion(key: string, versionId: string | null): Promise<void> {
    await this.gates.pass('before a removal');
    return super.deleteVersion(key, versionId);
  }
}

class HeldRecords extends MemoryArtifactRecords {
  readonly #gates: Gates;

  constructor(gates: Gates) {
    super();
    this.#gates = gates;
  }

  override async list(query: ListQuery): Promise<Page<ArtifactRecord>> {
    const page = await super.list(query);
    await this.#gates.pass('rows read');
    return page;
  }
}

async function* oneByOne(chunks: Buffer[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield await Promise.resolve(chunk);
}

function world({ versioning = true } = {}) {
  const store = new HeldStore({ versioning });
  const records = new HeldRecords(store.gates);
  const activities = createActivities({
    store,
    records,
    lives: NO_OTHERS,
    capabilities: { ...CAPABLE_OF_ALL, versioning },
    settings: SETTINGS,
  });
  const executionId = randomUUID();
  const key = manifestKey(executionId);
  const change = async (id: string, patch: RecordPatch): Promise<ArtifactRecord> =>
    records.change(changeOf(id, ((await records.get(id))?.revision ?? 0) + 1, patch));
  const read = async (): Promise<string> => {
    const body = await store.read({ key });
    if (body === null) throw new Error('there is no manifest');
    return Buffer.concat(await body.toArray()).toString();
  };
  return {
    ...{ store, records, gates: store.gates, executionId, key, change, read },
    write: () =>
      new MockActivityEnvironment({}, { logger: QUIET }).run((id: string) => activities.writeManifest(id), executionId),
    /** An artifact with bytes. */
    add: async (patch: RecordPatch = {}, given: Parameters<typeof newArtifact>[0] = {}): Promise<ArtifactRecord> => {
      const { id } = await records.register(newArtifact({ executionId, ...given }));
      return change(id, {
        status: 'ACTIVE',
        versionId: randomUUID(),
        etag: '"e"',
        expiresAtMs: 4_102_444_800_000,
        ...patch,
      });
    },
    manifest: async (): Promise<Manifest> => JSON.parse(await read()) as Manifest,
    versions: async (): Promise<number> => (await store.listVersions(key)).length,
  };
}

/** The row that a manifest tells of, as whoever rebuilds rows would read it. */
function rowOf(entry: ManifestEntry, { tenantId }: Manifest): ArtifactRecord {
  const { fileName: _name, filePath, fileSize, checksum, createdAt, expiresAt, ...rest } = entry;
  return {
    ...rest,
    tenantId,
    key: filePath,
    sizeBytes: fileSize,
    sha256: checksum,
    createdAtMs: Date.parse(String(createdAt)),
    expiresAtMs: expiresAt === undefined ? null : Date.parse(String(expiresAt)),
    awaitsPublication: null,
    untoldPublication: null,
    downloads: 0,
    lastDownloadedAtMs: null,
  };
}

const idsOf = ({ artifacts }: Manifest): string[] => artifacts.map(({ id }) => id);

describe('a manifest', () => {
  it('lists what is ACTIVE or ARCHIVED in the order of creation, as FEAT-004 has it', async () => {
    const { add, write, manifest, executionId, records, change } = world();
    const later = await add({ status: 'ARCHIVED', tier: 'COLD' }, { createdAtMs: Date.UTC(2026, 0, 3) });
    const first = await add({}, { createdAtMs: Date.UTC(2026, 0, 1), path: 'logs/agent.log', tags: { team: 'blue' } });
    await records.register(newArtifact({ executionId }));
    const gone = await add();
    await change(gone.id, { status: 'DELETED' });
    expect(await write()).toBe(2);
    const written = await manifest();
    expect(written).toMatchObject({
      version: 1,
      executionId,
      tenantId: 'tenant-a',
      retentionDays: null,
      artifactCount: 2,
      totalBytes: 8_192,
    });
    expect(Math.abs(Date.parse(written.generatedAt) - Date.now())).toBeLessThan(MINUTE_MS);
    expect(idsOf(written)).toEqual([first.id, later.id]);
    expect(written.artifacts[0]).toMatchObject({
      id: first.id,
      executionId,
      fileName: 'agent.log',
      filePath: `artifacts/${executionId}/logs/agent.log`,
      fileSize: 4_096,
      mimeType: 'text/plain',
      checksum: 'a'.repeat(64),
      createdAt: '2026-01-01T00:00:00.000Z',
      expiresAt: '2100-01-01T00:00:00.000Z',
      tags: { team: 'blue' },
      path: 'logs/agent.log',
      type: 'document',
      status: 'ACTIVE',
    });
  });

  it('holds all that the rows hold, so that they can be made again', async () => {
    const { add, write, manifest, records, executionId } = world();
    await records.setExecutionRetention({ executionId, tenantId: 'tenant-a', days: 90 });
    const rows = [
      await add({}, { createdAtMs: 1_000, tags: { a: 'b' } }),
      await add(
        { retention: { rule: 'permanent', by: 'ann', reason: 'case 17', atMs: 5 }, expiresAtMs: null },
        { createdAtMs: 2_000 },
      ),
      await add({ status: 'ARCHIVED', archivedAtMs: 9, restoreState: 'in_progress' }, { createdAtMs: 3_000 }),
    ];
    await write();
    const written = await manifest();
    expect(written.retentionDays).toBe(90);
    expect(written.artifacts.map((entry) => rowOf(entry, written))).toEqual(rows);
  });

  it('is an object of its own kind, with the tags of no artifact', async () => {
    const { add, write, store, key, executionId } = world();
    await add();
    await write();
    expect(await store.head({ key })).toMatchObject({
      mimeType: 'application/json',
      owner: { artifactId: executionId, executionId, type: 'manifest' },
    });
    expect(await store.getTags({ key })).toEqual({});
  });

  it('of thousands of artifacts is read page by page, one artifact to a line', async () => {
    const { add, write, read, manifest } = world();
    const ids: string[] = [];
    for (let count = 0; count < 1_001; count += 1) ids.push((await add({}, { createdAtMs: 1_000 + count })).id);
    expect(await write()).toBe(1_001);
    const written = await manifest();
    expect(idsOf(written)).toEqual(ids);
    expect(written).toMatchObject({ artifactCount: 1_001, totalBytes: 1_001 * 4_096 });
    expect((await read()).split('\n')).toHaveLength(1_001 + 3);
  });

  it('is whole JSON also when the last page is gone by the time it is read', async () => {
    const { add, write, manifest, records, change } = world();
    const rows: ArtifactRecord[] = [];
    for (let count = 0; count < 201; count += 1) rows.push(await add({}, { createdAtMs: 1_000 + count }));
    const list = records.list.bind(records);
    records.list = async (query) => {
      if (query.cursor !== undefined) await change(rows[200]?.id ?? '', { status: 'DELETED' });
      return list(query);
    };
    expect(await write()).toBe(200);
    expect(idsOf(await manifest())).toHaveLength(200);
  });
});

describe('what is in the bucket afterwards', () => {
  it('is one version, however often it was written', async () => {
    const { add, write, versions, manifest } = world();
    for (let count = 1; count <= 3; count += 1) {
      await add();
      expect(await write()).toBe(count);
      expect(await versions()).toBe(1);
      expect((await manifest()).artifactCount).toBe(count);
    }
  });

  it.each([true, false])('is nothing when nothing is left to list (versioning %s)', async (versioning) => {
    const { add, write, store, change } = world({ versioning });
    const { id } = await add();
    await write();
    await change(id, { status: 'DELETED' });
    expect(await write()).toBe(0);
    expect(store.keys()).toEqual([]);
    expect(await write()).toBe(0);
  });

  it('is nothing when the rows went with their execution', async () => {
    const { add, write, store, records, executionId } = world();
    await add();
    await write();
    records.deleteExecution(executionId);
    expect(await write()).toBe(0);
    expect(store.keys()).toEqual([]);
  });

  it('is no upload that a dead attempt left, nor a delete marker that somebody put there', async () => {
    const { add, write, store, key, executionId, versions, manifest } = world();
    await add();
    await write();
    const object = {
      key,
      mimeType: 'application/json',
      owner: { artifactId: executionId, executionId, type: 'manifest' },
    };
    await store.createUpload({ ...object, tags: {} });
    await store.addDeleteMarker(key);
    expect(await write()).toBe(1);
    expect(await store.listUploads(key)).toEqual([]);
    expect(await versions()).toBe(1);
    expect((await manifest()).artifactCount).toBe(1);
  });

  const somebodyElses = async ({ store, key, executionId }: ReturnType<typeof world>) => {
    const owner = { artifactId: randomUUID(), executionId, type: 'other' };
    return store.put({ key, mimeType: 'text/plain', owner, tags: {} }, Buffer.from('theirs'));
  };

  it('takes its key back from an object of somebody else, which stays below it', async () => {
    const here = world();
    const theirs = await somebodyElses(here);
    await here.add();
    expect(await here.write()).toBe(1);
    expect((await here.manifest()).artifactCount).toBe(1);
    expect(await here.store.head({ key: here.key, versionId: theirs.versionId })).toEqual(theirs);
  });

  it('never overwrites an object of somebody else that would be lost by it', async () => {
    const here = world({ versioning: false });
    const theirs = await somebodyElses(here);
    const { id } = await here.add();
    await expect(here.write()).rejects.toMatchObject({ type: 'storage_rejected', nonRetryable: true });
    await here.change(id, { status: 'DELETED' });
    expect(await here.write()).toBe(0);
    expect(await here.store.head({ key: here.key })).toEqual(theirs);
  });

  it('is the manifest from before when the rows cannot be read to their end', async () => {
    const { add, write, read, records, versions } = world();
    for (let count = 0; count < 300; count += 1) await add({}, { createdAtMs: 1_000 + count });
    await write();
    const before = await read();
    const list = records.list.bind(records);
    records.list = (query) => (query.cursor === undefined ? list(query) : Promise.reject(new Error('away')));
    await expect(write()).rejects.toThrow('away');
    expect(await read()).toBe(before);
    expect(await versions()).toBe(1);
  });
});

describe.each([true, false])('an attempt that was taken for dead, with versioning %s,', (versioning) => {
  it.each(['rows read', 'before the write'] as const)(
    'does not write older rows over the manifest of a later one (frozen: %s)',
    async (point) => {
      const { add, write, gates, manifest, versions } = world({ versioning });
      await add();
      await write();
      const frozen = gates.close(point);
      const late = write();
      await frozen.reached;
      await add();
      expect(await write()).toBe(2);
      frozen.open();
      await expect(late).rejects.toMatchObject({ type: 'storage_unavailable', nonRetryable: false });
      expect((await manifest()).artifactCount).toBe(2);
      expect(await versions()).toBe(1);
    },
  );

  it.each(['rows read', 'before the write'] as const)(
    'does not write the first manifest over that of a later one (frozen: %s)',
    async (point) => {
      const { add, write, gates, manifest, versions } = world({ versioning });
      await add();
      const frozen = gates.close(point);
      const late = write();
      await frozen.reached;
      await add();
      expect(await write()).toBe(2);
      frozen.open();
      await expect(late).rejects.toMatchObject({ type: 'storage_unavailable' });
      expect((await manifest()).artifactCount).toBe(2);
      expect(await versions()).toBe(1);
    },
  );

  it('leaves no manifest when one was written and removed meanwhile', async () => {
    const { add, write, store, gates, change } = world({ versioning });
    const { id } = await add();
    const frozen = gates.close('before the write');
    const late = write();
    await frozen.reached;
    await write();
    await change(id, { status: 'DELETED' });
    expect(await write()).toBe(0);
    frozen.open();
    expect(await late).toBe(0);
    expect(store.keys()).toEqual([]);
  });

  it.each(['rows read', 'before a removal'] as const)(
    'does not remove the manifest that was written after it found nothing to list (frozen: %s)',
    async (point) => {
      const { add, write, gates, change, manifest, versions } = world({ versioning });
      const { id } = await add();
      await write();
      await change(id, { status: 'DELETED' });
      const frozen = gates.close(point);
      const late = write();
      await frozen.reached;
      await add();
      expect(await write()).toBe(1);
      frozen.open();
      await late;
      expect((await manifest()).artifactCount).toBe(1);
      expect(await versions()).toBe(1);
    },
  );

  it('does not remove the manifest of a later one when it tidies up after its own', async () => {
    const { add, write, gates, manifest, versions } = world({ versioning });
    await add();
    await write();
    const frozen = gates.close('written');
    const late = write();
    await frozen.reached;
    await add();
    expect(await write()).toBe(2);
    frozen.open();
    await late;
    expect((await manifest()).artifactCount).toBe(2);
    expect(await versions()).toBe(1);
  });
});
