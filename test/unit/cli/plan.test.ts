import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { planTable, planTotals } from '../../../src/cli/plan-table.js';
import { columnsOf } from '../../../src/cli/text-width.js';
import type { PlannedAction } from '../../../src/sdk/index.js';
import { runArtifacts, type CliResult } from '../../support/cli.js';
import { listeningApi, storedFor } from '../../support/plan-api.js';

const item = (given: Partial<PlannedAction> = {}): PlannedAction => ({
  ...{ artifactId: randomUUID(), executionId: randomUUID(), path: 'output/report.pdf', action: 'expire' },
  ...{ at: new Date('2126-01-31T12:00:00Z'), rule: 'default_retention', because: '', isEstimate: false },
  ...given,
});

describe('the table of a plan', () => {
  test('tells when, what, how large, which and why', () => {
    const text = planTable([
      item({ sizeBytes: 2_048 }),
      item({ undeleteUntil: new Date('2126-02-07T12:00:00Z') }),
      item({ action: 'changeTier', rule: 'warm_age' }),
      item({ action: 'changeTier', rule: 'cold_age', isEstimate: true }),
    ]);
    expect(text).toMatch(
      /2126-01-31 12:00 UTC \(in \d+ years\) +expires +2.0 KiB {2}output\/report.pdf {2}default retention/,
    );
    expect(text).toContain('expires (undelete: 2126-02-07)');
    expect(text).toContain('moves to WARM');
    expect(text).toMatch(/~2126-01-31 12:00 UTC \(in \d+ years\) {2}moves to COLD \(archived\)/);
  });

  test.each([100, 120, 160])('stays within %i columns', (maxColumns) => {
    const text = planTable([item({ path: `output/${'deep/'.repeat(40)}보고서.pdf` })], maxColumns);
    for (const line of text.trimEnd().split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(maxColumns);
  });

  test('sums up, and says when that is not all', () => {
    const until = new Date('2126-01-31T12:00:00Z');
    const actions = [{ action: 'expire' as const, count: 3, sizeBytes: 3_072 }];
    expect(planTotals({ until, totals: { complete: true, artifacts: 3, actions } })).toBe(
      'Until 2126-01-31 12:00 UTC, 3 artifacts: 3 expire (3.0 KiB)',
    );
    expect(planTotals({ until, totals: { complete: false, artifacts: 3, actions } })).toContain(
      'more than 3 artifacts',
    );
    expect(planTotals({ until, totals: { complete: true, artifacts: 0, actions: [] } })).toContain('Nothing happens');
  });
});

// Each command is a process of its own.
describe('artifacts plan', { timeout: 30_000 }, () => {
  test('without an id tells what happens to all of them, the soonest first', async () => {
    const { api, baseUrl, token } = await listeningApi();
    const run = (...args: string[]): Promise<CliResult> =>
      runArtifacts(['plan', ...args], { cwd: tmpdir(), env: { ARTIFACTS_URL: baseUrl, ARTIFACTS_TOKEN: token } });
    const executionId = randomUUID();
    await storedFor(api, 5, { path: 'output/five.txt' });
    await storedFor(api, 3, { path: 'output/three.txt', executionId });
    await storedFor(api, 90, { path: 'output/ninety.txt', executionId });

    const week = await run();
    expect({ code: week.code, err: week.err }).toEqual({ code: 0, err: '' });
    const expiries = week.out.split('\n').filter((line) => line.includes(' expires '));
    expect(expiries.map((line) => /\w+\.txt/.exec(line)?.[0])).toEqual(['three.txt', 'five.txt']);
    expect(week.out).toMatch(/\nUntil .*, 2 artifacts: 2 warn \(200 B\), 2 expire \(200 B\)\n$/);

    const json = await run(
      '--within',
      '100d',
      '--execution',
      executionId,
      '--action',
      'changeTier',
      '--action',
      'expire',
      '--json',
    );
    expect(JSON.parse(json.out)).toMatchObject({
      truncated: false,
      totals: { complete: true, artifacts: 2 },
      items: [
        { path: 'output/three.txt', action: 'expire' },
        { path: 'output/ninety.txt', action: 'changeTier', rule: 'warm_age' },
        { path: 'output/ninety.txt', action: 'expire' },
      ],
    });

    expect((await run('--within', '1h', '--execution', executionId)).out).toMatch(
      /^Nothing happens by itself until .*\n$/,
    );
  });

  test('with an id tells of that one, and takes no mixture', async () => {
    const { api, baseUrl, token } = await listeningApi();
    const id = await storedFor(api, 5);
    const run = (...args: string[]): Promise<CliResult> =>
      runArtifacts(['plan', ...args], { cwd: tmpdir(), env: { ARTIFACTS_URL: baseUrl, ARTIFACTS_TOKEN: token } });
    expect((await run(id)).out).toContain('next             warn');
    for (const wrong of [
      [id, '--within', '7d'],
      ['--action', 'explode'],
      ['--within', 'soon'],
    ])
      expect({ wrong, code: (await run(...wrong)).code }).toEqual({ wrong, code: 2 });
  });
});
