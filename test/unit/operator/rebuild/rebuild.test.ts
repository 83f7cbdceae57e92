import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openDatabasesOfBucket } from '../../../../src/bucket-databases.js';
import { MemoryArtifactRecords } from '../../../../src/db/memory/memory-artifact-records.js';
import { MemoryDatabaseIdentity } from '../../../../src/db/memory/memory-database-identity.js';
import { MemoryRowInventory } from '../../../../src/db/memory/memory-row-inventory.js';
import type { ArtifactRecord } from '../../../../src/domain/artifact-record.js';
import { AT_WORK_MS, conflictOf } from '../../../../src/domain/bucket-databases.js';
import { ArtifactError } from '../../../../src/domain/errors.js';
import { artifactKey } from '../../../../src/domain/keys.js';
import { manifestEntry, manifestObject } from '../../../../src/domain/manifest.js';
import { DEFAULT_POLICY } from '../../../../src/domain/policy.js';
import { rowsMade, type Interrupted, type RebuildReport } from '../../../../src/domain/rebuild.js';
import { objectAtCreation } from '../../../../src/domain/stored-object.js';
import { rebuild } from '../../../../src/operator/rebuild/rebuild.js';
import { executionRetentionWorkflowId, publicationGuardWorkflowId } from '../../../../src/temporal/ids.js';
import { MemoryObjectStore } from '../../../../src/storage/memory/index.js';
import { sha256, BYTES } from '../../../support/virtual-time/virtual-artifact.js';
import { newArtifact } from '../../../support/new-artifact.js';
import { aRecord } from '../../../support/records.js';

const E = '11111111-1111-4111-8111-111111111111';

/** A bucket, lives that run, and an empty database. */
function aWorld() {
  const store = new MemoryObjectStore({});
  const records = new MemoryArtifactRecords();
  const running = new Map<string, ArtifactRecord | 'silent'>();
  const revived: string[] = [];
  /** How many lives had been started when the namespace was prepared. */
  const prepared: number[] = [];
  const changed: string[] = [];
  const promised: Interrupted[] = [];
  /** Ids of workflows that run besides lives. */
  const leading = new Set<string>();
  /** What was taken up, and how many lives had been started by then. */
  const takenUp: [Interrupted['kind'], number][] = [];
  const finished: RebuildReport[] = [];
  const committed = new Set<string>();
  const databaseOf = (name: string) => openDatabasesOfBucket({ store, identity: new MemoryDatabaseIdentity(), name });
  const ours = databaseOf('ours');
  const run = (options: { apply?: boolean; tenantId?: string; lost?: string[] } = {}) =>
    rebuild(
      {
        ...{ store, records, rows: new MemoryRowInventory(records), databases: ours },
        storeNowMs: () => Promise.resolve(Date.now()),
        running: {
          count: () => Promise.resolve(running.size),
          list: async function* (executionId) {
            await Promise.resolve();
            for (const [id, life] of running)
              if (executionId === null || life === 'silent' || life.executionId === executionId) yield id;
          },
          recordOf: (id) => {
            const life = running.get(id) ?? null;
            if (life === 'silent') return Promise.reject(new ArtifactError('not_yet_answered', 'no answer'));
            return Promise.resolve(life);
          },
          isCommitted: (_executionId, id) => Promise.resolve(committed.has(id)),
          runs: (id) => Promise.resolve(leading.has(id)),
          close: () => Promise.resolve(),
        },
        lives: {
          revive: ({ id }) => {
            if (running.has(id) || revived.includes(id)) return Promise.resolve(false);
            revived.push(id);
            return Promise.resolve(true);
          },
          isAlive: (id) => Promise.resolve(running.has(id) || revived.includes(id)),
          executionChanged: (id) => {
            changed.push(id);
            return Promise.resolve();
          },
          takeUp: ({ kind }) => {
            takenUp.push([kind, revived.length]);
            return Promise.resolve();
          },
        },
        prepareNamespace: () => {
          prepared.push(revived.length);
          return Promise.resolve(['the schedule is there']);
        },
        rebuilds: {
          listUnended: async function* () {
            await Promise.resolve();
            yield* promised;
          },
          finish: (report) => {
            finished.push(structuredClone(report));
            return Promise.resolve();
          },
        },
      },
      {
        ...{
          apply: options.apply ?? true,
          tenantId: options.tenantId ?? null,
          lost: options.lost ?? [],
          perSecond: 100_000,
        },
        ...{ defaultRetentionDays: 30, policy: DEFAULT_POLICY },
        signal: new AbortController().signal,
        tell: () => undefined,
      },
    );
  /** An artifact with its bytes in the bucket. */
  const stored = async (overrides: Partial<ArtifactRecord> = {}): Promise<ArtifactRecord> => {
    const id = randomUUID();
    const path = overrides.path ?? `output/${id}.txt`;
    const own = { id, executionId: E, path, key: artifactKey(E, path), sha256: sha256(BYTES), sizeBytes: BYTES.length };
    const record = aRecord({ ...own, createdAtMs: Date.now(), policy: DEFAULT_POLICY, ...overrides });
    record.expiresAtMs = record.createdAtMs + 30 * 86_400_000;
    const { versionId, etag } = await store.put(objectAtCreation(record), BYTES);
    return { ...record, versionId, etag };
  };
  const manifest = async (
    listed: ArtifactRecord[],
    tail = '\n],"artifactCount":0,"totalBytes":0}\n',
  ): Promise<void> => {
    const head = { version: 1, executionId: E, tenantId: 'acme', retentionDays: 60, generatedAt: '' };
    const lines = listed.map((record) => `\n${JSON.stringify(manifestEntry(record))}`).join(',');
    const text = `${JSON.stringify(head).slice(0, -1)},"artifacts":[${lines}${tail}`;
    await store.put(manifestObject(E), Buffer.from(text));
  };
  return {
    store,
    records,
    running,
    ours,
    databaseOf,
    revived,
    prepared,
    promised,
    leading,
    takenUp,
    changed,
    finished,
    committed,
    run,
    stored,
    manifest,
  };
}

const left = ({ leftOut }: RebuildReport) =>
  Object.fromEntries(leftOut.map(({ reason, artifacts }) => [reason, artifacts]));

describe('a rebuild', () => {
  it('believes a life before a manifest, and a manifest before an object', async () => {
    const { stored, manifest, running, run, records } = aWorld();
    const [alive, listed, bare] = [await stored(), await stored(), await stored()];
    await manifest([alive, { ...listed, tags: { from: 'manifest' } }]);
    running.set(alive.id, { ...alive, tags: { from: 'life' } });
    const report = await run();
    expect(Object.values(report.rows).map(({ artifacts }) => artifacts)).toEqual([1, 1, 1]);
    expect(await records.get(alive.id)).toMatchObject({ tags: { from: 'life' }, revision: alive.revision + 1 });
    expect(await records.get(listed.id)).toMatchObject({ tags: { from: 'manifest' } });
    expect(await records.get(bare.id)).toMatchObject({ tenantId: 'acme', retention: { rule: 'execution', days: 60 } });
    expect(await records.getExecution(E)).toMatchObject({ tenantId: 'acme', retentionDays: 60 });
  });

  it('changes nothing unless it is told to, and foretells what it then does', async () => {
    const { stored, manifest, run, records, revived, prepared, finished } = aWorld();
    await manifest([await stored()]);
    await stored();
    const plan = await run({ apply: false });
    expect([await records.everyRow(), revived, prepared, finished]).toEqual([[], [], [], []]);
    expect(plan.prepared).toEqual([]);
    const made = await run();
    expect([made.rows, made.lives]).toEqual([plan.rows, plan.lives]);
  });

  it('changes nothing the second time', async () => {
    const { stored, manifest, run, changed, finished, records } = aWorld();
    await manifest([await stored(), await stored()]);
    await run();
    const rows = await records.everyRow();
    const again = await run();
    expect([rowsMade(again), again.lives, again.livesThere]).toEqual([0, 0, 2]);
    expect([changed, finished.length]).toEqual([[E], 1]);
    expect(await records.everyRow()).toEqual(rows);
  });

  it('invents nothing that was deleted: bytes that are gone, hidden, or under those of another', async () => {
    const { stored, manifest, run, store, records } = aWorld();
    const [gone, hidden, below] = [await stored(), await stored(), await stored()];
    await store.deleteVersion(gone.key, gone.versionId);
    await store.addDeleteMarker(hidden.key);
    const above = await stored({ path: below.path, key: below.key });
    await manifest([gone, hidden, below]);
    const unlisted = await stored();
    await store.addDeleteMarker(unlisted.key);
    const report = await run();
    expect(left(report)).toEqual({ bytes_gone: 1, deleted: 3 });
    expect((await records.everyRow()).map(({ id }) => id)).toEqual([above.id]);
  });

  it('makes the row of what somebody wrote over by other means, unless it had been deleted before', async () => {
    const { stored, manifest, run, store, records } = aWorld();
    const [covered, deleted] = [await stored(), await stored()];
    await manifest([covered, deleted]);
    await store.addDeleteMarker(deleted.key);
    // Only others write what has no owner, which a put of ours cannot say.
    const owner = null as unknown as ReturnType<typeof objectAtCreation>['owner'];
    for (const record of [covered, deleted])
      await store.put({ ...objectAtCreation(record), owner }, Buffer.from('foreign'));
    const report = await run();
    expect(left(report)).toEqual({ deleted: 1, foreign: 2 });
    expect(await records.everyRow()).toMatchObject([{ id: covered.id, versionId: covered.versionId }]);
  });

  it('adopts the copy that was made after the manifest was written', async () => {
    const { stored, manifest, run, store, records } = aWorld();
    const record = await stored();
    await manifest([record]);
    const { versionId } = await store.copyToClass(record, 'STANDARD_IA');
    await run();
    expect(await records.get(record.id)).toMatchObject({ versionId, storageClass: 'STANDARD_IA', tier: 'WARM' });
  });

  it('leaves alone what is there, and what has its path by now', async () => {
    const { stored, manifest, run, records } = aWorld();
    const record = await stored();
    await manifest([record]);
    const successor = await records.register(newArtifact({ executionId: E, tenantId: 'acme', path: record.path }));
    const report = await run();
    expect(left(report)).toEqual({ path_taken: 1 });
    expect(await records.everyRow()).toEqual([successor]);
  });

  it('does not guess whose an object is, nor what is not ours', async () => {
    const { stored, run, store, records } = aWorld();
    const record = await stored();
    const foreign = { owner: { artifactId: 'x', executionId: 'y', type: 'z' }, mimeType: 'text/plain', tags: {} };
    await store.put({ ...foreign, key: `artifacts/${E}/output/stray` }, BYTES);
    await store.put({ ...foreign, key: 'artifacts/readme.txt' }, BYTES);
    expect(left(await run())).toEqual({ tenant_unknown: 1, foreign: 2 });
    expect(rowsMade(await run({ tenantId: 'acme' }))).toBe(1);
    expect(await records.get(record.id)).toMatchObject({ tenantId: 'acme', checksumState: 'verified' });
  });

  it.each(['not JSON', '{"version":1}'])('takes the manifest %s for none, and says so', async (text) => {
    const { stored, run, store } = aWorld();
    await stored();
    await store.put(manifestObject(E), Buffer.from(text));
    expect(left(await run({ tenantId: 'acme' }))).toEqual({ unreadable: 1 });
  });

  it('believes what is whole of a manifest that was cut off', async () => {
    const { stored, manifest, run } = aWorld();
    await manifest([await stored()], ',\n{"id":"half');
    const report = await run();
    expect(report.rows.manifest.artifacts).toBe(1);
    expect(left(report)).toEqual({ unreadable: 2 });
  });

  it('makes no row of what a silent life knows, and ends nothing before it has spoken', async () => {
    const { stored, manifest, running, run, records, finished, changed } = aWorld();
    const [silent, speaking] = [await stored(), await stored()];
    await manifest([silent, speaking]);
    running.set(speaking.id, speaking);
    running.set(silent.id, 'silent');
    const report = await run();
    expect(left(report)).toEqual({ silent: 1 });
    expect(await records.get(silent.id)).toBeNull();
    expect([finished, changed]).toEqual([[], []]);
    running.set(silent.id, silent);
    expect((await run()).rows.workflow.artifacts).toBe(1);
    expect(finished).toHaveLength(1);
  });

  it('refuses when no life answers at all', async () => {
    const { stored, running, run } = aWorld();
    running.set((await stored()).id, 'silent');
    await expect(run()).rejects.toMatchObject({ code: 'wrong_state' });
  });

  it('keeps what waits for its publication hidden, unless that was committed', async () => {
    const { stored, manifest, running, run, records, committed } = aWorld();
    const [open, over] = [randomUUID(), randomUUID()];
    const hidden = await stored({ awaitsPublication: open });
    const shown = await stored({ awaitsPublication: over });
    const listed = await stored({ awaitsPublication: open });
    committed.add(over);
    for (const record of [hidden, shown, listed]) running.set(record.id, record);
    await manifest([listed]);
    expect((await run()).hidden).toBe(1);
    const waiting = async ({ id }: ArtifactRecord) => (await records.get(id))?.awaitsPublication;
    expect([await waiting(hidden), await waiting(shown), await waiting(listed)]).toEqual([open, null, null]);
    expect(await records.getPublication({ executionId: E, id: open })).toMatchObject({ state: 'open' });
    expect(await records.getExecution(E)).toMatchObject({ retentionDays: 60 });
  });

  it('makes rows of lives whose bytes are not there yet, and none of one that was never registered', async () => {
    const { running, run, records } = aWorld();
    const uploading = aRecord({ id: randomUUID(), status: 'UPLOADING', policy: DEFAULT_POLICY });
    const refused = aRecord({ id: randomUUID(), status: 'DELETED', path: 'output/b', key: artifactKey(E, 'output/b') });
    for (const record of [uploading, refused]) running.set(record.id, record);
    expect(rowsMade(await run())).toBe(1);
    expect(await records.get(uploading.id)).toMatchObject({ status: 'UPLOADING' });
  });

  it('gives every row that has none its life, and tells the manifests', async () => {
    const { stored, run, records, revived, prepared, changed, running } = aWorld();
    const rows = [await stored(), await stored()];
    for (const row of rows) await records.restoreRow(row, { actor: 'ann', detail: {} });
    running.set(rows[0]!.id, rows[0]!);
    expect(await run()).toMatchObject({ lives: 1, livesThere: 1, prepared: ['the schedule is there'] });
    expect([prepared, revived, changed]).toEqual([[0], [rows[1]!.id], [E]]);
  });

  it('takes up what was promised and runs no more, after the lives, and only when it is told to', async () => {
    const { stored, run, records, promised, leading, takenUp } = aWorld();
    await records.restoreRow(await stored(), { actor: 'ann', detail: {} });
    const by = { executionId: E, tenantId: 'acme', actor: 'ann' };
    const deletion: Interrupted = { kind: 'execution_deletion', ...by, id: 'd', requests: ['d'], lastOrdinal: 1 };
    const [lost, guarded] = ['p1', 'p2'].map((id) => ({ kind: 'publication', ...by, id }) as const);
    promised.push(deletion, lost!, guarded!, { kind: 'execution_retention', ...by, days: 7 });
    leading.add(publicationGuardWorkflowId(E, 'p2'));
    leading.add(executionRetentionWorkflowId(E));
    expect(await run({ apply: false })).toMatchObject({ takenUp: 2, interrupted: [deletion, lost] });
    expect(takenUp).toEqual([]);
    expect(await run()).toMatchObject({ takenUp: 2, interrupted: [deletion, lost] });
    expect(takenUp).toEqual([
      ['execution_deletion', 1],
      ['publication', 1],
    ]);
  });
});

describe('a rebuild of a bucket with which another database works', () => {
  afterEach(() => vi.useRealTimers());

  const later = (ms: number): unknown => vi.useFakeTimers({ toFake: ['Date'] }).setSystemTime(Date.now() + ms);

  it('makes no rows of what that may know, and says what to do', async () => {
    const { run, stored, manifest, databaseOf, records } = aWorld();
    const record = await stored();
    await manifest([record]);
    const other = databaseOf('production');
    await other.enter();
    const { id } = await other.look();
    expect(await run({ apply: false })).toMatchObject({ otherDatabases: [{ id, name: 'production' }], takenOver: [] });
    await expect(run()).rejects.toMatchObject({
      code: 'wrong_state',
      message: expect.stringMatching(new RegExp(`${id} \\(production\\).*--lost ${id}`)) as string,
    });
    expect(await records.get(record.id)).toBeNull();
  });

  it('takes the place of one that has said nothing for a while, or is told to be lost, once all is made', async () => {
    const { run, stored, manifest, databaseOf, ours, records } = aWorld();
    const record = await stored();
    await manifest([record]);
    const [silent, lost] = [databaseOf('silent'), databaseOf('lost')];
    await silent.enter();
    later(AT_WORK_MS);
    await lost.enter();
    const ids = await Promise.all([silent, lost].map(async (one) => (await one.look()).id));
    const report = await run({ lost: [ids[1]!] });
    expect(report.takenOver.sort()).toEqual(ids.sort());
    expect(conflictOf(await ours.look())).toBeNull();
    expect((await ours.look()).own).not.toBeNull();
    expect(await records.get(record.id)).not.toBeNull();
  });

  it('does so also when nothing was missing, so that it may be repeated', async () => {
    const { run, databaseOf, ours } = aWorld();
    await databaseOf('before').enter();
    later(AT_WORK_MS);
    expect((await run()).takenOver).toHaveLength(1);
    expect(conflictOf(await ours.look())).toBeNull();
  });

  it('does not before every life has spoken', async () => {
    const { run, stored, databaseOf, running } = aWorld();
    await databaseOf('before').enter();
    later(AT_WORK_MS);
    const record = await stored();
    running.set(record.id, record);
    running.set(randomUUID(), 'silent');
    const report = await run();
    expect(left(report)).toEqual({ silent: 1 });
    expect([report.otherDatabases.length, report.takenOver]).toEqual([1, []]);
  });

  it('leaves one that has said something meanwhile, whatever it was told of it', async () => {
    const { run, databaseOf, ours } = aWorld();
    const other = databaseOf('alive');
    await other.enter();
    const { id } = await other.look();
    const look = ours.look.bind(ours);
    ours.look = async () => {
      const seen = await look();
      later(AT_WORK_MS);
      await other.enter();
      return seen;
    };
    expect(await run({ lost: [id] })).toMatchObject({ otherDatabases: [{ id }], takenOver: [] });
    expect(conflictOf(await ours.look())).not.toBeNull();
  });
});
