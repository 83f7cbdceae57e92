import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { artifactWorkflowId } from '../../src/temporal/ids.js';
import { anArtifact, insist, look, openLifeWorld, type LifeWorld } from '../support/life-world.js';
import { startTestStack } from '../support/stack.js';
import type { TestProcess } from '../support/test-process.js';

const run = promisify(execFile);
const WORKER_DEPLOYMENT_NAME = 'artifacts';
const actor = 'ann';
const SOON = { interval: 500 };

let world: LifeWorld;
beforeAll(async () => {
  world = await openLifeWorld(await startTestStack());
});
afterAll(async () => {
  await world.close();
  await world.stack.stop();
});

const temporal = async (...args: string[]): Promise<string> => {
  const { temporalAddress, namespace } = world.stack;
  return (await run(inject('temporalBinary'), [...args, '--address', temporalAddress, '--namespace', namespace]))
    .stdout;
};

const workerOf = (buildId: string): TestProcess =>
  world.stack.anotherWorker({ WORKER_DEPLOYMENT_NAME, WORKER_BUILD_ID: buildId });

/** As docs/operators.md says; the server needs a moment to know the queues of a new version. */
const makeCurrent = (buildId: string) =>
  expect
    .poll(
      () =>
        temporal(
          ...['worker', 'deployment', 'set-current-version', '--yes'],
          ...['--deployment-name', WORKER_DEPLOYMENT_NAME, '--build-id', buildId],
        ).then(
          () => 'done',
          (error: unknown) => String(error),
        ),
      SOON,
    )
    .toBe('done');

/** The build that a life's last task ran on; null when that was on no version. */
async function buildOf(id: string): Promise<string | null> {
  const { raw } = await world.temporal.workflow.getHandle(artifactWorkflowId(id)).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? null;
}

it('a life goes on on whatever version is current, and on none while none is', async () => {
  const born = await anArtifact(world);
  expect(await buildOf(born.id)).toBeNull();
  await world.stack.kill9Worker();

  // A worker of a version that nobody made current gets nothing to do.
  const first = workerOf('build-a');
  await first.start();
  const waiting = world.lifecycle.keepForever(born.id, { reason: 'evidence', actor });
  await expect(waiting).rejects.toMatchObject({ code: 'not_yet_answered' });
  expect((await world.records.get(born.id))?.retention.rule).toBe('default');

  await makeCurrent('build-a');
  await insist(() => world.lifecycle.keepForever(born.id, { reason: 'evidence', actor }));
  expect(await buildOf(born.id)).toBe('build-a');
  const artifact = await anArtifact(world);
  expect(await buildOf(artifact.id)).toBe('build-a');

  // The old version still runs: it is not asked any more.
  const second = workerOf('build-b');
  await second.start();
  await makeCurrent('build-b');
  await insist(() => world.lifecycle.archiveArtifact(artifact.id, { actor }));
  await expect.poll(() => buildOf(artifact.id), SOON).toBe('build-b');
  await first.stop();
  await insist(() => world.lifecycle.restoreArtifact(artifact.id, { tier: 'Standard', actor }));
  await insist(() => world.lifecycle.deleteArtifact(born.id, { actor }));
  for (const { id } of [artifact, born]) expect(await buildOf(id)).toBe('build-b');
  expect(await look(world, artifact.id)).toMatchObject({
    row: { status: 'ACTIVE' },
    audit: ['upload_begun', 'upload_completed', 'archived', 'restored'],
  });
  expect(await look(world, born.id)).toMatchObject({ row: { status: 'DELETED' } });
});
