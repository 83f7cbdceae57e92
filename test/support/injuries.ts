import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import type { DriftKind } from '../../src/domain/drift.js';
import { artifactKey, manifestKey } from '../../src/domain/keys.js';
import { manifestObject } from '../../src/domain/manifest.js';
import { currentTags, objectAtCreation } from '../../src/domain/stored-object.js';
import { HOUR_MS } from '../../src/domain/units.js';
import type { InspectedWorld } from './inspected-world.js';

/** One kind of drift, made by hand. */
export interface Injury {
  what: string;
  kind: DriftKind;
  /** What it must be found as. */
  injure(world: InspectedWorld): Promise<Expected>;
  /** Once every manifest is written. */
  afterwards?: (world: InspectedWorld, expected: Expected) => Promise<void>;
}

export interface Expected {
  subject: string;
  key: string;
  sizeBytes: number | null;
  /** Some of it. */
  detail: Record<string, unknown>;
}

const BYTES = Buffer.from('stray bytes');
const of = (
  { id, key, sizeBytes }: ArtifactRecord,
  detail: Record<string, unknown>,
  rest: Partial<Expected> = {},
): Expected => ({ subject: id, key, sizeBytes, detail, ...rest });

async function bytesOf(body: Readable | null): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of body ?? []) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function manifestOf(world: InspectedWorld): Promise<Expected & { executionId: string }> {
  const { executionId } = await world.active();
  return { subject: executionId, key: manifestKey(executionId), sizeBytes: null, detail: {}, executionId };
}

export const INJURIES: readonly Injury[] = [
  {
    what: 'the object is deleted behind our backs',
    kind: 'object_missing',
    injure: async (world) => {
      const record = await world.active();
      await world.parts.store.deleteVersion(record.key, record.versionId);
      return of(record, { row: { versionId: record.versionId, sizeBytes: 4, etag: record.etag }, store: null });
    },
  },
  {
    what: 'the bytes of what can still be brought back are gone',
    kind: 'object_missing',
    injure: async (world) => {
      const record = await world.active();
      await world.parts.store.addDeleteMarker(record.key);
      await world.change(record.id, { status: 'DELETED', purgeAtMs: Date.now() + HOUR_MS });
      await world.parts.store.deleteVersion(record.key, record.versionId);
      return of(record, { status: 'DELETED', store: null });
    },
  },
  {
    what: 'somebody puts a delete marker above it',
    kind: 'object_hidden',
    injure: async (world) => {
      const record = await world.active();
      const deleteMarker = await world.parts.store.addDeleteMarker(record.key);
      return of(record, { row: 'visible', store: { deleteMarker } });
    },
  },
  {
    what: 'an object that no row knows',
    kind: 'object_unknown',
    injure: async (world) => {
      const executionId = randomUUID();
      const key = artifactKey(executionId, 'output/stray.bin');
      const owner = { artifactId: randomUUID(), executionId, type: 'data' };
      const info = await world.parts.store.put({ key, mimeType: 'text/plain', owner, tags: {} }, BYTES);
      return { subject: `${key}@${info.versionId}`, key, sizeBytes: BYTES.length, detail: { owner, row: null } };
    },
  },
  {
    what: 'an object that no row knows, above one that is known',
    kind: 'object_unknown',
    injure: async (world) => {
      const record = await world.active();
      const { key, executionId } = record;
      const owner = { artifactId: 'not one of ours', executionId, type: 'data' };
      const info = await world.parts.store.put({ key, mimeType: 'text/plain', owner, tags: {} }, BYTES);
      return { subject: `${key}@${info.versionId}`, key, sizeBytes: BYTES.length, detail: { owner } };
    },
  },
  {
    what: 'a copy of an object under another key',
    kind: 'object_unknown',
    injure: async (world) => {
      const record = await world.active();
      const key = `${record.key}.copy`;
      const info = await world.parts.store.put({ ...objectAtCreation(record), key }, Buffer.from('xxxx'));
      return { subject: `${key}@${info.versionId}`, key, sizeBytes: 4, detail: { row: { key: record.key } } };
    },
  },
  {
    what: 'bytes of what is deleted for good',
    kind: 'object_left',
    injure: async (world) => {
      const record = await world.active();
      await world.change(record.id, { status: 'DELETED', purgeAtMs: null });
      world.fleet.end(record.id);
      return of(record, { row: 'DELETED', store: 'present' }, { subject: `${record.key}@${record.versionId}` });
    },
  },
  {
    what: 'a multipart upload that nobody waits for',
    kind: 'upload_unknown',
    injure: async (world) => {
      const record = await world.active();
      const subject = await world.parts.store.createUpload(objectAtCreation(record));
      return { subject, key: record.key, sizeBytes: 0, detail: { parts: 0, row: null } };
    },
  },
  {
    what: 'a workflow that was terminated',
    kind: 'life_missing',
    injure: async (world) => {
      const record = await world.active();
      world.fleet.end(record.id);
      return of(record, { status: 'ACTIVE', workflow: 'does not run' });
    },
  },
  {
    what: 'a row that is gone with its execution',
    kind: 'row_missing',
    injure: async (world) => {
      const record = await world.active();
      await world.parts.deleteExecution(record.executionId);
      return of(record, { row: null, workflow: 'runs' });
    },
  },
  {
    what: 'a row that says it is deleted, of an artifact that lives',
    kind: 'row_differs',
    injure: async (world) => {
      const record = await world.active();
      await world.change(record.id, { status: 'DELETED', purgeAtMs: Date.now() + HOUR_MS });
      world.lead(record);
      return of(record, { row: { status: 'DELETED' }, workflow: { status: 'ACTIVE' } });
    },
  },
  {
    what: 'a row that does not know that it is kept for ever, as of an older backup',
    kind: 'row_differs',
    injure: async (world) => {
      const record = await world.active();
      const retention = { rule: 'permanent', by: 'ann', reason: 'case 17', atMs: Date.now() } as const;
      world.lead({ ...record, retention, expiresAtMs: null, revision: record.revision + 1 });
      return of(record, { row: { expiresAtMs: record.expiresAtMs }, workflow: { retention, expiresAtMs: null } });
    },
  },
  {
    what: 'a row of an older backup, whose object was moved since',
    kind: 'row_differs',
    injure: async (world) => {
      const record = await world.active();
      // A move writes it again as another version; not every store here has classes.
      const { versionId, etag } = await world.parts.store.put(objectAtCreation(record), Buffer.alloc(4, 'x'));
      const moved = { ...record, versionId, etag, revision: 5 };
      await world.parts.store.putTags(moved, currentTags(moved, false));
      await world.parts.store.deleteVersion(record.key, record.versionId);
      world.lead(moved);
      return of(record, { row: { revision: record.revision }, workflow: { revision: 5, versionId } });
    },
  },
  {
    what: 'a row of an older backup, whose artifact was deleted for good since',
    kind: 'row_differs',
    injure: async (world) => {
      const record = await world.active();
      await world.parts.store.deleteVersion(record.key, record.versionId);
      world.fleet.end(record.id, { ...record, revision: 5, status: 'DELETED', deletionReason: 'requested' });
      return of(record, { row: { status: 'ACTIVE' }, workflow: { status: 'DELETED', ended: true } });
    },
  },
  {
    what: 'a row whose path somebody has changed',
    kind: 'row_differs',
    injure: async (world) => {
      const record = await world.active();
      const moved = await world.change(record.id, { key: `${record.key}.moved` });
      world.lead({ ...record, revision: moved.revision });
      return of(moved, { row: { key: moved.key }, workflow: { key: record.key } });
    },
  },
  {
    what: 'another storage class than the row says',
    kind: 'class_differs',
    injure: async (world) =>
      of(await world.active({}, { storageClass: 'GLACIER' }), { row: 'GLACIER', store: 'STANDARD' }),
  },
  {
    what: 'a retention tag that lets the rule of the bucket expire what is kept',
    kind: 'tags_differ',
    injure: async (world) => {
      const record = await world.active(
        {},
        { retention: { rule: 'permanent', by: 'ann', reason: 'case 17', atMs: Date.now() }, expiresAtMs: null },
      );
      const tags = { 'artifact-retention': 'expiring' };
      await world.parts.store.putTags(record, tags);
      return of(record, { row: { 'artifact-retention': 'permanent' }, store: tags });
    },
  },
  {
    what: 'a tag of its owner that is lost',
    kind: 'tags_differ',
    injure: async (world) => {
      const record = await world.active({ tags: { team: 'red' } });
      await world.parts.store.putTags(record, currentTags({ ...record, tags: {} }, true));
      return of(record, { row: { team: 'red', 'artifact-retention': 'expiring' } });
    },
  },
  {
    what: 'another size than the row says',
    kind: 'bytes_differ',
    injure: async (world) => {
      const record = await world.active();
      const changed = await world.change(record.id, { sizeBytes: 5 });
      return of(changed, { row: { sizeBytes: 5, etag: record.etag }, store: { sizeBytes: 4, etag: record.etag } });
    },
  },
  {
    what: 'other bytes than the row says',
    kind: 'bytes_differ',
    injure: async (world) =>
      of(await world.active({}, { etag: '"another"' }), { row: { sizeBytes: 4, etag: '"another"' } }),
  },
  {
    what: 'a deadline that passed while nobody worked',
    kind: 'expired_present',
    injure: async (world) =>
      of(await world.active({}, { expiresAtMs: Date.now() - 2 * HOUR_MS }), { store: 'present' }),
  },
  {
    what: 'a manifest that is missing',
    kind: 'manifest_differs',
    injure: manifestOf,
    afterwards: async (world, { key }) => {
      for (const { versionId } of await world.parts.store.listVersions(key))
        await world.parts.store.deleteVersion(key, versionId);
    },
  },
  {
    what: 'a manifest that does not tell of a row',
    kind: 'manifest_differs',
    injure: manifestOf,
    afterwards: async (world, { subject }) => {
      await world.active({ executionId: subject });
    },
  },
  {
    what: 'a manifest that says other things than its rows',
    kind: 'manifest_differs',
    injure: manifestOf,
    afterwards: async (world, { subject, key }) => {
      const text = String(await bytesOf(await world.parts.store.read({ key })));
      await world.parts.store.put(manifestObject(subject), Buffer.from(text.replace('"ACTIVE"', '"ARCHIVED"')));
    },
  },
  {
    what: 'a manifest of nothing',
    kind: 'manifest_differs',
    injure: async (world) => {
      const executionId = randomUUID();
      const body = Buffer.from('{"version":1,"artifacts":[\n]}');
      await world.parts.store.put(manifestObject(executionId), body);
      const key = manifestKey(executionId);
      return { subject: executionId, key, sizeBytes: body.length, detail: { row: 'nothing to list' } };
    },
  },
];
