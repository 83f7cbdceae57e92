import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { toFailure } from '../../src/activities/boundary.js';
import { ArtifactError } from '../../src/domain/errors.js';
import type { UploadFilesQuery } from '../../src/domain/publish.js';
import { MINUTE_MS } from '../../src/domain/units.js';
import { changeOf } from '../support/new-artifact.js';
import { VirtualPublication } from '../support/virtual-time/virtual-publication.js';
import { Sandbox } from '../support/virtual-time/virtual-run.js';

let sandbox: Sandbox;
let world: VirtualPublication;

beforeAll(async () => {
  sandbox = await Sandbox.open();
});
afterAll(async () => {
  await sandbox.close();
});
beforeEach(() => {
  world = new VirtualPublication();
});

const noAnswer = (): never => {
  throw toFailure(new ArtifactError('database_unavailable', 'no answer'));
};

test('nothing is seen before everything is there, and then all of it; its changes are announced after that', async () => {
  world.putMany(300);
  const seen: number[] = [];
  const look = async (): Promise<void> => {
    seen.push((await world.seen()).length);
    expect(world.announced).toEqual([]);
    expect(world.manifestsTold).toBe(0);
  };
  world.before.set('uploadFiles', look);
  world.after.set('uploadFiles', look);
  world.before.set('commitPublication', look);
  const report = await world.publish(sandbox, { allOrNothing: true });
  expect(report).toMatchObject({ outcome: 'published', allOrNothing: true, counts: { uploaded: 300 } });
  expect(new Set(seen)).toEqual(new Set([0]));
  expect(await world.seen()).toHaveLength(300);
  expect(world.manifestsTold).toBeGreaterThan(0);
  expect(world.announced).toHaveLength(300);
});

test('a file that fails is the end of all of it: every other one goes, and nothing was ever seen or announced', async () => {
  world.putMany(300);
  world.verdicts.set('00250.txt', { code: 'source_changed', message: 'it changed' });
  const request = world.request({ allOrNothing: true });
  const run = await world.start(sandbox, request);
  await run.advance(MINUTE_MS);
  expect(run.ending).toMatchObject({ failed: { type: 'source_changed' } });
  expect(await world.living()).toEqual({});
  expect(world.announced).toEqual([]);
  const { executionId } = world;
  expect(await world.records.getPublication({ executionId, id: request.publicationId })).toMatchObject({
    state: 'abandoned',
    report: { outcome: 'failed', problem: { code: 'source_changed' } },
  });
  await run.dispose();
});

test('a path that is taken is found before anything is sent', async () => {
  world.put('a.md', 'one');
  await world.publish(sandbox);
  world.put('a.md', 'two and more');
  world.put('b.md');
  world.sent.length = 0;
  await expect(world.publish(sandbox, { allOrNothing: true })).rejects.toMatchObject({ type: 'path_taken' });
  expect(world.sent).toEqual([]);
  expect(await world.seen()).toEqual(['output/a.md']);
});

test('cancelled, all of it goes, what was complete too; what begins late is refused', async () => {
  world.putMany(130);
  let late: UploadFilesQuery | null = null;
  world.before.set('uploadFiles', async (query) => {
    const asked = query as UploadFilesQuery;
    if (asked.files.length === 125) return;
    late = asked;
    await world.begin(asked, asked.files[0]!);
    noAnswer();
  });
  const run = await world.start(sandbox, world.request({ allOrNothing: true }));
  expect(await run.query('publicationStatus')).toMatchObject({ counts: { uploaded: 125 } });
  const ann = { actor: 'ann', requestId: 'request-1' };
  await run.signal('cancelPublication', ann);
  await run.advance(MINUTE_MS);
  expect(run.ending).toMatchObject({ completed: { outcome: 'cancelled' } });
  const purged = world.messages.filter(([what]) => what === 'purge');
  expect(purged).toEqual(Array.from({ length: 126 }, () => ['purge', ann]));
  expect(await world.living()).toEqual({});
  expect(await world.uploadFiles(late!)).toMatchObject(
    late!.files.map((_, index) => ({
      outcome: 'failed',
      code: index === 0 ? 'artifact_deleted' : 'publication_over',
    })),
  );
  await run.dispose();
});

test('asked to cancel while it is being committed, it is published: that is too late', async () => {
  world.put('a.md');
  let commits = 0;
  world.before.set('commitPublication', () => {
    if ((commits += 1) === 1) noAnswer();
  });
  const run = await world.start(sandbox, world.request({ allOrNothing: true }));
  expect(await run.query('publicationStatus')).toMatchObject({ phase: 'committing' });
  await run.signal('cancelPublication', { actor: 'ann' });
  await run.cancel();
  await run.advance(MINUTE_MS);
  expect(run.ending).toMatchObject({ completed: { outcome: 'published' } });
  expect(await world.seen()).toEqual(['output/a.md']);
  await run.dispose();
});

test('a crash between the commit and the rest ends right: each change is announced, an earlier one never after a later one', async () => {
  world.putMany(3);
  let commits = 0;
  world.after.set('commitPublication', async () => {
    if ((commits += 1) > 1) return;
    // While nobody hears that it was committed, somebody changes what has become visible.
    const [first] = (await world.records.list({ executionId: world.executionId, limit: 1 })).items;
    await world.change(first!, 'hold_added', {});
    noAnswer();
  });
  const run = await world.start(sandbox, world.request({ allOrNothing: true }));
  await run.advance(MINUTE_MS);
  expect(run.ending).toMatchObject({ completed: { outcome: 'published', counts: { uploaded: 3 } } });
  expect(commits).toBe(2);
  const numbersOf = (id: string): number[] =>
    world.announced.filter(({ artifactId }) => artifactId === id).map(({ changeNumber }) => changeNumber);
  const ids = [...new Set(world.announced.map(({ artifactId }) => artifactId))];
  expect(ids.map(numbersOf).sort()).toEqual([[1], [1], [1, 2]]);
  await run.dispose();
});

test('an artifact that somebody deletes with its execution meanwhile is the end of all of it', async () => {
  world.putMany(3);
  world.before.set('commitPublication', async () => {
    const { executionId } = world;
    const living = await world.records.listByPaths(executionId, ['output/00001.txt']);
    await world.records.change(changeOf(living[0]!.id, 2, { status: 'DELETED' }));
  });
  const run = await world.start(sandbox, world.request({ allOrNothing: true }));
  await run.advance(MINUTE_MS);
  expect(run.ending).toMatchObject({ failed: { type: 'upload_incomplete' } });
  expect(await world.living()).toEqual({});
  await run.dispose();
});

test('ended from outside, what is hidden goes by its guard once that hears of it, and the publication has an end', async () => {
  world.putMany(3);
  world.before.set('commitPublication', noAnswer);
  const request = world.request({ allOrNothing: true });
  const run = await world.start(sandbox, request);
  expect(Object.keys(await world.living())).toHaveLength(3);
  const guard = await world.start(sandbox, world.guarded[0]!, { workflowType: 'publicationGuard' });
  await guard.advance(20 * MINUTE_MS);
  expect(Object.keys(await world.living())).toHaveLength(3);

  await run.dispose();
  world.isRunning = false;
  // The first time it tells them, the second time it sees that they are gone.
  await guard.advance(30 * MINUTE_MS);
  expect(guard.ending).toHaveProperty('completed');
  expect(await world.living()).toEqual({});
  expect(await publicationIn(request.publicationId)).toMatchObject({
    state: 'abandoned',
    report: { phase: 'ended', outcome: 'failed', problem: { code: 'aborted' } },
  });
  await expect(world.publish(sandbox, request)).rejects.toMatchObject({ type: 'aborted' });
  await guard.dispose();
});

test('ended from outside after its commit, it is announced by its guard', async () => {
  world.putMany(3);
  world.before.set('announcePublication', noAnswer);
  const request = world.request({ allOrNothing: true });
  const run = await world.start(sandbox, request);
  await run.dispose();
  expect(await world.seen()).toHaveLength(3);
  expect(world.announced).toEqual([]);
  world.isRunning = false;
  const guard = await world.start(sandbox, world.guarded[0]!, { workflowType: 'publicationGuard' });
  await guard.advance(20 * MINUTE_MS);
  expect(guard.ending).toHaveProperty('completed');
  expect(world.announced).toHaveLength(3);
  expect(await publicationIn(request.publicationId)).toMatchObject({
    state: 'committed',
    report: { phase: 'ended', outcome: 'published', problem: null },
  });
  await guard.dispose();
});

test('a guard whose publication has ended by itself ends too; one that is not all or nothing has none', async () => {
  world.put('a.md');
  await world.publish(sandbox, { allOrNothing: true });
  const guard = await world.start(sandbox, world.guarded[0]!, { workflowType: 'publicationGuard' });
  await guard.advance(20 * MINUTE_MS);
  expect(guard.ending).toHaveProperty('completed');
  expect(await world.seen()).toEqual(['output/a.md']);
  await guard.dispose();
  world.put('b.md');
  await world.publish(sandbox);
  expect(world.guarded).toHaveLength(1);
});

const publicationIn = (id: string) => world.records.getPublication({ executionId: world.executionId, id });
