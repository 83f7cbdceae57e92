import { randomUUID } from 'node:crypto';
import type { NewArtifact } from '../../src/db/artifact-records.js';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { currentTags, objectAtCreation } from '../../src/domain/stored-object.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../src/domain/units.js';
import type { ObjectInfo } from '../../src/storage/object-store.js';
import type { MemoryWorld } from './inspected-world.js';

const PART_BYTES = 5 * 1024 ** 2;
const IN_PARTS = { partSizeBytes: PART_BYTES, sizeBytes: null, sha256: null } satisfies Partial<NewArtifact>;

async function* onePart(): AsyncGenerator<Buffer> {
  yield await Promise.resolve(Buffer.from('in parts'));
}

/** An upload in parts whose parts are joined. */
async function joined(world: MemoryWorld, given: Partial<NewArtifact> = {}): Promise<[ArtifactRecord, ObjectInfo]> {
  const { store } = world.parts;
  const begun = await world.begun({ ...IN_PARTS, ...given });
  const { key, id: artifactId } = begun;
  const uploadId = await store.createUpload(objectAtCreation(begun));
  await store.sendParts({ key, uploadId, partSizeBytes: PART_BYTES }, onePart(), new AbortController().signal);
  const parts = (await store.listParts(key, uploadId)) ?? [];
  return [begun, await store.completeUpload({ key, uploadId, artifactId, parts })];
}

/** Moved into a class by a copy that its row names; an older version stays for a moment, where there are versions. */
async function copied(
  world: MemoryWorld,
  record: ArtifactRecord,
  storageClass: 'STANDARD_IA' | 'GLACIER',
): Promise<ArtifactRecord> {
  if (!world.parts.capabilities.storageClasses) return world.change(record.id, { tier: 'WARM' });
  const { versionId, etag } = await world.parts.store.copyToClass(record, storageClass);
  const isCold = storageClass === 'GLACIER';
  const tier = isCold ? 'COLD' : 'WARM';
  return world.change(record.id, {
    tier,
    storageClass,
    versionId,
    etag,
    ...(isCold ? { status: 'ARCHIVED' as const } : {}),
  });
}

/** Deleted and hidden; or gone, where there are no versions. */
async function deleted(world: MemoryWorld, record: ArtifactRecord, purgeAtMs: number): Promise<ArtifactRecord> {
  await world.parts.store.addDeleteMarker(record.key);
  const window = world.parts.capabilities.versioning ? purgeAtMs : null;
  return world.change(record.id, { status: 'DELETED', deletionReason: 'requested', purgeAtMs: window });
}

/** Ways in which an artifact can be while all is well, also in the middle of something. */
export const HEALTHY_STATES: Record<string, (world: MemoryWorld) => Promise<unknown>> = {
  'an upload that has just begun': (world) => world.begun(),
  'an upload whose bytes are there': async (world) => {
    const begun = await world.begun();
    await world.parts.store.put(objectAtCreation(begun), Buffer.from('1'));
    await world.parts.store.put(objectAtCreation(begun), Buffer.from('22'));
  },
  'an upload in parts': async (world) => {
    const begun = await world.begun(IN_PARTS);
    await world.parts.records.attachUpload(begun.id, await world.parts.store.createUpload(objectAtCreation(begun)));
  },
  'an upload in parts that could not note its id, and another': async (world) => {
    const begun = await world.begun(IN_PARTS);
    await world.parts.store.createUpload(objectAtCreation(begun));
    await world.parts.records.attachUpload(begun.id, await world.parts.store.createUpload(objectAtCreation(begun)));
  },
  'an upload in parts that are joined and not noted yet': (world) => joined(world),
  'an upload whose row is about to be written': async (world) => {
    const begun = await world.begun();
    await world.parts.deleteExecution(begun.executionId);
    world.fleet.run({ record: begun, isDeleting: false, isUntagged: false }, Date.now() - MINUTE_MS);
  },
  'an artifact': (world) => world.active(),
  'an artifact with names and tags of all kinds': (world) =>
    world.active({ path: 'output/보고서 (1)/a+b~ü.txt', tags: { team: 'rot é', 'a b': '1' } }),
  'an artifact that nobody has verified yet': (world) => world.active({}, { checksumState: 'claimed' }),
  'an artifact that was sent twice': async (world) => {
    const record = await world.active();
    const again = await world.parts.store.put(objectAtCreation(record), Buffer.from('xxxx'));
    // The row names the one before, which without versions is the same.
    if (!world.parts.capabilities.versioning) await world.parts.store.putTags(again, currentTags(record, true));
  },
  'an artifact in parts, with its hash among the tags': async (world) => {
    const [begun, info] = await joined(world);
    await world.activate(begun, info);
  },
  'an artifact in parts, with its hash from the start': async (world) => {
    const [begun, info] = await joined(world, { sha256: 'c'.repeat(64) });
    await world.activate(begun, info);
  },
  'a permanent artifact': (world) =>
    world.active({}, { retention: { rule: 'permanent', by: 'ann', reason: 'case', atMs: 1 }, expiresAtMs: null }),
  'an artifact that is kept for years': (world) =>
    world.active({}, { retention: { rule: 'artifact', days: 900 }, expiresAtMs: Date.now() + 900 * DAY_MS }),
  'an artifact that is held beyond its deadline': (world) =>
    world.active(
      {},
      {
        holds: [{ id: randomUUID(), by: 'ann', reason: 'case', atMs: 1, untilMs: null }],
        expiresAtMs: Date.now() - DAY_MS,
      },
    ),
  'an artifact that expires this hour': (world) => world.active({}, { expiresAtMs: Date.now() - 30 * MINUTE_MS }),
  'an artifact that waits for its publication': async (world) => {
    const executionId = randomUUID();
    const id = randomUUID();
    await world.parts.records.beginPublication({ executionId, id, tenantId: 'tenant-a', actor: 'ann', atMs: 1 });
    await world.active({ executionId, publicationId: id });
  },
  'an artifact whose tags come later than its row': async (world) => {
    const record = await world.active();
    world.lead(await world.change(record.id, { tags: { late: 'yes' } }), { isUntagged: true });
  },
  'a warm artifact': async (world) => copied(world, await world.active(), 'STANDARD_IA'),
  'a cold artifact': async (world) => copied(world, await world.active(), 'GLACIER'),
  'an archive that is only a fact of the row': (world) => world.active({}, { status: 'ARCHIVED', tier: 'COLD' }),
  'an archive that is being restored': async (world) => {
    const cold = await copied(world, await world.active(), 'GLACIER');
    if (world.parts.capabilities.storageClasses) await world.parts.store.restore(cold, { tier: 'Bulk', days: 3 });
    await world.change(cold.id, { restoreState: 'in_progress', restoreEtaMs: Date.now() + HOUR_MS });
  },
  'an archive whose copy is there': async (world) => {
    const cold = await copied(world, await world.active(), 'GLACIER');
    if (!world.parts.capabilities.storageClasses) return;
    await world.parts.store.restore(cold, { tier: 'Bulk', days: 3 });
    world.parts.store.finishRestores();
  },
  'a copy that its row does not name yet': async (world) => {
    const record = await world.active();
    const { storageClasses, versioning } = world.parts.capabilities;
    if (storageClasses && versioning) await world.parts.store.copyToClass(record, 'STANDARD_IA');
  },
  'a deletion that has begun': (world) => world.active({}, { deletionReason: 'requested' }),
  'a deletion whose bytes are gone already': async (world) => {
    const record = await world.active({}, { deletionReason: 'expired' });
    await world.parts.store.deleteVersion(record.key, record.versionId);
  },
  'a deletion that can be undone': async (world) => deleted(world, await world.active(), Date.now() + DAY_MS),
  'a deletion whose bytes are about to go': async (world) => deleted(world, await world.active(), Date.now() - 1),
  'a purge that its row does not tell of yet': async (world) => {
    const record = await deleted(world, await world.active(), Date.now() - 1);
    await world.parts.store.deleteVersion(record.key, record.versionId);
  },
  'a deletion for good': async (world) => {
    const record = await world.active();
    await world.parts.store.deleteVersion(record.key, record.versionId);
    await world.change(record.id, { status: 'DELETED', deletionReason: 'requested', purgeAtMs: null });
    world.fleet.end(record.id);
  },
  'a deletion after which a late PUT has come, before the sweep': async (world) => {
    const record = await world.active();
    await world.change(record.id, { status: 'DELETED', deletionReason: 'requested', purgeAtMs: null });
  },
  'a successor above what can still be brought back': async (world) => {
    const before = await world.active();
    await deleted(world, before, Date.now() + DAY_MS);
    await world.active({ executionId: before.executionId, path: before.path });
  },
  'an upload above what can still be brought back': async (world) => {
    const before = await world.active();
    await deleted(world, before, Date.now() + DAY_MS);
    await world.begun({ executionId: before.executionId, path: before.path });
  },
  'a life that goes on without its row, and removes what is left': async (world) => {
    const record = await world.active();
    await world.parts.deleteExecution(record.executionId);
    world.lead(record, { isDeleting: true });
  },
};
