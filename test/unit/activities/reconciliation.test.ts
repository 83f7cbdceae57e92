import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { createActivities, type ArtifactLives } from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import { MemoryQuarantine } from '../../../src/db/memory/memory-quarantine.js';
import { MemoryReconciliations } from '../../../src/db/memory/memory-reconciliations.js';
import type { NumberedFinding } from '../../../src/db/reconciliations.js';
import type { ArtifactRecord, RecordPatch } from '../../../src/domain/artifact-record.js';
import { NOTHING_INSPECTED, type Finding } from '../../../src/domain/drift.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import { manifestKey } from '../../../src/domain/keys.js';
import { manifestObject } from '../../../src/domain/manifest.js';
import type { ReconciliationMode } from '../../../src/domain/reconcile.js';
import type { Repair } from '../../../src/domain/repair.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/domain/units.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import { changeOf, newArtifact } from '../../support/new-artifact.js';
import { CAPABLE_OF_ALL, NO_OTHERS, QUIET, SETTINGS } from '../../support/virtual-time/virtual-artifact.js';

const AT_MS = Date.UTC(2026, 0, 10);

/** Rows, objects and lives that do as a test says, and reconciliations of what it says was found. */
function world({ versioning = true } = {}) {
  const clock = { nowMs: AT_MS };
  const store = new MemoryObjectStore({ now: () => clock.nowMs, versioning });
  const records = new MemoryArtifactRecords();
  const [reconciliations, quarantine] = [new MemoryReconciliations(), new MemoryQuarantine()];
  /** What each life answers, in turn; without an entry there is none. */
  const answers = new Map<string, (Repair | Error)[]>();
  const told: string[] = [];
  const lives: ArtifactLives = {
    ...NO_OTHERS,
    isAlive: (id) => Promise.resolve(answers.has(id)),
    revive: (row) => {
      told.push(`revive ${row.id}`);
      const isNew = !answers.has(row.id);
      if (isNew) answers.set(row.id, [{ outcome: 'nothing', note: 'all is well' }]);
      return Promise.resolve(isNew);
    },
    repairArtifact: (id, { actor, runId }) => {
      told.push(`repair ${id} for ${actor} ${runId === undefined ? '' : 'of a run'}`);
      const [answer = false, ...later] = answers.get(id) ?? [];
      if (later.length > 0) answers.set(id, later);
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
  };
  const activities = createActivities({
    ...{ store, records, lives, reconciliations, quarantine, capabilities: CAPABLE_OF_ALL },
    settings: { ...SETTINGS, reconciliation: { quarantineDays: 7, keepDays: 30 } },
  });
  const settle = async (
    findings: Finding[],
    given: { mode?: ReconciliationMode; brake?: string; attempt?: number; runId?: string } = {},
  ): Promise<NumberedFinding[]> => {
    const { mode = 'repair', brake = null, attempt = 1, runId = randomUUID() } = given;
    const startedAtMs = clock.nowMs;
    await activities.beginReconciliation({ id: runId, mode, startedAtMs });
    await reconciliations.addFindings(runId, findings);
    const query = { runId, mode, startedAtMs, afterNumber: 0, brake };
    await new MockActivityEnvironment({ attempt }, { logger: QUIET }).run(
      (of: typeof query) => activities.settleFindings(of),
      query,
    );
    return reconciliations.listFindings({ runId, tenantId: null, afterNumber: 0, limit: 1_000 });
  };
  return {
    ...{ clock, store, records, reconciliations, quarantine, lives, answers, told, activities, settle },
    /** With a row and, unless it is to have none, bytes. */
    stored: async (patch: RecordPatch = {}): Promise<ArtifactRecord> => {
      const record = await records.register(newArtifact({ createdAtMs: AT_MS - DAY_MS }));
      const { versionId } = await store.put(objectAtCreation(record), Buffer.from('some bytes'));
      return records.change(changeOf(record.id, 1, { status: 'ACTIVE', versionId, ...patch }));
    },
    /** An object of nobody. */
    stray: async (key = `artifacts/${randomUUID()}/output/stray.bin`) => {
      const owner = { artifactId: randomUUID(), executionId: randomUUID(), type: 'data' };
      const { versionId } = await store.put({ key, mimeType: 'text/plain', owner, tags: {} }, Buffer.from('stray'));
      return aFinding({ kind: 'object_unknown', key, versionId, subject: `${key}@${versionId}` });
    },
  };
}

const aFinding = (given: Partial<Finding>): Finding => ({
  ...{ kind: 'object_missing', subject: randomUUID(), artifactId: null, executionId: null, tenantId: null, key: null },
  ...{ versionId: null, uploadId: null, sizeBytes: null, sinceMs: null, detail: {} },
  ...given,
});
const about = (record: { id: string }, kind: Finding['kind'] = 'object_missing'): Finding =>
  aFinding({ kind, artifactId: record.id, subject: record.id });
const objectOf = (key: string) => ({
  key,
  mimeType: 'text/plain',
  owner: { artifactId: randomUUID(), executionId: randomUUID(), type: 'data' },
  tags: {},
});
const HEALED: Repair = { outcome: 'repaired', note: 'was broken, is whole' };
const WELL: Repair = { outcome: 'nothing', note: 'all is well' };

describe('what the workflow of an artifact heals', () => {
  it.each([
    'object_missing',
    'object_hidden',
    'class_differs',
    'tags_differ',
    'bytes_differ',
    'expired_present',
    'life_missing',
    'row_missing',
  ] as const)('%s is told to it, and its answer is what became of the finding', async (kind) => {
    const { settle, answers, told } = world();
    const record = { id: randomUUID() };
    answers.set(record.id, [HEALED]);
    expect(await settle([about(record, kind)])).toMatchObject([HEALED]);
    expect(told).toEqual([`repair ${record.id} for reconciliation of a run`]);
  });

  it('is gone when the workflow finds nothing wrong, and failed when it says so', async () => {
    const { settle, answers } = world();
    const [well, broken] = [{ id: randomUUID() }, { id: randomUUID() }];
    answers.set(well.id, [WELL]);
    answers.set(broken.id, [{ outcome: 'failed', note: 'the bytes are lost' }]);
    expect(await settle([about(well), about(broken)])).toMatchObject([
      { outcome: 'gone', note: 'all is well' },
      { outcome: 'failed', note: 'the bytes are lost' },
    ]);
  });

  it('counts as repaired when another finding about the same artifact was repaired just before', async () => {
    const { settle, answers } = world();
    const record = { id: randomUUID() };
    answers.set(record.id, [HEALED, WELL]);
    const findings = [about(record, 'class_differs'), about(record, 'tags_differ')];
    expect(await settle(findings)).toMatchObject([HEALED, HEALED]);
  });

  it('starts the workflow from the row when none runs', async () => {
    const { settle, stored, told } = world();
    const record = await stored();
    expect(await settle([about(record, 'life_missing')])).toMatchObject([{ outcome: 'repaired' }]);
    const repair = `repair ${record.id} for reconciliation of a run`;
    expect(told).toEqual([repair, `revive ${record.id}`, repair]);
  });

  it('is gone with row and workflow, and when a row has appeared whose workflow ended', async () => {
    const { settle, stored } = world();
    const findings = [about({ id: randomUUID() }), about(await stored(), 'row_missing')];
    expect((await settle(findings)).map(({ outcome }) => outcome)).toEqual(['gone', 'gone']);
  });

  it('is withheld when so much would be lost that it looks like a mistake, and only what would be lost', async () => {
    const { settle, answers, told } = world();
    const [lost, hidden] = [{ id: randomUUID() }, { id: randomUUID() }];
    answers.set(hidden.id, [HEALED]);
    const settled = await settle([about(lost), about(hidden, 'object_hidden')], { brake: 'withheld: too much' });
    expect(settled).toMatchObject([{ outcome: 'withheld', note: 'withheld: too much' }, HEALED]);
    expect(told).toHaveLength(1);
  });

  it.each(['life_missing', 'row_missing'] as const)(
    'is withheld too when it is %s: whoever starts or writes it would look for its bytes',
    async (kind) => {
      const { settle, stored, told, answers } = world();
      const record = await stored();
      if (kind === 'row_missing') answers.set(record.id, [HEALED]);
      expect(await settle([about(record, kind)], { brake: 'withheld: too much' })).toMatchObject([
        { outcome: 'withheld' },
      ]);
      expect(told).toEqual([]);
    },
  );

  it('is left alone by a dry run', async () => {
    const { settle, answers, told } = world();
    const record = { id: randomUUID() };
    answers.set(record.id, [HEALED]);
    expect(await settle([about(record)], { mode: 'dry-run' })).toMatchObject([{ outcome: 'open', note: null }]);
    expect(told).toEqual([]);
  });
});

describe('a finding that goes wrong', () => {
  const unavailable = new ArtifactError('storage_unavailable', 'no answer');

  it('is tried again with its slice, and then told, while the others are settled', async () => {
    const { settle, answers } = world();
    const [poison, fine] = [{ id: randomUUID() }, { id: randomUUID() }];
    answers.set(poison.id, [unavailable]);
    answers.set(fine.id, [HEALED]);
    const findings = [about(poison), about(fine)];
    await expect(settle(findings)).rejects.toMatchObject({ type: 'storage_unavailable' });
    expect(await settle(findings, { attempt: 3 })).toMatchObject([
      { outcome: 'failed', note: 'storage_unavailable: no answer' },
      { outcome: 'repaired' },
    ]);
  });

  it('is told at once when its workflow takes too long', async () => {
    const { settle, answers } = world();
    const slow = { id: randomUUID() };
    answers.set(slow.id, [new ArtifactError('not_yet_answered', 'no answer in time')]);
    expect(await settle([about(slow)])).toMatchObject([{ outcome: 'failed' }]);
  });

  it('is not blamed for an outage, however often it was tried', async () => {
    const { settle, answers, store } = world();
    const record = { id: randomUUID() };
    answers.set(record.id, [unavailable]);
    store.outage = 'storage_unavailable';
    await expect(settle([about(record)], { attempt: 9 })).rejects.toMatchObject({ type: 'storage_unavailable' });
    store.outage = null;
    answers.set(record.id, [new ArtifactError('workflows_unavailable', 'Temporal does not answer')]);
    await expect(settle([about(record)], { attempt: 9 })).rejects.toMatchObject({ type: 'workflows_unavailable' });
  });

  it('is passed over by the attempt after the one that settled it', async () => {
    const { settle, answers, told } = world();
    const [done, next] = [{ id: randomUUID() }, { id: randomUUID() }];
    answers.set(done.id, [HEALED]);
    answers.set(next.id, [unavailable, HEALED]);
    const runId = randomUUID();
    const findings = [about(done), about(next)];
    await expect(settle(findings, { runId })).rejects.toThrow();
    expect(await settle(findings, { runId, attempt: 2 })).toMatchObject([HEALED, HEALED]);
    expect(told.filter((line) => line.includes(done.id))).toHaveLength(1);
  });
});

describe('an object that nobody knows', () => {
  const outcomes = (settled: NumberedFinding[]) => settled.map(({ outcome }) => outcome);

  it('is quarantined at first sight, and removed for good after the days of quarantine', async () => {
    const { settle, stray, store, clock, quarantine } = world();
    const finding = await stray();
    clock.nowMs += 2 * DAY_MS;
    expect(await settle([finding])).toMatchObject([
      {
        outcome: 'quarantined',
        note: 'in quarantine since 2026-01-12 00:00, removed for good by a repair after 2026-01-19 00:00',
      },
    ]);
    clock.nowMs += 7 * DAY_MS - 1;
    expect(outcomes(await settle([finding]))).toEqual(['quarantined']);
    expect(await store.listVersions(finding.key!)).toHaveLength(1);
    clock.nowMs += 1;
    expect(await settle([finding])).toMatchObject([{ outcome: 'repaired' }]);
    expect(await store.listVersions(finding.key!)).toHaveLength(0);
    expect(await quarantine.findQuarantined({ key: finding.key!, versionId: finding.versionId })).toBeNull();
    expect(store.keys()).toEqual([]);
  });

  it('is not removed by a dry run, which says that it is in quarantine', async () => {
    const { settle, stray, store, clock } = world();
    const finding = await stray();
    expect(outcomes(await settle([finding], { mode: 'dry-run' }))).toEqual(['open']);
    await settle([finding]);
    clock.nowMs += 30 * DAY_MS;
    expect(outcomes(await settle([finding], { mode: 'dry-run' }))).toEqual(['quarantined']);
    expect(await store.listVersions(finding.key!)).toHaveLength(1);
  });

  it('is not removed while the brake is on', async () => {
    const { settle, stray, store, clock } = world();
    const finding = await stray();
    await settle([finding]);
    clock.nowMs += 8 * DAY_MS;
    expect(outcomes(await settle([finding], { brake: 'withheld: too much' }))).toEqual(['withheld']);
    expect(await store.listVersions(finding.key!)).toHaveLength(1);
  });

  it('is not removed when the store says that it is younger than an hour, whatever our clock says', async () => {
    const { settle, stray, store, clock, quarantine } = world();
    const finding = await stray();
    await settle([finding]);
    const object = { key: finding.key!, versionId: finding.versionId };
    const seen = (await quarantine.findQuarantined(object))!;
    await quarantine.quarantineObject({ ...seen, etag: 'other' }, AT_MS - 9 * DAY_MS);
    await quarantine.quarantineObject(seen, AT_MS - 8 * DAY_MS);
    clock.nowMs += HOUR_MS - MINUTE_MS;
    expect(outcomes(await settle([finding]))).toEqual(['quarantined']);
    clock.nowMs += MINUTE_MS;
    expect(outcomes(await settle([finding]))).toEqual(['repaired']);
    expect(store.keys()).toEqual([]);
  });

  it('leaves the quarantine when a row has it, its life runs, or it is gone', async () => {
    const { settle, stray, stored, store, answers, quarantine } = world();
    const record = await stored();
    const known = aFinding({ kind: 'object_unknown', key: record.key, versionId: record.versionId });
    const [living, gone] = [await stray(), await stray()];
    await settle([living, gone]);
    const owner = (await store.head({ key: living.key! }))?.owner;
    answers.set(owner!.artifactId, [WELL]);
    await store.deleteVersion(gone.key!, gone.versionId);
    expect(outcomes(await settle([known, living, gone]))).toEqual(['gone', 'gone', 'gone']);
    expect(await quarantine.countQuarantined(AT_MS * 2)).toBe(0);
  });

  it.each(['an artifact', 'a manifest'])('is also a copy of %s under another key', async (what) => {
    const { settle, stored, store, clock } = world();
    const record = await stored();
    const copy = what === 'a manifest' ? manifestObject(record.executionId) : objectAtCreation(record);
    const key = `${record.key}.copy`;
    const { versionId } = await store.put({ ...copy, key }, Buffer.from('some bytes'));
    const finding = aFinding({ kind: 'object_unknown', key, versionId });
    expect(outcomes(await settle([finding]))).toEqual(['quarantined']);
    clock.nowMs += 8 * DAY_MS;
    expect(outcomes(await settle([finding]))).toEqual(['repaired']);
    expect(await store.listVersions(record.key)).toHaveLength(1);
  });

  it('stays when somebody has begun with its path just before it would be removed', async () => {
    const { settle, clock, records, store } = world({ versioning: false });
    const record = newArtifact();
    const { key } = record;
    await store.put(objectOf(key), Buffer.from('stray'));
    const finding = aFinding({ kind: 'object_unknown', key, versionId: null });
    expect(outcomes(await settle([finding]))).toEqual(['quarantined']);
    clock.nowMs += 8 * DAY_MS;
    records.isYoungerThan = async () => {
      const row = await records.register(record);
      await store.put(objectAtCreation(row), Buffer.from('of an artifact'));
      return false;
    };
    expect(outcomes(await settle([finding]))).toEqual(['open']);
    expect(await store.listVersions(key)).toHaveLength(1);
  });

  it('is weighed with what has no workflow', async () => {
    const { activities, reconciliations, clock } = world();
    const runId = randomUUID();
    await activities.beginReconciliation({ id: runId, mode: 'repair', startedAtMs: clock.nowMs });
    const lifeless = Array.from({ length: 60 }, () => aFinding({ kind: 'life_missing' }));
    await reconciliations.addFindings(runId, lifeless);
    const inspected = { ...NOTHING_INSPECTED, rows: 100, objects: 200 };
    const brake = await activities.weighRepair({ runId, startedAtMs: clock.nowMs, inspected });
    expect(brake).toContain('60 of 100 rows have no workflow');
  });

  it('is weighed with what is missing before anything of it is lost', async () => {
    const { activities, reconciliations, quarantine, clock } = world();
    const runId = randomUUID();
    await activities.beginReconciliation({ id: runId, mode: 'repair', startedAtMs: clock.nowMs });
    await reconciliations.addFindings(
      runId,
      Array.from({ length: 60 }, () => aFinding({})),
    );
    const inspected = { ...NOTHING_INSPECTED, rows: 150, objects: 200 };
    const weigh = () => activities.weighRepair({ runId, startedAtMs: clock.nowMs, inspected });
    expect(await weigh()).toBeNull();
    for (let i = 0; i < 50; i += 1) {
      const object = { key: `stray/${i}`, versionId: null, sizeBytes: 1, etag: 'e', lastModifiedMs: 0 };
      await quarantine.quarantineObject(object, clock.nowMs);
    }
    expect(await weigh()).toBeNull();
    clock.nowMs += 7 * DAY_MS + 1;
    expect(await weigh()).toContain('60 artifacts and 50 unknown objects would be lost for good');
  });
});

describe('bytes of an artifact that is deleted for good', () => {
  const deleted: RecordPatch = { status: 'DELETED', deletedAtMs: AT_MS, deletionReason: 'requested', purgeAtMs: null };

  it('are removed, and proven to be gone, when they are older than an hour', async () => {
    const { settle, stored, store, clock } = world();
    const record = await stored(deleted);
    expect(await settle([about(record, 'object_left')])).toMatchObject([{ outcome: 'open' }]);
    clock.nowMs += HOUR_MS;
    expect(await settle([about(record, 'object_left')])).toMatchObject([{ outcome: 'repaired' }]);
    expect(await store.listVersions(record.key)).toEqual([]);
  });

  it.each<[string, RecordPatch, string]>([
    ['while it can be undone', { ...deleted, purgeAtMs: Date.now() + DAY_MS }, 'gone'],
    ['of one that lives', {}, 'gone'],
    [
      'of one that is held',
      { ...deleted, holds: [{ id: randomUUID(), by: 'ann', reason: 'case 17', atMs: 0, untilMs: null }] },
      'withheld',
    ],
  ])('stay %s', async (_when, patch, outcome) => {
    const { settle, stored, store, clock } = world();
    const record = await stored(patch);
    clock.nowMs += DAY_MS;
    expect(await settle([about(record, 'object_left')])).toMatchObject([{ outcome }]);
    expect(await store.listVersions(record.key)).toHaveLength(1);
  });

  it('stay when they were lost and are back, and its workflow is told of them', async () => {
    const { settle, stored, store, clock, answers } = world();
    const record = await stored({ ...deleted, deletionReason: 'bytes_lost' });
    clock.nowMs += DAY_MS;
    answers.set(record.id, [{ outcome: 'repaired', note: 'its bytes are back' }]);
    expect(await settle([about(record, 'object_left')])).toMatchObject([{ note: 'its bytes are back' }]);
    expect(await store.listVersions(record.key)).toHaveLength(1);
  });
});

describe('an upload that no row waits for', () => {
  it('is aborted when it is older than an hour by the clock of the store', async () => {
    const { settle, store, clock, stored } = world();
    const record = await stored();
    const uploadId = await store.createUpload(objectAtCreation(record));
    const finding = aFinding({ kind: 'upload_unknown', key: record.key, uploadId });
    expect(await settle([finding])).toMatchObject([{ outcome: 'open' }]);
    clock.nowMs += HOUR_MS;
    expect(await settle([finding])).toMatchObject([{ outcome: 'repaired' }]);
    expect(await store.listUploads('artifacts/')).toEqual([]);
    expect(await settle([finding])).toMatchObject([{ outcome: 'gone' }]);
  });

  it('stays when a row waits for it after all', async () => {
    const { settle, store, records, clock } = world();
    const record = await records.register(newArtifact({ partSizeBytes: 8 * 1_024 ** 2 }));
    const uploadId = await store.createUpload(objectAtCreation(record));
    await records.attachUpload(record.id, uploadId);
    clock.nowMs += DAY_MS;
    const finding = aFinding({ kind: 'upload_unknown', key: record.key, uploadId });
    expect(await settle([finding])).toMatchObject([{ outcome: 'gone', note: 'a row waits for it' }]);
    expect(await store.listUploads(record.key)).toHaveLength(1);
  });
});

describe('what is older than the database, which was not rebuilt', () => {
  it('is not removed, however long it was in quarantine, nor is an upload aborted', async () => {
    const { settle, stray, store, clock, stored, records } = world();
    const finding = await stray();
    const { key } = await stored();
    const upload = aFinding({ kind: 'upload_unknown', key, uploadId: await store.createUpload(objectOf(key)) });
    records.bornAtMs = clock.nowMs + 1;
    for (const days of [2, 8]) {
      clock.nowMs += days * DAY_MS;
      const [object, parts] = await settle([finding, upload]);
      expect(object).toMatchObject({ outcome: days === 2 ? 'quarantined' : 'withheld' });
      expect(parts).toMatchObject({
        outcome: 'withheld',
        note: expect.stringContaining('artifacts rebuild') as string,
      });
    }
    expect(await store.listVersions(finding.key!)).toHaveLength(1);
    expect(await store.listUploads(key)).toHaveLength(1);
  });
});

describe('a manifest that differs', () => {
  it('is repaired once its workflow has written it again', async () => {
    const { settle, store, lives } = world();
    const executionId = randomUUID();
    const write = (text: string) => store.put(manifestObject(executionId), Buffer.from(text));
    await write('tampered');
    lives.executionChanged = async (id) => {
      if (id === executionId) setTimeout(() => void write('true'), 600);
      return Promise.resolve();
    };
    const finding = aFinding({ kind: 'manifest_differs', executionId, key: manifestKey(executionId) });
    expect(await settle([finding])).toMatchObject([{ outcome: 'repaired', note: 'written again from the rows' }]);
  });

  it('is gone when there is none and nothing to list', async () => {
    const { settle } = world();
    const finding = aFinding({ kind: 'manifest_differs', executionId: randomUUID() });
    expect(await settle([finding])).toMatchObject([{ outcome: 'gone' }]);
  });
});
