import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toFailure } from '../../src/activities/boundary.js';
import type { InspectionSlice } from '../../src/activities/inspection/index.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { NOTHING_INSPECTED } from '../../src/domain/drift.js';
import {
  RECONCILIATION_WORKFLOW_ID,
  type ReconciliationMode,
  type ReconciliationProgress,
} from '../../src/domain/reconcile.js';
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/domain/units.js';
import { START_MS } from '../support/virtual-time/virtual-artifact.js';
import { Sandbox, VirtualRun } from '../support/virtual-time/virtual-run.js';

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await Sandbox.open();
});
afterAll(() => sandbox.close());

type Finish = Record<'runId' | 'failure' | 'mode' | 'inspected', unknown>;

/** Activities that answer as a test says, and remember what they were asked. */
class Servers {
  /** Slices of each inspection; default 1. */
  readonly slices: Record<string, number> = {};
  /** Of settling: number up to which each slice comes; null: the last. */
  pages: (number | null)[] = [null];
  brake: string | null = null;
  /** By name of an activity: what it throws, while it is there. */
  readonly outages = new Map<string, Error>();
  readonly asked: [name: string, query: unknown][] = [];
  readonly finished: Finish[] = [];

  run(name: string, query: unknown): unknown {
    const outage = this.outages.get(name);
    if (outage !== undefined) throw outage;
    this.asked.push([name, query]);
    if (name === 'weighRepair') return this.brake;
    if (name === 'settleFindings') {
      const [afterNumber = null, ...later] = this.pages;
      this.pages = later;
      return { afterNumber, settled: { repaired: 2, failed: 1 } };
    }
    if (name === 'finishReconciliation') this.finished.push(query as Finish);
    if (!name.startsWith('inspect')) return undefined;
    const done = Number((query as InspectionSlice).cursor ?? 0) + 1;
    const cursor = done < (this.slices[name] ?? 1) ? String(done) : null;
    const rows = name === 'inspectLives' ? 0 : 10;
    return { cursor, inspected: { ...NOTHING_INSPECTED, rows, objects: 5 } };
  }

  start(mode: ReconciliationMode, options: Partial<Parameters<typeof VirtualRun.start>[0]> = {}): Promise<VirtualRun> {
    return VirtualRun.start({
      ...{ sandbox, workflowType: 'reconcile', workflowId: RECONCILIATION_WORKFLOW_ID, input: { mode } },
      startMs: START_MS,
      runActivity: (name, [query]) => Promise.resolve().then(() => this.run(name, query)),
      ...options,
    });
  }

  names(): string[] {
    return this.asked.map(([name]) => name);
  }
}

const failure = (error: ArtifactError): Error => toFailure(error) as Error;
const unavailable = failure(new ArtifactError('storage_unavailable', 'no answer'));
const INSPECTIONS = ['inspectBucket', 'inspectLives', 'inspectUploads', 'inspectManifests'];

describe('a reconciliation', () => {
  it('inspects everything slice by slice, and a dry run heals nothing', async () => {
    const servers = new Servers();
    servers.slices['inspectLives'] = 3;
    const run = await servers.start('dry-run');
    expect(run.ending).toEqual({ completed: undefined });
    const [bucket, lives, uploads, manifests] = INSPECTIONS;
    const inspections = [bucket, lives, lives, lives, uploads, manifests];
    expect(servers.names()).toEqual(['beginReconciliation', ...inspections, 'settleFindings', 'finishReconciliation']);
    const cursors = servers.asked.filter(([name]) => name === lives).map(([, query]) => query);
    expect(cursors).toEqual([null, '1', '2'].map((cursor) => ({ runId: 'run-1', cursor })));
    const inspected = { ...NOTHING_INSPECTED, rows: 30, objects: 30 };
    expect(servers.finished).toMatchObject([{ runId: 'run-1', mode: 'dry-run', failure: null, inspected }]);
    expect(servers.asked.find(([name]) => name === 'settleFindings')?.[1]).toMatchObject({ mode: 'dry-run' });
  });

  it('that repairs weighs once what would be lost, and settles all findings with that', async () => {
    const servers = new Servers();
    servers.brake = 'withheld: too much';
    servers.pages = [64, 128, null];
    await servers.start('repair');
    expect(servers.names().filter((name) => name === 'weighRepair')).toHaveLength(1);
    const settled = servers.asked.filter(([name]) => name === 'settleFindings').map(([, query]) => query);
    const common = { runId: 'run-1', mode: 'repair', startedAtMs: START_MS, brake: 'withheld: too much' };
    expect(settled).toEqual([0, 64, 128].map((afterNumber) => ({ ...common, afterNumber })));
  });

  it('says how far it is', async () => {
    const servers = new Servers();
    servers.outages.set('inspectUploads', unavailable);
    const run = await servers.start('repair');
    expect(await run.query<ReconciliationProgress>('reconciliationProgress')).toEqual({
      ...{ runId: 'run-1', mode: 'repair', startedAtMs: START_MS, stage: 'uploads', stageStartedAtMs: START_MS },
      ...{ inspected: { ...NOTHING_INSPECTED, rows: 10, objects: 10 }, settled: {} },
    });
    servers.outages.clear();
    servers.pages = [64, null];
    await run.advance(MINUTE_MS);
    const done = await run.query<ReconciliationProgress>('reconciliationProgress');
    expect(done).toMatchObject({ stage: 'findings', settled: { repaired: 4, failed: 2 } });
  });

  it('goes on in the next run where the last one was, under the same id, with the brake as it was weighed', async () => {
    const servers = new Servers();
    servers.slices['inspectBucket'] = 4;
    servers.pages = [64, 128, null];
    const run = await servers.start('repair', { continueAsNewSuggested: () => true, followsRuns: true });
    expect(run.ending).toEqual({ completed: undefined });
    expect(run.runs).toBe(10);
    const once = ['beginReconciliation', 'weighRepair', 'finishReconciliation'];
    for (const name of once) expect(servers.names().filter((other) => other === name)).toHaveLength(1);
    expect(servers.finished).toMatchObject([{ runId: 'run-1', failure: null, inspected: { rows: 60 } }]);
  });

  it.each([...INSPECTIONS, 'beginReconciliation', 'weighRepair', 'settleFindings', 'finishReconciliation'])(
    'waits for hours while %s meets an outage, and goes on',
    async (name) => {
      const servers = new Servers();
      servers.outages.set(name, unavailable);
      const run = await servers.start('repair');
      await run.advance(5 * HOUR_MS);
      expect(run.ending).toBeNull();
      servers.outages.clear();
      await run.advance(MINUTE_MS);
      expect(run.ending).toEqual({ completed: undefined });
      expect(servers.finished).toMatchObject([{ failure: null }]);
    },
  );

  it('reports why it gave up, and fails', async () => {
    const servers = new Servers();
    servers.slices['inspectBucket'] = 2;
    const missing = new ArtifactError('bucket_not_found', 'there is no bucket');
    servers.outages.set('inspectLives', failure(missing));
    const run = await servers.start('repair');
    expect(servers.finished).toMatchObject([
      { failure: 'bucket_not_found: there is no bucket', inspected: { rows: 20 } },
    ]);
    expect(run.ending).toMatchObject({ failed: { message: expect.stringContaining('there is no bucket') as string } });
    expect(servers.names()).not.toContain('settleFindings');
  });

  it('reports that it was cancelled, also while it waits', async () => {
    const servers = new Servers();
    servers.outages.set('inspectManifests', unavailable);
    const run = await servers.start('repair');
    await run.advance(10 * SECOND_MS);
    await run.cancel();
    await run.advance(SECOND_MS);
    expect(servers.finished).toMatchObject([{ failure: 'it was cancelled', inspected: { rows: 20 } }]);
    expect(run.ending).toEqual({ cancelled: true });
  });

  it('that is a bug is not told as an outage', async () => {
    const servers = new Servers();
    servers.outages.set('inspectBucket', ApplicationFailure.nonRetryable('what is this', 'SomethingElse'));
    const run = await servers.start('dry-run');
    expect(run.ending).not.toEqual({ completed: undefined });
    expect(servers.finished).toHaveLength(1);
  });
});
