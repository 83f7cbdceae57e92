import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { RECONCILIATION_WORKFLOW_ID } from '../../src/domain/reconcile.js';
import { beforeAll, describe, expect, inject, it } from 'vitest';

interface History {
  events: { eventType: string; eventId: string }[];
}

const folder = fileURLToPath(new URL('../histories/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const read = (file: string): History => JSON.parse(readFileSync(`${folder}${file}`, 'utf8')) as History;

const workflowBundle = { codePath: inject('workflowBundle') };
beforeAll(() => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
});

/** The SDK decodes JSON histories in place. */
const replay = (history: History, workflowId = 'artifact/replayed'): Promise<void> =>
  Worker.runReplayHistory({ workflowBundle }, history, workflowId);
/** A reconciliation goes by its id. */
const idOf = (file: string): string | undefined =>
  file.endsWith('-reconciliation.json') ? RECONCILIATION_WORKFLOW_ID : undefined;

describe('lives that began under earlier versions', () => {
  it('are on record', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  it.each(files)('%s goes on under this one', async (file) => {
    await replay(read(file), idOf(file));
  });

  it('would be found if they did not', async () => {
    const [file] = files.filter((name) => name.includes('active'));
    const history = read(file ?? '');
    const changed = history.events.find(({ eventType }) => eventType === 'EVENT_TYPE_TIMER_STARTED');
    if (changed === undefined) throw new Error(`no timer in ${file}`);
    // What a workflow that once did something else here would have left behind.
    const { timerStartedEventAttributes: _timer, ...rest } = changed as typeof changed & {
      timerStartedEventAttributes: unknown;
    };
    const index = history.events.indexOf(changed);
    history.events[index] = {
      ...rest,
      eventType: 'EVENT_TYPE_ACTIVITY_TASK_SCHEDULED',
      activityTaskScheduledEventAttributes: {
        activityId: '1',
        activityType: { name: 'sweepArtifact' },
        taskQueue: { name: 'q' },
      },
    } as History['events'][number];
    await expect(replay(history)).rejects.toThrow(DeterminismViolationError);
  });
});
