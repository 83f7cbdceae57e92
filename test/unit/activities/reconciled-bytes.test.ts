import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { NumberedFinding } from '../../../src/db/reconciliations.js';
import type { RecordPatch } from '../../../src/domain/artifact-record.js';
import { NOTHING_INSPECTED } from '../../../src/domain/drift.js';
import { manifestObject } from '../../../src/domain/manifest.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/domain/units.js';
import { newArtifact } from '../../support/new-artifact.js';
import {
  AT_MS,
  aFinding,
  about,
  objectOf,
  HEALED,
  WELL,
  settlingWorld as world,
} from '../../support/settling-world.js';

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

  it('stays while the life that it names runs and does not say whether it has this key', async () => {
    const { settle, stored, store, clock, answers, fleet } = world();
    const record = await stored();
    const key = `${record.key}.moved`;
    const { versionId } = await store.put({ ...objectAtCreation(record), key }, Buffer.from('some bytes'));
    const finding = aFinding({ kind: 'object_unknown', key, versionId });
    await settle([finding]);
    clock.nowMs += 8 * DAY_MS;
    answers.set(record.id, [WELL]);
    expect(outcomes(await settle([finding]))).toEqual(['gone']);
    expect(await store.listVersions(key)).toHaveLength(1);
    fleet.end(record.id, record);
    await settle([finding]);
    clock.nowMs += 8 * DAY_MS;
    expect(outcomes(await settle([finding]))).toEqual(['repaired']);
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

  it('stay while the brake is on: the row may be of another bucket', async () => {
    const { settle, stored, store, clock } = world();
    const record = await stored(deleted);
    clock.nowMs += DAY_MS;
    const brake = 'withheld: too much';
    expect(await settle([about(record, 'object_left')], { brake })).toMatchObject([
      { outcome: 'withheld', note: brake },
    ]);
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

  it('stays while the brake is on: it may be of the database that belongs here', async () => {
    const { settle, store, clock } = world();
    const { key } = newArtifact();
    const uploadId = await store.createUpload(objectOf(key));
    clock.nowMs += DAY_MS;
    const finding = aFinding({ kind: 'upload_unknown', key, uploadId });
    expect(await settle([finding], { brake: 'withheld: too much' })).toMatchObject([{ outcome: 'withheld' }]);
    expect(await store.listUploads(key)).toHaveLength(1);
  });

  it('stays while the row of a life is missing, which may have begun it, and goes once that is healed', async () => {
    const { settle, store, clock, answers } = world();
    const [life, healed] = [{ id: randomUUID() }, { id: randomUUID() }];
    const key = newArtifact().key;
    const uploadId = await store.createUpload(objectOf(key));
    clock.nowMs += DAY_MS;
    const upload = aFinding({ kind: 'upload_unknown', key, uploadId });
    answers.set(life.id, [{ outcome: 'failed', note: 'no row yet' }]);
    // Whatever was found first.
    expect(await settle([upload, about(life, 'row_missing')])).toMatchObject([
      { outcome: 'open', note: expect.stringContaining('rows are missing') as string },
      { outcome: 'failed' },
    ]);
    expect(await store.listUploads(key)).toHaveLength(1);
    answers.set(healed.id, [HEALED]);
    expect(await settle([upload, about(healed, 'row_missing')])).toMatchObject(
      [HEALED, HEALED].map(({ outcome }) => ({ outcome })),
    );
    expect(await store.listUploads(key)).toEqual([]);
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
