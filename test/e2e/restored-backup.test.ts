import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { backUp, restoreBackup } from '../support/backups.js';
import { openDriftWorld, outcomes, type DriftWorld } from '../support/drift-world.js';
import { anArtifact, anUpload, completed, look, sent, type LifeWorld } from '../support/life-world.js';
import { rebuildOf } from '../support/lost-servers.js';

/* A database that was restored from an older backup, while Temporal and the bucket had gone on. */

const ANN = { actor: 'ann' };

let drift: DriftWorld;
let world: LifeWorld;
beforeAll(async () => {
  drift = await openDriftWorld();
  world = drift.world;
});
afterAll(() => drift.close());

const execution = randomUUID();
const hold = (reason: string) => ({ id: randomUUID(), reason, untilMs: null });

/** What has happened to an artifact before the backup, and what happens to it after. */
interface Story {
  before?: (record: ArtifactRecord) => Promise<unknown>;
  after: (record: ArtifactRecord) => Promise<unknown>;
  /** It is still being uploaded at the backup. */
  begun?: true;
}

const held = hold('case 17');
const STORIES: Record<string, Story> = {
  untouched: { after: () => Promise.resolve() },
  kept: { after: ({ id }) => world.lifecycle.keepForever(id, { ...ANN, reason: 'evidence' }) },
  'kept for longer': { after: ({ id }) => world.lifecycle.setRetention(id, { ...ANN, days: 400, confirm: false }) },
  tagged: { after: ({ id }) => world.lifecycle.setTags(id, { ...ANN, tags: { team: 'red' }, merge: true }) },
  archived: { after: ({ id }) => world.lifecycle.archiveArtifact(id, ANN) },
  'held once more': {
    before: ({ id }) => world.lifecycle.addHold(id, { ...ANN, hold: hold('case 3') }),
    after: ({ id }) => world.lifecycle.addHold(id, { ...ANN, hold: hold('case 4') }),
  },
  'held no more': {
    before: ({ id }) => world.lifecycle.addHold(id, { ...ANN, hold: held }),
    after: ({ id }) => world.lifecycle.endHold(id, { ...ANN, holdId: held.id }),
  },
  deleted: { after: ({ id }) => world.lifecycle.deleteArtifact(id, ANN) },
  'deleted for good': { after: ({ id }) => world.lifecycle.purgeArtifact(id, ANN) },
  'deleted before and for good after': {
    before: ({ id }) => world.lifecycle.deleteArtifact(id, ANN),
    after: ({ id }) => world.lifecycle.purgeArtifact(id, ANN),
  },
  undeleted: {
    before: ({ id }) => world.lifecycle.deleteArtifact(id, ANN),
    after: ({ id }) => world.lifecycle.undeleteArtifact(id, ANN),
  },
  completed: { begun: true, after: (record) => completed(world, record) },
  aborted: { begun: true, after: ({ id }) => world.lifecycle.abortUpload(id, ANN) },
  'still being uploaded': {
    begun: true,
    after: ({ id }) => world.lifecycle.setRetention(id, { ...ANN, days: 90, confirm: false }),
  },
};

const records = new Map<string, ArtifactRecord>();
const idOf = (name: string): string => records.get(name)?.id ?? '';

/** What stays the same when a row is written again. */
function facts(row: ArtifactRecord | null): Partial<ArtifactRecord> | null {
  if (row === null) return null;
  const { revision: _revision, updatedAtMs: _updatedAtMs, downloads: _downloads, ...rest } = row;
  return rest;
}

const rowsNow = async (): Promise<Record<string, unknown>> =>
  Object.fromEntries(
    await Promise.all([...records].map(async ([name, { id }]) => [name, facts(await world.records.get(id))] as const)),
  );

/** New ones: at a path that was taken at the backup, at a free one, and in an execution of its own. */
async function newArtifacts(): Promise<void> {
  const { id, path } = records.get('replaced')!;
  await world.lifecycle.deleteArtifact(id, ANN);
  records.set('successor', await anArtifact(world, { executionId: execution, path }));
  records.set('new', await anArtifact(world, { executionId: execution }));
  records.set('new with its execution', await anArtifact(world));
}

it('is brought up to what workflows and bucket know, nothing is lost, and nothing differs afterwards', async () => {
  for (const [name, { before, begun }] of Object.entries(STORIES)) {
    const upload = anUpload({ executionId: execution });
    const begunRecord = await sent(world, upload);
    const record = begun === true ? begunRecord : await completed(world, begunRecord);
    records.set(name, record);
    await before?.(record);
  }
  for (const name of ['replaced', 'moved by SQL', 'set back by SQL'])
    records.set(name, await anArtifact(world, { executionId: execution }));
  await drift.whileDown(() => backUp(world.stack));
  for (const [name, { after }] of Object.entries(STORIES)) await after(records.get(name)!);
  await newArtifacts();
  const wanted = await rowsNow();

  await drift.whileDown(async () => {
    await restoreBackup(world.stack);
    const [moved, set] = ['moved by SQL', 'set back by SQL'].map(idOf);
    await drift.database.query(
      `UPDATE artifacts SET file_path = file_path || '.moved', file_name = file_name || '.moved' WHERE id = $1`,
      [moved],
    );
    await drift.database.query('UPDATE artifacts SET revision = 0 WHERE id = $1', [set]);
  });
  const found = await drift.reconcile();
  expect(found.code).toBe(1);
  const kinds = (name: string) =>
    found.findings.filter(({ artifactId }) => artifactId === idOf(name)).map(({ kind }) => kind);
  for (const name of [...Object.keys(STORIES), 'replaced', 'moved by SQL', 'set back by SQL'])
    expect([name, kinds(name)]).toEqual([name, name === 'untouched' ? [] : ['row_differs']]);
  for (const name of ['successor', 'new', 'new with its execution'])
    expect([name, kinds(name)]).toEqual([name, ['row_missing']]);

  const healed = await drift.reconcile('--repair');
  expect(outcomes(healed).filter(([, outcome]) => outcome !== 'repaired')).toEqual([['row_missing', 'open']]);
  expect(await rebuildOf(world.stack, world.stack.namespace, '--apply')).toMatchObject({
    rows: { workflow: { artifacts: 1 }, manifest: { artifacts: 0 }, object: { artifacts: 0 } },
    leftOut: [],
  });
  expect(await rowsNow()).toEqual(wanted);
  for (const [name, { id }] of records) {
    const row = await world.records.get(id);
    if (row?.status === 'DELETED' && row.purgeAtMs === null) continue;
    const { known, workflow } = await look(world, id);
    expect([name, workflow, facts(known)]).toEqual([name, 'RUNNING', facts(row)]);
    if (row?.status === 'ACTIVE') expect([name, await bytesThere(row)]).toEqual([name, true]);
  }
  await expect.poll(async () => outcomes(await drift.reconcile()), { timeout: 60_000 }).toEqual([]);
});

/** Of its own, and nobody hides them. */
async function bytesThere({ id, key, versionId }: ArtifactRecord): Promise<boolean> {
  const info = await world.bucket.head({ key });
  return info?.owner?.artifactId === id && info.versionId === versionId;
}
