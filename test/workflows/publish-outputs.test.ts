import { TimeoutFailure } from '@temporalio/common';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { toFailure } from '../../src/activities/boundary.js';
import { ArtifactError, type ErrorCode } from '../../src/domain/errors.js';
import { canonicalPath } from '../../src/domain/keys.js';
import {
  MAX_PUBLISHED_FILES,
  SCAN_PAGE_FILES,
  type PublicationReport,
  type UploadFilesQuery,
} from '../../src/domain/publish.js';
import { MIB_BYTES, MINUTE_MS } from '../../src/domain/units.js';
import { changeOf } from '../support/new-artifact.js';
import { Sandbox, type VirtualRun } from '../support/virtual-time/virtual-run.js';
import { VirtualPublication } from '../support/virtual-time/virtual-publication.js';

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

const nobodyPolls = (): never => {
  throw new TimeoutFailure('activity ScheduleToStart timeout', undefined, 'SCHEDULE_TO_START');
};
const failsWith = (code: ErrorCode) => (): never => {
  throw toFailure(new ArtifactError(code, 'no answer'));
};
/** Fails so often, then works. */
function times(count: number, fail: () => never): () => void {
  let left = count;
  return () => {
    if (left-- > 0) fail();
  };
}
const failureOf = ({ ending }: VirtualRun): unknown => (ending !== null && 'failed' in ending ? ending.failed : ending);
const WORKER = { actor: 'worker' };
const stored = async (publicationId: string): Promise<PublicationReport | null> => {
  const { executionId } = world;
  return (await world.records.getPublication({ executionId, id: publicationId }))?.report ?? null;
};

test('everything below a folder becomes an artifact, logs as logs; published again, nothing is sent', async () => {
  world.put('report.md');
  world.put('charts/a.png');
  world.put('logs/agent.log');
  const report = await world.publish(sandbox);
  expect(report).toMatchObject({ outcome: 'published', phase: 'ended', problem: null, failures: [] });
  expect(report.counts).toMatchObject({ found: 3, uploaded: 3, unchanged: 0, failed: 0 });
  expect(await world.seen()).toEqual(['logs/agent.log', 'output/charts/a.png', 'output/report.md']);
  expect(await stored(report.publicationId)).toEqual(report);

  world.sent.length = 0;
  const again = await world.publish(sandbox);
  expect(again.counts).toMatchObject({ found: 3, uploaded: 0, unchanged: 3 });
  expect(world.sent).toEqual([]);
  expect(again.files.map(({ artifactId }) => artifactId)).toEqual(
    again.files.map(({ path }) => report.files.find((file) => file.path === path)?.artifactId),
  );
});

test('whatever it does to an artifact is in the name of its request', async () => {
  world.put('a.md', 'old');
  await world.publish(sandbox);
  world.messages.length = 0;
  world.put('a.md', 'newer');
  await world.publish(sandbox, { replace: true, requestId: 'request-1' });
  const by = { actor: 'agent', requestId: 'request-1' };
  expect(world.messages).toEqual([
    ['remove', by],
    ['upload', by],
  ]);
});

test('a folder without files is published: there is nothing to do', async () => {
  expect(await world.publish(sandbox)).toMatchObject({ outcome: 'published', counts: { found: 0 } });
});

test('many files are scanned by page and uploaded in batches, a large one in one of its own', async () => {
  world.putMany(1_100);
  world.put('large.bin', 'large', 20 * MIB_BYTES);
  const report = await world.publish(sandbox);
  expect(report.counts).toMatchObject({ found: 1_101, uploaded: 1_101 });
  expect(report.files).toHaveLength(200);
  expect(Math.max(...world.batches)).toBeLessThanOrEqual(125);
  expect(world.batches).toContain(1);
});

test('started again under its id, a publication that has ended answers with how it ended, and does nothing', async () => {
  world.put('report.md');
  const report = await world.publish(sandbox);
  world.put('later.md');
  const { publicationId } = report;
  expect(await world.publish(sandbox, { publicationId })).toEqual(report);
  expect(await world.seen()).toEqual(['output/report.md']);
});

test('an outage is waited for: what fails for a reason that passes is tried again', async () => {
  world.put('report.md');
  world.before.set('uploadFiles', times(3, failsWith('storage_unavailable')));
  world.before.set('planPublication', times(3, failsWith('database_unavailable')));
  const run = await world.start(sandbox, world.request());
  expect(run.ending).toBeNull();
  await run.advance(MINUTE_MS);
  expect(run.ending).toMatchObject({ completed: { outcome: 'published' } });
  await run.dispose();
});

test('a host that is not there is a failure of that kind, in the report too', async () => {
  world.put('report.md');
  world.before.set('scanFolder', nobodyPolls);
  const request = world.request();
  const run = await world.start(sandbox, request);
  expect(failureOf(run)).toMatchObject({ type: 'host_unreachable' });
  expect(await stored(request.publicationId)).toMatchObject({
    outcome: 'failed',
    problem: { code: 'host_unreachable' },
  });
  await run.dispose();
});

test('what a host has begun when it died is aborted, and what it has finished stays', async () => {
  world.putMany(130);
  let calls = 0;
  world.before.set('uploadFiles', async (query) => {
    calls += 1;
    if (calls === 1) return;
    const { files } = query as UploadFilesQuery;
    await world.begin(query as UploadFilesQuery, files[0]!);
    nobodyPolls();
  });
  const request = world.request();
  const run = await world.start(sandbox, request);
  expect(failureOf(run)).toMatchObject({ type: 'host_unreachable' });
  const statuses = Object.values(await world.living());
  expect(statuses.filter((status) => status === 'ACTIVE')).toHaveLength(125);
  expect(statuses).not.toContain('UPLOADING');
  expect(await stored(request.publicationId)).toMatchObject({ counts: { found: 130, uploaded: 125 } });
  await run.dispose();
});

test('a file that fails does not keep the others from being published, and what was begun of it is aborted', async () => {
  world.put('a.md');
  world.put('b.md');
  world.verdicts.set('a.md', { code: 'source_changed', message: 'it changed' });
  const report = await world.publish(sandbox);
  expect(report).toMatchObject({ outcome: 'partial', counts: { uploaded: 1, failed: 1 }, problem: null });
  expect(report.failures).toEqual([{ file: 'a.md', code: 'source_changed', message: 'it changed' }]);
  expect(await world.living()).toEqual({ 'output/b.md': 'ACTIVE' });
});

test('when every file fails, the publication does', async () => {
  world.put('a.md');
  world.verdicts.set('a.md', { code: 'source_changed', message: 'it changed' });
  await expect(world.publish(sandbox)).rejects.toMatchObject({ type: 'source_changed' });
});

test('changed content at a path is refused, unless it is to be replaced', async () => {
  const large = 20 * MIB_BYTES;
  const files: [string, string, number?][] = [
    ['a.md', 'one'],
    ['large.bin', 'one', large],
    ['same.md', 'same'],
  ];
  for (const file of files) world.put(...file);
  await world.publish(sandbox);
  world.put('a.md', 'two and more');
  world.put('large.bin', 'two', large);
  const refused = await world.publish(sandbox);
  expect(refused).toMatchObject({ outcome: 'partial', counts: { uploaded: 0, unchanged: 1, failed: 2 } });
  expect(refused.failures.map(({ file, code }) => [file, code])).toEqual([
    ['a.md', 'path_taken'],
    ['large.bin', 'path_taken'],
  ]);
  world.sent.length = 0;
  const replaced = await world.publish(sandbox, { replace: true });
  expect(replaced).toMatchObject({ outcome: 'published', counts: { uploaded: 2, unchanged: 1, failed: 0 } });
  expect(world.sent.sort()).toEqual(['output/a.md', 'output/large.bin']);
  expect(await world.publish(sandbox)).toMatchObject({ counts: { unchanged: 3 } });
});

test('what is held is not replaced', async () => {
  world.put('a.md', 'one');
  const { files } = await world.publish(sandbox);
  const hold = { id: 'h', by: 'ann', reason: 'case 17', atMs: 0, untilMs: null };
  await world.records.change(changeOf(files[0]!.artifactId, 2, { holds: [hold] }));
  world.put('a.md', 'two and more');
  world.put('b.md');
  const report = await world.publish(sandbox, { replace: true });
  expect(report).toMatchObject({ outcome: 'partial', counts: { uploaded: 1, failed: 1 } });
  expect(report.failures).toMatchObject([{ file: 'a.md', code: 'held' }]);
});

test('two files that would have the same path are told apart: the second is refused', async () => {
  world.put('a.md', 'one');
  world.put('output/a.md', 'two');
  expect(canonicalPath('a.md')).toBe(canonicalPath('output/a.md'));
  const report = await world.publish(sandbox);
  expect(report).toMatchObject({ outcome: 'partial', failures: [{ file: 'output/a.md', code: 'path_taken' }] });
});

test('an upload of the same content that somebody else has begun is joined, and never aborted', async () => {
  world.put('a.md');
  world.put('b.md');
  const { files } = await world.scanFolder({ ...world.request(), include: [], exclude: [], after: null, limit: 9 });
  const query = { ...world.request(), tags: {}, retentionDays: null, publicationId: null, files: [] };
  const begun = await world.begin(query, { ...files[0]!, artifactId: world.request().publicationId });
  world.verdicts.set('a.md', { code: 'source_changed', message: 'it changed' });
  expect(await world.publish(sandbox)).toMatchObject({ outcome: 'partial' });
  expect(await world.records.get(begun.id)).toMatchObject({ status: 'UPLOADING' });
  world.verdicts.clear();
  const report = await world.publish(sandbox);
  expect(report.files.find(({ path }) => path === 'output/a.md')).toMatchObject({ artifactId: begun.id });
});

test('it goes on in a new run when its history is long, with the same counts and in the same publication', async () => {
  world.putMany(1_300);
  const run = await world.start(sandbox, world.request(), { continueAsNewSuggested: () => true, followsRuns: true });
  expect(run.ending).toMatchObject({ completed: { outcome: 'published', counts: { found: 1_300, uploaded: 1_300 } } });
  expect(run.runs).toBe(3);
  expect(run.activities.filter((name) => name === 'beginPublication')).toHaveLength(1);
  await run.dispose();
});

test('more files than a publication may have are refused before the rest is looked at', async () => {
  world.putMany(MAX_PUBLISHED_FILES + 1);
  world.before.set('uploadFiles', failsWith('source_changed'));
  await expect(world.publish(sandbox)).rejects.toMatchObject({ type: 'too_many_files' });
});

test.each(['signal', 'workflow'])(
  'cancelled by a %s, it aborts what is not complete and keeps the rest',
  async (by) => {
    world.putMany(130);
    let calls = 0;
    world.before.set('uploadFiles', async (query) => {
      if ((calls += 1) === 1) return;
      for (const file of (query as UploadFilesQuery).files) await world.begin(query as UploadFilesQuery, file);
      failsWith('storage_unavailable')();
    });
    const request = world.request();
    const run = await world.start(sandbox, request);
    expect(await run.query('publicationStatus')).toMatchObject({ phase: 'uploading', counts: { uploaded: 125 } });
    const ann = { actor: 'ann', requestId: 'request-1' };
    if (by === 'signal') await run.signal('cancelPublication', ann);
    else await run.cancel();
    const aborted = world.messages.filter(([what]) => what === 'abort');
    expect(aborted).toEqual(Array.from({ length: 5 }, () => ['abort', by === 'signal' ? ann : WORKER]));
    expect(run.ending).toMatchObject(by === 'signal' ? { completed: { outcome: 'cancelled' } } : { cancelled: true });
    expect(await stored(request.publicationId)).toMatchObject({ outcome: 'cancelled', counts: { uploaded: 125 } });
    expect(new Set(Object.values(await world.living()))).toEqual(new Set(['ACTIVE']));
    await run.dispose();
  },
);

test.each(['signal', 'workflow'])(
  'cancelled by a %s while the last file before a new run is being sent, it does not go on in that run',
  async (by) => {
    world.putMany(600);
    let files = 0;
    world.after.set('uploadFiles', async (query) => {
      files += (query as UploadFilesQuery).files.length;
      if (files !== SCAN_PAGE_FILES) return;
      if (by === 'signal') await run.signal('cancelPublication', { actor: 'ann' });
      else await run.cancel();
    });
    const run = await world.start(sandbox, world.request(), {
      continueAsNewSuggested: () => true,
      followsRuns: true,
      activityMs: (name) => (name === 'scanFolder' ? 1 : 0),
    });
    await run.advance(MINUTE_MS);
    expect(run.ending).toMatchObject(by === 'signal' ? { completed: { outcome: 'cancelled' } } : { cancelled: true });
    expect(run.runs).toBe(1);
    expect(Object.keys(await world.living())).toHaveLength(SCAN_PAGE_FILES);
    await run.dispose();
  },
);

test('a request that is not well formed fails as that, and leaves nothing', async () => {
  await expect(world.publish(sandbox, { allOrNothing: true, replace: true })).rejects.toMatchObject({
    type: 'invalid_request',
  });
  expect(await world.records.getExecution(world.executionId)).toBeNull();
});
