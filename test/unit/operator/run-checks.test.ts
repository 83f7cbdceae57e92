import { describe, expect, test } from 'vitest';
import { ArtifactError } from '../../../src/domain/errors.js';
import { runChecks, type Check } from '../../../src/operator/doctor/run-checks.js';
import { degraded, failed, ok, type CheckResult } from '../../../src/operator/doctor/verdicts.js';

const fine = (name: string, more: Partial<Check> = {}): Check => ({ name, ask: () => ok('fine'), ...more });
const broken = (name: string, more: Partial<Check> = {}): Check => ({
  ...{ name, ask: () => failed('broken', 'nothing works', 'mend it') },
  ...more,
});

function run(
  checks: Check[],
  { signal = new AbortController().signal, close }: { signal?: AbortSignal; close?: () => Promise<void> } = {},
): Promise<CheckResult[]> {
  const area = { area: 'store' as const, target: 'bucket', checks, ...(close === undefined ? {} : { close }) };
  return runChecks(area, { signal, onBegin: () => undefined, onEnd: () => undefined });
}

const statuses = (results: CheckResult[]): string[] => results.map(({ check, status }) => `${check} ${status}`);

describe('the checks of an area', () => {
  test('go on when one fails that they do not need', async () => {
    const results = await run([fine('first'), broken('second', { needs: 'first' }), fine('third')]);
    expect(statuses(results)).toEqual(['first ok', 'second failed', 'third ok']);
  });

  test('are skipped when what they need has failed, and name what it was in the first place', async () => {
    const results = await run([broken('first'), fine('second'), fine('third', { needs: 'second' })]);
    expect(statuses(results)).toEqual(['first failed', 'second skipped', 'third skipped']);
    expect(results.map(({ fact }) => fact).slice(1)).toEqual([
      'not asked, because of "first"',
      'not asked, because of "first"',
    ]);
  });

  test('are asked when what they need is degraded', async () => {
    const first: Check = { name: 'first', ask: () => degraded('slow', 'it takes long', 'wait') };
    expect(statuses(await run([first, fine('second')]))).toEqual(['first degraded', 'second ok']);
  });

  test('fail with what was thrown, and with the remedy of our errors', async () => {
    const [ours] = await run([
      { name: 'ours', ask: () => Promise.reject(new ArtifactError('bucket_not_found', 'no such bucket')) },
    ]);
    expect(ours).toMatchObject({ status: 'failed', fact: 'no such bucket' });
    expect(ours?.remedy).toContain('create the bucket');
    const [bug] = await run([{ name: 'a bug', ask: () => Promise.reject(new TypeError('x is undefined\n    at x')) }]);
    expect(bug).toMatchObject({ status: 'failed', fact: 'x is undefined' });
  });

  test('fail when they take longer than their time, and the next one is asked', async () => {
    const silent: Check = { name: 'silent', timeoutMs: 20, ask: () => new Promise(() => undefined) };
    const sinceMs = performance.now();
    const results = await run([fine('first'), silent, fine('third')]);
    expect(statuses(results)).toEqual(['first ok', 'silent failed', 'third ok']);
    expect(results[1]?.fact).toContain('no answer');
    expect(performance.now() - sinceMs).toBeLessThan(30_000);
  });

  test('are skipped once the user has had enough, except for those that clean up', async () => {
    const user = new AbortController();
    const interrupts: Check = { name: 'first', ask: () => (user.abort(), ok('fine')) };
    const results = await run([interrupts, fine('second'), fine('clean', { always: true })], { signal: user.signal });
    expect(statuses(results)).toEqual(['first ok', 'second skipped', 'clean ok']);
  });

  test('close what they opened, also after a failure, and wait for it for seconds only', async () => {
    let closed = 0;
    const close = (): Promise<void> => {
      closed += 1;
      return closed === 1 ? Promise.reject(new Error('it was closed')) : Promise.resolve();
    };
    await run([broken('first')], { close });
    await run([fine('first')], { close });
    expect(closed).toBe(2);
  });
});
