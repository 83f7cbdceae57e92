import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { withBoundary } from '../../../src/activities/boundary.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import { QUIET } from '../../support/virtual-time/virtual-artifact.js';

const { fail } = withBoundary({
  fail: () => Promise.reject(new ArtifactError('storage_unavailable', 'no answer')),
});

/** The failure of an attempt that ends so long after its local activity was asked for, which may take 8 seconds. */
async function failureAfter(ageMs: number, isLocal = true): Promise<ApplicationFailure> {
  const info = { isLocal, scheduledTimestampMs: Date.now() - ageMs, scheduleToCloseTimeoutMs: 8_000 };
  const failure: unknown = await new MockActivityEnvironment(info, { logger: QUIET })
    .run(fail)
    .catch((e: unknown) => e);
  if (!(failure instanceof ApplicationFailure)) throw new Error('it did not fail as it should');
  return failure;
}

describe('an attempt of a local activity', () => {
  it('that fails early is followed by another one', async () => {
    expect(await failureAfter(1_000)).toMatchObject({ type: 'storage_unavailable', nonRetryable: false });
  });

  it('that leaves no time for another one is the last, under the same code', async () => {
    expect(await failureAfter(6_500)).toMatchObject({ type: 'storage_unavailable', nonRetryable: true });
  });
});

describe('an attempt of an ordinary activity', () => {
  it('is followed by another one for as long as its retry policy says', async () => {
    expect(await failureAfter(60_000, false)).toMatchObject({ type: 'storage_unavailable', nonRetryable: false });
  });
});
