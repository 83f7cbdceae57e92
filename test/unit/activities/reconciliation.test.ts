import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ArtifactError } from '../../../src/domain/errors.js';
import { manifestKey } from '../../../src/domain/keys.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { manifestObject } from '../../../src/domain/manifest.js';
import { changeOf, newArtifact } from '../../support/new-artifact.js';
import {
  aFinding,
  about,
  AT_MS,
  HEALED,
  objectOf,
  WELL,
  settlingWorld as world,
} from '../../support/settling-world.js';

it('removes links a month after their life has ended, and not before', async () => {
  const { activities, records, shares } = world();
  const { id: artifactId } = await records.register(newArtifact());
  const share = { artifactId, artifactRevision: 0, tenantId: 'acme', actor: 'ann', atMs: AT_MS, maxUses: 1 };
  const [one, other] = ['a'.repeat(64), 'b'.repeat(64)];
  await shares.createShare({ ...share, id: randomUUID(), tokenHash: one, expiresAtMs: AT_MS + 1 });
  await shares.createShare({ ...share, id: randomUUID(), tokenHash: other, expiresAtMs: AT_MS + 2 });
  const startedAtMs = AT_MS + 30 * DAY_MS + 2;
  await activities.beginReconciliation({ id: randomUUID(), mode: 'dry-run', startedAtMs });
  expect([await shares.findShare(one), await shares.findShare(other)]).toEqual([null, expect.any(Object)]);
});

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
    'row_differs',
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

  it('is lost, and not repaired, when its artifact is deleted as its bytes are gone', async () => {
    const { settle, stored, answers, records } = world();
    const record = await stored();
    answers.set(record.id, [HEALED, WELL]);
    await records.change(changeOf(record.id, record.revision + 1, { status: 'DELETED', deletionReason: 'bytes_lost' }));
    const settled = await settle([about(record), about(record, 'tags_differ')]);
    expect(settled).toMatchObject([{ outcome: 'lost', note: HEALED.note }, { outcome: 'lost' }]);
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

  it.each(['life_missing', 'row_missing', 'row_differs'] as const)(
    'is withheld too when it is %s: whoever starts or writes it would look for its bytes',
    async (kind) => {
      const { settle, stored, told, answers } = world();
      const record = await stored();
      if (kind !== 'life_missing') answers.set(record.id, [HEALED]);
      expect(await settle([about(record, kind)], { brake: 'withheld: too much' })).toMatchObject([
        { outcome: 'withheld' },
      ]);
      expect(told).toEqual([]);
    },
  );

  it('starts the workflow from what the one before knew last, when that is more than its row tells', async () => {
    const { settle, stored, revived, fleet } = world();
    const record = await stored();
    fleet.end(record.id, { ...record, revision: 7, warnedAtMs: 1 });
    expect(await settle([about(record, 'life_missing')])).toMatchObject([{ outcome: 'repaired' }]);
    expect(revived).toMatchObject([{ id: record.id, revision: 7, warnedAtMs: 1 }]);
  });

  it('makes way for a row that is missing: who has its path is asked before it is tried again', async () => {
    const { settle, stored, answers, told } = world();
    const holder = await stored();
    const missing = { id: randomUUID() };
    answers.set(missing.id, [{ outcome: 'failed', note: 'path_taken' }, HEALED]);
    answers.set(holder.id, [HEALED]);
    const finding = { ...about(missing, 'row_missing'), key: holder.key };
    expect(await settle([finding])).toMatchObject([HEALED]);
    expect(told.map((line) => line.split(' ')[1])).toEqual([missing.id, holder.id, missing.id]);
  });

  it('is tried again when who had its path was healed beside it', async () => {
    const { settle, stored, answers } = world();
    const { key } = await stored({ status: 'DELETED' });
    const missing = { id: randomUUID() };
    answers.set(missing.id, [{ outcome: 'failed', note: 'path_taken' }, HEALED]);
    expect(await settle([{ ...about(missing, 'row_missing'), key }])).toMatchObject([HEALED]);
  });

  it.each(['repair', 'dry-run'] as const)(
    'stays open with what to do about it, when row and execution are gone (%s)',
    async (mode) => {
      const { settle, answers } = world();
      const record = { id: randomUUID() };
      answers.set(record.id, [WELL]);
      const finding = { ...about(record, 'row_missing'), executionId: randomUUID() };
      const [settled] = await settle([finding], { mode });
      expect(settled).toMatchObject({ outcome: 'open' });
      expect(settled?.note).toContain('artifacts rebuild --apply');
      expect(settled?.note).toContain(`--workflow-id artifact/${record.id} --name purgeArtifact`);
    },
  );

  it('is asked for at the pace of the process, as bucket and workflows are', async () => {
    const { settle, stored, requests, answers, stray } = world();
    const record = await stored();
    answers.set(record.id, [HEALED]);
    await settle([about(record)]);
    expect(requests.count).toBe(1);
    const finding = await stray();
    await settle([finding], { mode: 'dry-run' });
    // A HEAD of the object, and a look for the life of its owner.
    expect(requests.count).toBe(3);
  });

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

  it('stays while objects of its execution are there that no row lists, as beside the database of somebody else', async () => {
    const { settle, store, lives } = world();
    const [record, told] = [newArtifact(), [] as string[]];
    lives.executionChanged = (id) => Promise.resolve(void told.push(id));
    const { executionId } = record;
    const manifest = await store.put(manifestObject(executionId), Buffer.from('whose they are'));
    await store.put(objectOf(record.key), Buffer.from('bytes'));
    const finding = aFinding({ kind: 'manifest_differs', executionId, key: manifestKey(executionId) });
    expect(await settle([finding])).toMatchObject([{ outcome: 'withheld' }]);
    expect(told).toEqual([]);
    const brake = 'withheld: too much';
    await store.addDeleteMarker(record.key);
    expect(await settle([finding], { brake })).toMatchObject([{ outcome: 'withheld', note: brake }]);
    expect(told).toEqual([]);
    // What is deleted and can be brought back is none.
    setTimeout(() => void store.deleteVersion(manifest.key, manifest.versionId), 600);
    expect(await settle([finding])).toMatchObject([{ outcome: 'repaired' }]);
    expect(told).toEqual([executionId]);
  });

  it('is gone when there is none and nothing to list', async () => {
    const { settle } = world();
    const finding = aFinding({ kind: 'manifest_differs', executionId: randomUUID() });
    expect(await settle([finding])).toMatchObject([{ outcome: 'gone' }]);
  });
});
