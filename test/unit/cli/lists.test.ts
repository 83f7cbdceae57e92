import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { usageTable } from '../../../src/cli/tables.js';
import { runArtifacts, type CliResult } from '../../support/cli.js';
import { listeningApi, storedFor } from '../../support/plan-api.js';

// Each command is a process of its own.
describe('artifacts list and usage', { timeout: 60_000 }, () => {
  test('find over all executions by every filter, and say what is stored', async () => {
    const { api, baseUrl, token } = await listeningApi();
    const run = (...args: string[]): Promise<CliResult> =>
      runArtifacts(args, { cwd: tmpdir(), env: { ARTIFACTS_URL: baseUrl, ARTIFACTS_TOKEN: token } });
    const executionId = randomUUID();
    const wanted = { path: 'output/charts/a.pdf', tags: { agent: 'x' }, nowMs: Date.UTC(2026, 5, 1), executionId };
    const id = await storedFor(api, 9, wanted);
    for (const path of ['output/b.pdf', 'logs/c.pdf']) await storedFor(api, 5, { path, executionId });

    const everyFilter =
      '--type document --status ACTIVE --status ARCHIVED --tier HOT --tag agent=x --name *.pdf --path output/charts/ --min-bytes 100 ' +
      '--max-bytes 100 --created-after 2026-06-01 --created-before 2026-06-02 --expires-before 2026-06-30 --sort largest --json';
    const found = await run('list', ...everyFilter.split(' '));
    expect({ code: found.code, err: found.err }).toEqual({ code: 0, err: '' });
    expect(JSON.parse(found.out)).toMatchObject({ truncated: false, artifacts: [{ id }] });

    const some = await run('list', executionId, '--sort', 'oldest', '--limit', '2');
    expect(some.out.trim().split('\n')).toHaveLength(3);
    expect(some.err).toBe('There are more than 2. Ask for less, or for more by --limit.\n');
    expect((await run('list', '--status', 'GONE')).code).toBe(2);
    const none = await run('list', executionId, '--limit', '0');
    expect([none.code, none.err]).toEqual([2, expect.stringContaining('Give 1 or more.')]);

    expect((await run('usage')).out).toMatch(
      /HOT +3 +300 B\n.*\n.*\nall +3 +300 B\n\nLeft: any artifacts, 9\.5 KiB of/s,
    );
    const usage = await run('usage', '--execution', executionId, '--json');
    expect(JSON.parse(usage.out)).toMatchObject({ scope: 'execution', total: { artifacts: 3, bytes: 300 } });
  });
});

test('usage of some executions says nothing of quotas', () => {
  const nothing = { artifacts: 0, bytes: 0 };
  const tiers = { HOT: nothing, WARM: nothing, COLD: nothing };
  expect(usageTable({ scope: 'executions', total: nothing, tiers, quotas: null })).not.toContain('Left');
});
