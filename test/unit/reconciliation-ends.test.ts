import { describe, expect, it } from 'vitest';
import { MemoryReconciliations } from '../../src/db/memory/memory-reconciliations.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { withEnds } from '../../src/reconciliation-ends.js';

const ALL = { tenantId: null };

async function reports(endOf: () => Promise<{ how: string; atMs: number | null } | null>) {
  const written = new MemoryReconciliations();
  await written.begin({ id: 'one', mode: 'repair', startedAtMs: 1_000 });
  return { written, told: withEnds(written, { endOf }) };
}

describe('the report of a reconciliation', () => {
  it('that was terminated says so, and when, and it is written down', async () => {
    const { written, told } = await reports(() => Promise.resolve({ how: 'terminated', atMs: 5_000 }));
    const end = { finishedAtMs: 5_000, failure: 'it was ended from outside (terminated)' };
    expect(await told.latest(ALL)).toMatchObject(end);
    expect(await told.get('one', ALL)).toMatchObject(end);
    expect(await written.get('one', ALL)).toMatchObject(end);
  });

  it('that runs is under way, as it is while Temporal does not answer', async () => {
    const unavailable = (): Promise<null> => Promise.reject(new ArtifactError('workflows_unavailable', 'away'));
    for (const endOf of [() => Promise.resolve(null), unavailable])
      expect(await (await reports(endOf)).told.latest(ALL)).toMatchObject({ finishedAtMs: null, failure: null });
  });

  it('that is over, or is none, is told without asking', async () => {
    const { written, told } = await reports(() => Promise.reject(new Error('nobody asks')));
    await written.finish('one', {
      finishedAtMs: 2_000,
      inspected: (await written.get('one', ALL))!.inspected,
      failure: null,
    });
    expect(await told.latest(ALL)).toMatchObject({ finishedAtMs: 2_000, failure: null });
    expect(await told.get('two', ALL)).toBeNull();
  });
});
