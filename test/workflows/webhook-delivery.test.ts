import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createActivities, type ActivityDeps } from '../../src/activities/index.js';
import type { WebhookDelivery } from '../../src/activities/webhooks.js';
import { announcementOf, type Announcement, type DeliveryState } from '../../src/domain/announcements.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../../src/domain/units.js';
import { FakeWebhookSender } from '../support/fake-webhook-sender.js';
import { aRecord, ARTIFACT_ID, BORN_MS } from '../support/records.js';
import { QUIET } from '../support/virtual-time/virtual-artifact.js';
import { Sandbox, VirtualRun, type RunActivity } from '../support/virtual-time/virtual-run.js';

const GIVE_UP_MS = 3 * DAY_MS;

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await Sandbox.open();
});
afterAll(() => sandbox.close());

function announcement(changeNumber: number, receivers: string[] = ['a', 'b']): Announcement {
  const change = { kind: 'retention_changed', actor: 'ann', detail: {}, changeNumber, atMs: BORN_MS } as const;
  const made = announcementOf(aRecord(), change, receivers);
  if (made === null) throw new Error('a kind that is not announced');
  return made;
}

const activitiesOver = (sender: FakeWebhookSender) =>
  createActivities({ webhooks: { sender, giveUpMs: GIVE_UP_MS } } as unknown as ActivityDeps);

/** The real activity over receivers that answer what a test says, tried again as the server does it. */
async function start({
  first = announcement(1),
  sender = new FakeWebhookSender(),
  state,
  isLong = () => false,
}: {
  first?: Announcement;
  sender?: FakeWebhookSender;
  state?: DeliveryState;
  isLong?: () => boolean;
} = {}): Promise<{ run: VirtualRun; sender: FakeWebhookSender }> {
  const activities = activitiesOver(sender);
  const runActivity: RunActivity = (_name, [delivery], { number, scheduledAtMs }) =>
    new MockActivityEnvironment(
      { attempt: number, currentAttemptScheduledTimestampMs: scheduledAtMs },
      { logger: QUIET },
    ).run((given: WebhookDelivery) => activities.deliverWebhook(given), delivery as WebhookDelivery);
  const run = await VirtualRun.start({
    sandbox,
    workflowType: 'webhookDelivery',
    input: state === undefined ? { artifactId: ARTIFACT_ID } : { state },
    startMs: BORN_MS,
    runActivity,
    continueAsNewSuggested: isLong,
    ...(state === undefined ? { firstSignal: { name: 'announce', argument: first } } : {}),
  });
  return { run, sender };
}

const dead = new ArtifactError('webhook_not_accepted', 'connect ECONNREFUSED');
/** The receiver `a` does not answer while this says so. */
const deadWhile =
  (isDead: () => boolean): FakeWebhookSender['answer'] =>
  (receiver) => {
    if (receiver === 'a' && isDead()) throw dead;
    return {};
  };

describe('announcements of an artifact', () => {
  it('are delivered to every receiver, and the run ends', async () => {
    const { run, sender } = await start();
    expect(sender.changesTo('a')).toEqual([1]);
    expect(sender.changesTo('b')).toEqual([1]);
    expect(run.ending).toEqual({ completed: { artifactId: ARTIFACT_ID, changes: [1] } });
  });

  it('that come twice are delivered once', async () => {
    const sender = new FakeWebhookSender();
    let isDead = true;
    sender.answer = deadWhile(() => isDead);
    const { run } = await start({ sender });
    for (const changeNumber of [1, 2, 2, 1]) await run.signal('announce', announcement(changeNumber));
    isDead = false;
    await run.advance(MINUTE_MS);
    expect(sender.changesTo('a')).toEqual([1, 2]);
    expect(sender.changesTo('b')).toEqual([1, 2]);
    expect(run.ending).toMatchObject({ completed: {} });
  });

  it('are delivered in the order of the changes, in whatever order they come', async () => {
    const sender = new FakeWebhookSender();
    let isDead = true;
    sender.answer = deadWhile(() => isDead);
    const { run } = await start({ sender });
    for (const changeNumber of [4, 3, 2]) await run.signal('announce', announcement(changeNumber));
    isDead = false;
    await run.advance(MINUTE_MS);
    expect(sender.changesTo('a')).toEqual([1, 2, 3, 4]);
  });

  it('that come while the last one is being sent are delivered by the same run', async () => {
    const sender = new FakeWebhookSender(['a']);
    const made: { run?: VirtualRun } = {};
    let isSecond = false;
    sender.answer = async () => {
      if (!isSecond && made.run !== undefined) {
        isSecond = true;
        await made.run.signal('announce', announcement(3, ['a']));
      }
      return made.run === undefined ? { status: 500 } : {};
    };
    made.run = (await start({ sender, first: announcement(2, ['a']) })).run;
    await made.run.advance(SECOND_MS);
    expect(sender.changesTo('a')).toEqual([2, 3]);
    expect(made.run.ending).toMatchObject({ completed: { changes: [2, 3] } });
  });
});

describe('a receiver that is dead for days', () => {
  it('holds up no other, is asked at growing distances, and gets all in order when it is back', async () => {
    const sender = new FakeWebhookSender();
    let isDead = true;
    sender.answer = deadWhile(() => isDead);
    const { run } = await start({ sender });
    await run.advance(DAY_MS);
    await run.signal('announce', announcement(2));
    expect(sender.changesTo('b')).toEqual([1, 2]);
    expect(sender.changesTo('a')).toEqual([]);
    const triesADay = sender.attempts.filter((attempt) => attempt.startsWith('a ')).length;
    expect(triesADay).toBeGreaterThan(DAY_MS / (10 * MINUTE_MS));
    expect(triesADay).toBeLessThan(DAY_MS / (10 * MINUTE_MS) + 12);
    const shown = await run.query<{ currentDetails: string }>('__temporal_workflow_metadata');
    expect(shown.currentDetails).toContain('- 2 artifact.retention_changed: a');

    isDead = false;
    await run.advance(10 * MINUTE_MS);
    expect(sender.changesTo('a')).toEqual([1, 2]);
    expect(sender.changesTo('b')).toEqual([1, 2]);
    expect(run.ending).toMatchObject({ completed: { changes: [1, 2] } });
  });

  it('is given up after three days, one announcement after the other, and the run says so', async () => {
    const sender = new FakeWebhookSender();
    sender.answer = deadWhile(() => true);
    const { run } = await start({ sender });
    await run.advance(DAY_MS);
    await run.signal('announce', announcement(2));
    await run.advance(2 * DAY_MS + 10 * MINUTE_MS);
    expect(run.ending).toBeNull();
    expect(sender.attempts.at(-1)).toBe(`a ${ARTIFACT_ID}_2`);
    await run.advance(DAY_MS);
    expect(run.ending).toMatchObject({
      failed: {
        type: 'WebhookGivenUp',
        nonRetryable: true,
        details: [
          {
            artifactId: ARTIFACT_ID,
            givenUp: [
              { receiver: 'a', changeNumber: 1, code: 'webhook_given_up' },
              { receiver: 'a', changeNumber: 2, code: 'webhook_given_up' },
            ],
          },
        ],
      },
    });
    const { failed } = run.ending as unknown as { failed: Error };
    expect(failed.message).toContain('connect ECONNREFUSED');
    expect(sender.changesTo('b')).toEqual([1, 2]);
  });

  it('is asked once more when it is back after a time in which nothing was tried', async () => {
    const sender = new FakeWebhookSender(['a']);
    const { run } = await start({
      sender,
      state: {
        v: 1,
        artifactId: ARTIFACT_ID,
        waiting: [{ ...announcement(1, ['a']), announcedAtMs: BORN_MS - 9 * DAY_MS }],
        known: [1],
        gone: [],
        givenUp: [],
        givenUpCount: 0,
      },
    });
    expect(sender.changesTo('a')).toEqual([1]);
    expect(run.ending).toMatchObject({ completed: {} });
  });
});

describe('an answer other than 2xx', () => {
  it.each([302, 400, 401, 404, 500, 503])('of %i is tried again', async (status) => {
    const sender = new FakeWebhookSender(['a']);
    sender.answer = () => (sender.attempts.length < 3 ? { status } : {});
    const { run } = await start({ sender, first: announcement(1, ['a']) });
    await run.advance(3 * SECOND_MS);
    expect(sender.changesTo('a')).toEqual([1]);
    expect(run.ending).toMatchObject({ completed: {} });
  });

  it('of 410 is the last that is heard, and the run says so', async () => {
    const sender = new FakeWebhookSender();
    let isDead = true;
    sender.answer = (receiver) => {
      if (receiver === 'b') return {};
      if (isDead) throw dead;
      return { status: 410 };
    };
    const { run } = await start({ sender });
    await run.signal('announce', announcement(2));
    isDead = false;
    await run.advance(MINUTE_MS);
    expect(sender.attempts.filter((attempt) => attempt === `a ${ARTIFACT_ID}_2`)).toEqual([]);
    expect(run.ending).toMatchObject({
      failed: { details: [{ givenUp: [{ receiver: 'a', changeNumber: 1, code: 'webhook_gone' }] }] },
    });
  });

  it.each([
    { asked: 90 * SECOND_MS, waited: 90 * SECOND_MS },
    { asked: SECOND_MS, waited: 30 * SECOND_MS },
    { asked: 30 * DAY_MS, waited: HOUR_MS },
  ])('with Retry-After of $asked ms is tried again after $waited ms', async ({ asked, waited }) => {
    const sender = new FakeWebhookSender(['a']);
    sender.answer = () => (sender.attempts.length === 1 ? { status: 429, retryAfterMs: asked } : {});
    const { run } = await start({ sender, first: announcement(1, ['a']) });
    await run.advance(waited - 1);
    expect(sender.attempts).toHaveLength(1);
    await run.advance(1);
    expect(sender.changesTo('a')).toEqual([1]);
  });
});

describe('a receiver', () => {
  it('with an address that may not be called is given up at once, and the others go on', async () => {
    const sender = new FakeWebhookSender();
    sender.answer = (receiver) => {
      if (receiver === 'a') throw new ArtifactError('webhook_address_refused', 'a is 10.0.0.1');
      return {};
    };
    const { run } = await start({ sender });
    expect(sender.attempts.filter((attempt) => attempt.startsWith('a '))).toHaveLength(1);
    expect(sender.changesTo('b')).toEqual([1]);
    expect(run.ending).toMatchObject({
      failed: { details: [{ givenUp: [{ receiver: 'a', code: 'webhook_address_refused' }] }] },
    });
  });

  it('that is not configured any more is given up after an hour', async () => {
    const { run, sender } = await start({ first: announcement(1, ['a', 'removed']) });
    await run.advance(50 * MINUTE_MS);
    expect(run.ending).toBeNull();
    await run.advance(20 * MINUTE_MS);
    expect(sender.changesTo('a')).toEqual([1]);
    expect(run.ending).toMatchObject({ failed: { details: [{ givenUp: [{ receiver: 'removed' }] }] } });
  });

  it('that hangs is sent no more than 50 at a time', async () => {
    const sender = new FakeWebhookSender(['a']);
    let answer = (): void => undefined;
    const held = new Promise<Record<string, never>>((resolve) => (answer = () => resolve({})));
    sender.answer = () => held;
    const activities = activitiesOver(sender);
    const { receivers: _, ...one } = { ...announcement(1), announcedAtMs: Date.now() };
    const deliver = () =>
      new MockActivityEnvironment({}, { logger: QUIET }).run(
        (given: WebhookDelivery) => activities.deliverWebhook(given),
        {
          receiver: 'a',
          announcement: one,
        },
      );
    const hanging = Array.from({ length: 50 }, deliver);
    await expect(deliver()).rejects.toMatchObject({ type: 'webhook_not_accepted', nonRetryable: false });
    answer();
    await Promise.all(hanging);
    await deliver();
    expect(sender.attempts).toHaveLength(51);
  });
});

describe('a run that becomes long', () => {
  it('hands over what waits to a new run, which delivers it once and in order', async () => {
    const sender = new FakeWebhookSender();
    let isDead = true;
    let isLong = false;
    sender.answer = deadWhile(() => isDead);
    const { run } = await start({ sender, isLong: () => isLong });
    await run.signal('announce', announcement(2));
    isLong = true;
    await run.signal('announce', announcement(3));
    const { continuedAsNew } = run.ending as { continuedAsNew: { state: DeliveryState } };
    expect(continuedAsNew.state).toMatchObject({ v: 1, known: [1, 2, 3], givenUp: [] });

    isDead = false;
    const next = await start({ sender, state: continuedAsNew.state });
    expect(sender.changesTo('a')).toEqual([1, 2, 3]);
    expect(sender.changesTo('b')).toEqual([1, 2, 3]);
    expect(next.run.ending).toMatchObject({ completed: { changes: [1, 2, 3] } });
  });

  it('does not lose what is being sent at that moment, and fails', async () => {
    const sender = new FakeWebhookSender(['a']);
    const made: { run?: VirtualRun } = {};
    let isLong = false;
    sender.answer = async () => {
      if (made.run === undefined) return { status: 500 };
      if (isLong) return {};
      isLong = true;
      await made.run.signal('announce', announcement(2, ['a']));
      return { status: 500 };
    };
    const { run } = await start({ sender, first: announcement(1, ['a']), isLong: () => isLong });
    made.run = run;
    await run.advance(SECOND_MS);
    const { continuedAsNew } = run.ending as { continuedAsNew: { state: DeliveryState } };
    expect(continuedAsNew.state).toMatchObject({ known: [1, 2], givenUpCount: 0 });
    await start({ sender, state: continuedAsNew.state });
    expect(sender.changesTo('a')).toEqual([1, 2]);
  });

  it('ends when nothing waits', async () => {
    const { run } = await start({ isLong: () => true, sender: new FakeWebhookSender([]), first: announcement(1, []) });
    expect(run.ending).toMatchObject({ completed: {} });
  });
});

describe('more announcements that wait', () => {
  it('than 400 are given up from there on, and the run says how many', async () => {
    const sender = new FakeWebhookSender();
    let isDead = true;
    sender.answer = deadWhile(() => isDead);
    const { run } = await start({ sender });
    for (let changeNumber = 2; changeNumber <= 1_000; changeNumber += 1)
      await run.signal('announce', announcement(changeNumber));
    isDead = false;
    await run.advance(10 * MINUTE_MS);
    expect(sender.changesTo('a')).toEqual(Array.from({ length: 400 }, (_, index) => index + 1));
    const { failed } = run.ending as unknown as { failed: { details: [{ givenUp: unknown[]; givenUpCount: number }] } };
    expect(failed.details[0]).toMatchObject({ givenUpCount: 1_200 });
    expect(failed.details[0].givenUp).toHaveLength(100);
  });
});
