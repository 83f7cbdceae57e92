import { Client, Connection, ScheduleNotFoundError } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { HOUR_MS, MINUTE_MS } from '../../src/domain/units.js';
import { completeNamespace } from '../../src/temporal/prepare-namespace.js';
import { RECONCILE_SCHEDULE_ID, scheduleReconciliations } from '../../src/temporal/reconcile-schedule.js';

let connection: Connection;
let client: Client;

beforeAll(async () => {
  connection = await Connection.connect({ address: inject('temporalAddress') });
  client = new Client({ connection });
});
afterEach(() => scheduleReconciliations(connection, { namespace: 'default', everyMinutes: 0, mode: 'dry-run' }));
afterAll(() => connection.close());

const schedule = (everyMinutes: number, mode: 'dry-run' | 'repair' = 'dry-run') =>
  scheduleReconciliations(connection, { namespace: 'default', everyMinutes, mode });
const described = () => client.schedule.getHandle(RECONCILE_SCHEDULE_ID).describe();

describe('the schedule of the reconciliation', () => {
  it('is made, brought up to date, and the same when nothing changes', async () => {
    expect(await schedule(360)).toBe('reconciliation every 360 minutes (dry-run)');
    const made = await described();
    expect(made.spec).toMatchObject({ intervals: [{ every: 6 * HOUR_MS }], jitter: 10 * MINUTE_MS });
    expect(made.policies).toMatchObject({ overlap: 'SKIP', catchupWindow: HOUR_MS });
    expect(made.action).toMatchObject({ workflowType: 'reconcile', args: [{ mode: 'dry-run' }] });
    await schedule(360);
    const { spec, policies, action } = await described();
    expect({ spec, policies, action }).toEqual({ spec: made.spec, policies: made.policies, action: made.action });
    expect(await schedule(10, 'repair')).toBe('reconciliation every 10 minutes (repair)');
    const updated = await described();
    expect(updated.spec).toMatchObject({ intervals: [{ every: 10 * MINUTE_MS }], jitter: MINUTE_MS });
    expect(updated.action).toMatchObject({ args: [{ mode: 'repair' }] });
  });

  it('stays paused when an operator has paused it', async () => {
    await schedule(360);
    await client.schedule.getHandle(RECONCILE_SCHEDULE_ID).pause('maintenance');
    expect(await schedule(60)).toBe('reconciliation every 60 minutes (dry-run, paused)');
    expect((await described()).state).toMatchObject({ paused: true, note: 'maintenance' });
    expect((await described()).spec).toMatchObject({ intervals: [{ every: HOUR_MS }] });
  });

  it('is made by who completes the namespace, and left as it is when it is there', async () => {
    const complete = () =>
      completeNamespace({
        TEMPORAL_ADDRESS: inject('temporalAddress'),
        ...{ TEMPORAL_NAMESPACE: 'default', TEMPORAL_TLS: false },
        ...{ RECONCILE_EVERY_MINUTES: 60, RECONCILE_MODE: 'dry-run' },
      });
    const attributes = 'search attributes are there';
    expect(await complete()).toEqual([attributes, 'reconciliation every 60 minutes (dry-run)']);
    await schedule(10, 'repair');
    expect(await complete()).toEqual([attributes, 'the schedule artifact-reconcile is there']);
    expect((await described()).action).toMatchObject({ args: [{ mode: 'repair' }] });
  });

  it('is removed when there is to be none', async () => {
    await schedule(360);
    expect(await schedule(0)).toContain('no reconciliation by itself');
    await expect(described()).rejects.toThrow(ScheduleNotFoundError);
    expect(await schedule(0)).toContain('no reconciliation by itself');
  });
});
