import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HOUR_MS } from '../../../../src/domain/units.js';
import { MemoryWorld } from '../../../support/inspected-world.js';

const LIVES = ['inspectLives'] as const;

describe('rows and workflows', () => {
  it('that know each other are no finding, whatever their state', async () => {
    const world = new MemoryWorld();
    await world.begun();
    await world.active();
    const windowed = await world.active();
    await world.change(windowed.id, { status: 'DELETED', purgeAtMs: Date.now() + HOUR_MS });
    const over = await world.active();
    await world.change(over.id, { status: 'DELETED', purgeAtMs: null });
    world.fleet.end(over.id);
    expect(await world.findings(LIVES)).toEqual([]);
  });

  it.each([
    ['an upload', {}],
    ['an artifact', { status: 'ACTIVE' as const }],
    ['one that can still be brought back', { status: 'DELETED' as const, purgeAtMs: Date.now() + HOUR_MS }],
  ])('of which the workflow is gone are found: %s', async (_what, patch) => {
    const world = new MemoryWorld();
    const { id } = await world.begun();
    const row = await world.change(id, patch);
    world.fleet.end(id);
    expect(await world.findings(LIVES)).toMatchObject([
      {
        ...{ kind: 'life_missing', subject: id, artifactId: id, executionId: row.executionId, tenantId: row.tenantId },
        ...{ key: row.key, sizeBytes: row.sizeBytes, sinceMs: row.updatedAtMs, detail: { status: row.status } },
      },
    ]);
  });

  it('of which the row is gone are found, with what the workflow knows', async () => {
    const world = new MemoryWorld();
    const record = await world.active();
    world.lead(record);
    await world.parts.deleteExecution(record.executionId);
    expect(await world.findings(LIVES)).toMatchObject([
      { kind: 'row_missing', subject: record.id, key: record.key, tenantId: record.tenantId, sizeBytes: 4 },
    ]);
  });

  it('of which the row is behind are found with the numbers of both, also when nothing else differs', async () => {
    const world = new MemoryWorld();
    const record = await world.active();
    world.lead({ ...record, revision: 9, tier: 'COLD' });
    const tags = await world.active();
    world.lead({ ...tags, revision: 4 });
    expect(await world.findings(LIVES)).toMatchObject([
      { subject: record.id, kind: 'row_differs', detail: { row: { revision: 1 }, workflow: { revision: 9 } } },
      { subject: tags.id, kind: 'row_differs', detail: { row: { revision: 1 }, workflow: { revision: 4 } } },
    ]);
  });

  it('that the index tells apart by nothing are asked only once the database looks older than the workflows', async () => {
    const world = new MemoryWorld({ pageSize: 2 });
    const rows = await Promise.all([world.active(), world.active(), world.active()]);
    for (const row of rows) world.lead({ ...row, revision: 4 });
    expect(await world.findings(LIVES)).toEqual([]);
    const gone = await world.active();
    await world.parts.deleteExecution(gone.executionId);
    const found = await world.findings(LIVES);
    expect(found.map(({ subject }) => subject).sort()).toEqual([...rows, gone].map(({ id }) => id).sort());
    expect(await world.inspect('inspectLives', randomUUID())).toMatchObject({ lives: 4 });
  });

  it('that have ended as deleted, which the row does not know, are told as that and not as terminated', async () => {
    const world = new MemoryWorld();
    const [deleted, terminated] = [await world.active(), await world.active()];
    world.fleet.end(deleted.id, { ...deleted, revision: 3, status: 'DELETED', purgeAtMs: null });
    world.fleet.end(terminated.id, { ...terminated, revision: 3 });
    const found = await world.findings(LIVES);
    expect(found.map(({ kind, subject }) => [kind, subject]).sort()).toEqual([
      ['life_missing', terminated.id],
      ['row_differs', deleted.id],
    ]);
  });

  it('are believed when the index of workflows lags behind', async () => {
    const world = new MemoryWorld();
    const late = await world.active();
    world.fleet.lagging.missing.add(late.id);
    const gone = await world.active();
    world.fleet.end(gone.id);
    await world.change(gone.id, { status: 'DELETED', purgeAtMs: null });
    world.fleet.lagging.left.add(gone.id);
    expect(await world.findings(LIVES)).toEqual([]);
  });

  it('of a life that is about to write its row, or that deletes what is left, are no finding', async () => {
    const world = new MemoryWorld();
    const young = await world.begun();
    world.fleet.run({ record: young, isDeleting: false, isUntagged: false }, Date.now());
    const deleting = await world.active();
    world.lead(deleting, { isDeleting: true });
    for (const { executionId } of [young, deleting]) await world.parts.deleteExecution(executionId);
    expect(await world.findings(LIVES)).toEqual([]);
  });

  it('that differ while one of them is about to follow the other are no finding', async () => {
    const world = new MemoryWorld({ patience: { secondLookMs: 50 } });
    const record = await world.active();
    const older = { ...record, tier: 'COLD' as const };
    world.lead(older);
    setTimeout(() => world.lead(record), 10);
    const deleting = await world.active();
    world.lead({ ...deleting, tier: 'COLD' as const }, { isDeleting: true });
    expect(await world.findings(LIVES)).toEqual([]);
  });

  it('that come to agree between the two looks are no finding', async () => {
    const world = new MemoryWorld({ patience: { secondLookMs: 50 } });
    const record = await world.active();
    world.fleet.end(record.id);
    setTimeout(() => world.lead(record), 10);
    expect(await world.findings(LIVES)).toEqual([]);
  });

  it('are all looked at once, over pages and slices', async () => {
    const world = new MemoryWorld();
    for (let count = 0; count < 2_100; count += 1) await world.begun();
    expect(await world.inspect('inspectLives', randomUUID())).toMatchObject({ rows: 0, lives: 2_100 });
  });
});
