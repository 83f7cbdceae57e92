import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toFailure } from '../../src/activities/boundary.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { DAY_MS, MINUTE_MS, SECOND_MS } from '../../src/domain/units.js';
import { VirtualExecution } from '../support/virtual-time/virtual-execution.js';
import { Sandbox } from '../support/virtual-time/virtual-run.js';

const FIRST = 'a1111111-1111-4111-8111-111111111111';
const SECOND = 'b2222222-2222-4222-8222-222222222222';
const request = { deletionId: FIRST, actor: 'ann' };
const joining = { deletionId: SECOND, actor: 'bob' };

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await Sandbox.open();
});
afterAll(() => sandbox.close());

const countsOf = async (execution: VirtualExecution, id: string) =>
  (await execution.records.getExecutionDeletion(execution.id, id))?.counts;
const endOf = async (execution: VirtualExecution, id: string) =>
  (await execution.records.getExecutionDeletion(execution.id, id))?.finishedAtMs;
const completed = (counts: object) => ({ completed: { deleted: 0, held: 0, underWay: 0, orphaned: 0, ...counts } });

describe('the deletion of all artifacts of an execution', () => {
  it('tells each of them once, under its id, and ends when all are deleted', async () => {
    const execution = new VirtualExecution();
    const ids = await execution.upload(450);
    const run = await execution.start(sandbox, 'executionDeletion', {
      request: { ...request, requestId: 'request-1' },
    });
    expect(run.ending).toEqual(completed({ deleted: 450 }));
    expect([...execution.told].sort()).toEqual([...ids].sort());
    expect(execution.mostAtOnce).toBe(16);
    expect(await countsOf(execution, FIRST)).toMatchObject({ deleted: 450 });
    const last = (await execution.records.history(ids[0]!)).at(-1);
    expect(last).toMatchObject({ kind: 'deleted', actor: 'ann', detail: { executionDeletionId: FIRST } });
    expect(last?.detail).toMatchObject({ requestId: 'request-1' });
  });

  it('is begun by its start alone: whoever asked may be dead before his message arrives', async () => {
    const execution = new VirtualExecution();
    await execution.upload(2);
    const run = await execution.start(sandbox, 'executionDeletion', { request });
    expect(run.ending).toEqual(completed({ deleted: 2 }));
  });

  it('leaves alone what is uploaded later, and what is held', async () => {
    const execution = new VirtualExecution();
    const [slow, heldOne] = await execution.upload(2);
    execution.behaviours.set(slow!, 'stays');
    const hold = { id: SECOND, by: 'ann', reason: 'case 17', atMs: 0, untilMs: null };
    const event = { kind: 'hold_added', actor: 'ann', detail: {} } as const;
    await execution.records.change({ artifactId: heldOne!, changeNumber: 1, atMs: 0, patch: { holds: [hold] }, event });
    const run = await execution.start(sandbox, 'executionDeletion', { request });
    const [later] = await execution.upload(1);
    await execution.follow(slow!, FIRST);
    await run.advance(MINUTE_MS);
    expect(run.ending).toEqual(completed({ deleted: 1, held: 1 }));
    expect(execution.told).toEqual([slow]);
    expect((await execution.records.get(later!))?.status).toBe('UPLOADING');
  });

  it('looks again until the last one is deleted, sooner when fewer are left', async () => {
    const execution = new VirtualExecution();
    const [slow] = await execution.upload(3);
    execution.behaviours.set(slow!, 'stays');
    const run = await execution.start(sandbox, 'executionDeletion', { request });
    expect(await countsOf(execution, FIRST)).toMatchObject({ deleted: 2, underWay: 1 });
    await run.advance(20 * SECOND_MS);
    expect(run.ending).toBeNull();
    await execution.follow(slow!, FIRST);
    await run.advance(10 * SECOND_MS);
    expect(run.ending).toEqual(completed({ deleted: 3 }));
    expect(execution.told).toHaveLength(3);
  });

  it('does not wait for ever for one that cannot be deleted, and says so', async () => {
    const execution = new VirtualExecution();
    const [stuck] = await execution.upload(3);
    execution.behaviours.set(stuck!, 'stays');
    const run = await execution.start(sandbox, 'executionDeletion', { request });
    await run.advance(3 * MINUTE_MS);
    expect(run.ending).toEqual(completed({ deleted: 2, underWay: 1 }));
    expect(await countsOf(execution, FIRST)).toEqual({ deleted: 2, held: 0, underWay: 1, orphaned: 0 });
    await execution.follow(stuck!, FIRST);
    expect(await countsOf(execution, FIRST)).toMatchObject({ underWay: 1 });
  });

  it('reports at once those whose workflow is gone, and those whose workflow goes meanwhile', async () => {
    const execution = new VirtualExecution();
    const [gone, ...others] = await execution.upload(3);
    execution.behaviours.set(gone!, 'hasNoWorkflow');
    const run = await execution.start(sandbox, 'executionDeletion', { request });
    expect(run.ending).toEqual(completed({ deleted: 2, orphaned: 1 }));
    expect(await countsOf(execution, FIRST)).toMatchObject({ deleted: 2, orphaned: 1, underWay: 0 });
    expect(others).toHaveLength(2);

    const [goes] = await execution.upload(1);
    execution.behaviours.set(goes!, 'stays');
    const next = await execution.start(sandbox, 'executionDeletion', { request: joining });
    execution.behaviours.set(goes!, 'hasNoWorkflow');
    await next.advance(3 * MINUTE_MS);
    expect(next.ending).toEqual(completed({ orphaned: 2 }));
  });

  it('waits as long as something moves, however slowly', async () => {
    const execution = new VirtualExecution();
    const ids = await execution.upload(6);
    for (const id of ids) execution.behaviours.set(id, 'stays');
    const run = await execution.start(sandbox, 'executionDeletion', { request });
    for (const id of ids) {
      await run.advance(MINUTE_MS);
      expect(run.ending).toBeNull();
      await execution.follow(id, FIRST);
    }
    await run.advance(MINUTE_MS);
    expect(run.ending).toEqual(completed({ deleted: 6 }));
  });
});

describe('a deletion that is asked for while another one runs', () => {
  it('joins it: what was uploaded meanwhile goes too, and both get the same number', async () => {
    const execution = new VirtualExecution();
    const [slow] = await execution.upload(2);
    execution.behaviours.set(slow!, 'stays');
    const run = await execution.start(sandbox, 'executionDeletion', { request });
    const [meanwhile] = await execution.upload(1);
    await run.mustUpdate('deleteExecutionArtifacts', joining);
    await run.advance(SECOND_MS);
    expect(execution.told).toContain(meanwhile);
    await execution.follow(slow!, FIRST);
    await run.advance(MINUTE_MS);
    expect(run.ending).toEqual(completed({ deleted: 3 }));
    expect(await countsOf(execution, FIRST)).toEqual(await countsOf(execution, SECOND));
    expect(await endOf(execution, SECOND)).toBe(await endOf(execution, FIRST));
  });

  it('but was written down only when the run had ended, is finished by the next run', async () => {
    const execution = new VirtualExecution();
    await execution.upload(1);
    execution.before.set('finishExecutionDeletions', async () => {
      execution.before.clear();
      await execution.upload(1);
      const late = { executionId: execution.id, id: SECOND, runId: FIRST, actor: 'bob', atMs: 0 };
      await execution.records.beginExecutionDeletion(late);
    });
    const run = await execution.start(sandbox, 'executionDeletion', { request });
    expect(run.ending).toEqual(completed({ deleted: 1 }));
    expect(await endOf(execution, SECOND)).toBeNull();
    const next = await execution.start(sandbox, 'executionDeletion', { request: joining });
    expect(next.ending).toEqual(completed({ deleted: 2 }));
    expect(await countsOf(execution, SECOND)).toMatchObject({ deleted: 2 });
    expect(await countsOf(execution, FIRST)).toMatchObject({ deleted: 1 });
  });

  it('under the same id is the same one', async () => {
    const execution = new VirtualExecution();
    const [slow] = await execution.upload(1);
    execution.behaviours.set(slow!, 'stays');
    const run = await execution.start(sandbox, 'executionDeletion', { request });
    await execution.upload(1);
    await run.mustUpdate('deleteExecutionArtifacts', request);
    await execution.follow(slow!, FIRST);
    await run.advance(MINUTE_MS);
    expect(run.ending).toEqual(completed({ deleted: 1 }));
    expect(execution.told).toEqual([slow]);
  });
});

describe('what fails', () => {
  it('to be written down is not accepted: nothing is deleted, and whoever asked is told', async () => {
    const execution = new VirtualExecution();
    await execution.upload(1);
    execution.before.set('beginExecutionDeletion', () => {
      throw toFailure(new ArtifactError('database_unavailable', 'no answer'));
    });
    const run = await execution.start(sandbox, 'executionDeletion', { request });
    expect(run.ending).toEqual(completed({}));
    expect(execution.told).toEqual([]);
  });

  it('for one who joins does not harm the others, and he may ask again', async () => {
    const execution = new VirtualExecution();
    const [slow] = await execution.upload(1);
    execution.behaviours.set(slow!, 'stays');
    const run = await execution.start(sandbox, 'executionDeletion', { request });
    execution.before.set('beginExecutionDeletion', () => {
      throw toFailure(new ArtifactError('database_unavailable', 'no answer'));
    });
    const refused = await run.update('deleteExecutionArtifacts', joining);
    expect(refused.failed).toMatchObject({ type: 'database_unavailable' });
    execution.before.clear();
    await run.mustUpdate('deleteExecutionArtifacts', joining);
    await execution.follow(slow!, FIRST);
    await run.advance(MINUTE_MS);
    expect(run.ending).toEqual(completed({ deleted: 1 }));
    expect(await countsOf(execution, SECOND)).toMatchObject({ deleted: 1 });
  });
});

describe('a long history', () => {
  it('of a deletion is handed over, and the next run goes on where it was', async () => {
    const execution = new VirtualExecution();
    const [slow] = await execution.upload(2);
    execution.behaviours.set(slow!, 'stays');
    let suggested = false;
    const run = await execution.start(sandbox, 'executionDeletion', { request }, () => suggested);
    suggested = true;
    await run.advance(SECOND_MS);
    const ending = run.ending as { continuedAsNew: { state: object } };
    expect(ending.continuedAsNew).toMatchObject({ executionId: execution.id, state: { runId: FIRST, told: 1 } });
    const next = await execution.start(sandbox, 'executionDeletion', ending.continuedAsNew);
    await next.mustUpdate('deleteExecutionArtifacts', request);
    await execution.follow(slow!, FIRST);
    await next.advance(MINUTE_MS);
    expect(next.ending).toEqual(completed({ deleted: 2 }));
    expect(execution.told).toHaveLength(2);
  });

  it('of a change of the retention is handed over as well', async () => {
    const execution = new VirtualExecution();
    const [slow, fast] = await execution.upload(2);
    execution.behaviours.set(slow!, 'stays');
    let suggested = false;
    const wanted = { tenantId: 'tenant-a', days: 90, actor: 'ann', requestId: 'request-1' };
    const run = await execution.start(sandbox, 'executionRetention', { wanted }, () => suggested);
    await run.advance(DAY_MS);
    expect(run.ending).toBeNull();
    suggested = true;
    await run.advance(DAY_MS);
    const ending = run.ending as { continuedAsNew: object };
    expect(ending.continuedAsNew).toEqual({ executionId: execution.id, wanted });
    execution.behaviours.clear();
    const next = await execution.start(sandbox, 'executionRetention', ending.continuedAsNew);
    await next.advance(MINUTE_MS);
    expect(next.ending).toEqual({ completed: undefined });
    for (const id of [slow, fast])
      expect((await execution.records.history(id!)).at(-1)?.detail).toMatchObject({ days: 90, requestId: 'request-1' });
    for (const id of [slow!, fast!])
      expect((await execution.records.get(id))?.retention).toEqual({ rule: 'execution', days: 90 });
  });
});
