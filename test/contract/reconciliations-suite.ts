import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Reconciliations } from '../../src/db/reconciliations.js';
import { NOTHING_INSPECTED, type Finding } from '../../src/domain/drift.js';
import { DAY_MS } from '../../src/domain/units.js';

/** Later than anything another test has written, so that each run is the latest in its turn. */
let startedAtMs = Date.UTC(2026, 0, 3);

/** What `Reconciliations` promises, for every implementation of it. */
export function reconciliationsSuite(name: string, subject: () => Reconciliations): void {
  const begin = async (): Promise<string> => {
    const id = randomUUID();
    startedAtMs += 1_000;
    await subject().begin({ id, mode: 'repair', startedAtMs });
    return id;
  };
  const aFinding = (given: Partial<Finding> = {}): Finding => ({
    kind: 'object_missing',
    subject: randomUUID(),
    artifactId: randomUUID(),
    executionId: randomUUID(),
    tenantId: 'tenant-a',
    key: 'a/b.txt',
    versionId: 'v1',
    uploadId: null,
    sizeBytes: 10,
    sinceMs: Date.UTC(2026, 0, 1),
    detail: { row: 'ACTIVE', store: null, nested: { list: [1, 'two'] } },
    ...given,
  });
  const bare = (given: Partial<Finding> = {}): Finding => ({
    ...aFinding({ kind: 'upload_unknown', uploadId: 'u1' }),
    ...{ artifactId: null, executionId: null, tenantId: null, key: null, versionId: null, sizeBytes: null },
    ...{ sinceMs: null, detail: {} },
    ...given,
  });
  const findings = (runId: string, given: { tenantId?: string | null; afterNumber?: number; limit?: number } = {}) =>
    subject().listFindings({ runId, tenantId: null, afterNumber: 0, limit: 1_000, ...given });

  describe(`${name}: reconciliations`, () => {
    test('keep findings as they are, numbered from 1 in the order in which they came', async () => {
      const runId = await begin();
      const [first, second, third] = [aFinding(), bare(), aFinding({ kind: 'object_hidden' })];
      await subject().addFindings(runId, [first, second]);
      await subject().addFindings(runId, [third]);
      const open = { outcome: 'open', note: null };
      expect(await findings(runId)).toEqual([
        { ...first, number: 1, ...open },
        { ...second, number: 2, ...open },
        { ...third, number: 3, ...open },
      ]);
    });

    test('have ended when the next one begins, also those that nobody has finished', async () => {
      const [whole, cut] = [await begin(), await begin()];
      const query = { tenantId: null };
      const own = { finishedAtMs: startedAtMs + 5, inspected: NOTHING_INSPECTED, failure: null };
      await subject().finish(cut, own);
      expect(await subject().get(whole, query)).toMatchObject({
        ...{ finishedAtMs: startedAtMs, failure: expect.stringContaining('ended from outside') as string },
      });
      const next = await begin();
      expect(await subject().get(cut, query)).toMatchObject(own);
      expect(await subject().get(next, query)).toMatchObject({ finishedAtMs: null, failure: null });
      await subject().begin({ id: next, mode: 'repair', startedAtMs });
      expect(await subject().get(next, query)).toMatchObject({ finishedAtMs: null, failure: null });
    });

    test('know a finding by its kind and subject, in one run', async () => {
      const runId = await begin();
      const finding = aFinding();
      await subject().addFindings(runId, [finding, { ...finding, sizeBytes: 99 }]);
      await subject().settle(runId, 1, 'repaired', 'done');
      await subject().addFindings(runId, [finding, { ...finding, kind: 'object_hidden' }]);
      expect(await findings(runId)).toMatchObject([
        { number: 1, sizeBytes: 10, outcome: 'repaired', note: 'done' },
        { number: 2, kind: 'object_hidden', outcome: 'open' },
      ]);
      const other = await begin();
      await subject().addFindings(other, [finding]);
      expect(await findings(other)).toMatchObject([{ number: 1, outcome: 'open' }]);
    });

    test('number findings that are added at the same time without gaps', async () => {
      const runId = await begin();
      await Promise.all(Array.from({ length: 20 }, () => subject().addFindings(runId, [aFinding(), aFinding()])));
      expect((await findings(runId)).map(({ number }) => number)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    });

    test('keep ids as they were found, whoever made them up', async () => {
      const runId = await begin();
      const finding = aFinding({ kind: 'object_unknown', artifactId: 'not one of ours', executionId: '' });
      await subject().addFindings(runId, [finding]);
      expect(await findings(runId)).toMatchObject([finding]);
    });

    test('of nothing are none', async () => {
      const runId = await begin();
      await subject().addFindings(runId, []);
      expect(await findings(runId)).toEqual([]);
    });

    test('give findings page by page, and a tenant its own', async () => {
      const runId = await begin();
      const tenants = ['tenant-a', 'tenant-b', null, 'tenant-a', 'tenant-a'];
      await subject().addFindings(
        runId,
        tenants.map((tenantId) => aFinding({ tenantId })),
      );
      const numbers = async (given: Parameters<typeof findings>[1]) =>
        (await findings(runId, given)).map(({ number }) => number);
      expect(await numbers({ limit: 2 })).toEqual([1, 2]);
      expect(await numbers({ limit: 2, afterNumber: 2 })).toEqual([3, 4]);
      expect(await numbers({ tenantId: 'tenant-a' })).toEqual([1, 4, 5]);
      expect(await numbers({ tenantId: 'tenant-a', limit: 1, afterNumber: 1 })).toEqual([4]);
      expect(await numbers({ tenantId: 'tenant-c' })).toEqual([]);
    });

    test('keep the last outcome of a finding', async () => {
      const runId = await begin();
      await subject().addFindings(runId, [aFinding(), aFinding()]);
      await subject().settle(runId, 2, 'failed', 'the store was away');
      await subject().settle(runId, 2, 'repaired', null);
      expect(await findings(runId)).toMatchObject([
        { outcome: 'open', note: null },
        { outcome: 'repaired', note: null },
      ]);
    });

    test('add up findings by kind and outcome, for everybody and for a tenant', async () => {
      const runId = await begin();
      await subject().addFindings(runId, [
        aFinding({ kind: 'tags_differ', sizeBytes: 1 }),
        aFinding({ kind: 'tags_differ', sizeBytes: 2 }),
        aFinding({ kind: 'tags_differ', sizeBytes: null, tenantId: 'tenant-b' }),
        bare(),
      ]);
      await subject().settle(runId, 1, 'repaired', null);
      expect((await subject().get(runId, { tenantId: null }))?.totals).toEqual([
        { kind: 'tags_differ', outcome: 'open', findings: 2, bytes: 2 },
        { kind: 'tags_differ', outcome: 'repaired', findings: 1, bytes: 1 },
        { kind: 'upload_unknown', outcome: 'open', findings: 1, bytes: 0 },
      ]);
      expect((await subject().get(runId, { tenantId: 'tenant-b' }))?.totals).toEqual([
        { kind: 'tags_differ', outcome: 'open', findings: 1, bytes: 0 },
      ]);
    });

    test('tell how they began and ended, by the first word of each', async () => {
      const runId = await begin();
      const beganAtMs = startedAtMs;
      await subject().begin({ id: runId, mode: 'dry-run', startedAtMs: beganAtMs + 5 });
      const running = {
        ...{ id: runId, mode: 'repair', startedAtMs: beganAtMs, finishedAtMs: null, inspected: NOTHING_INSPECTED },
        ...{ failure: null, totals: [] },
      };
      expect(await subject().get(runId, { tenantId: null })).toEqual(running);
      const inspected = { rows: 1, objects: 2, bytes: 3, uploads: 4, lives: 5, manifests: 6 };
      const finishedAtMs = beganAtMs + 9;
      await subject().finish(runId, { finishedAtMs, inspected, failure: 'gave up' });
      await subject().finish(runId, { finishedAtMs: finishedAtMs + 1, inspected: NOTHING_INSPECTED, failure: null });
      const finished = { ...running, finishedAtMs, inspected, failure: 'gave up' };
      expect(await subject().get(runId, { tenantId: null })).toEqual(finished);
      expect(await subject().latest({ tenantId: null })).toEqual(finished);
    });

    test('know which one began last, and none that never did', async () => {
      await begin();
      const last = await begin();
      const before = randomUUID();
      await subject().begin({ id: before, mode: 'dry-run', startedAtMs: startedAtMs - 500 });
      expect(await subject().latest({ tenantId: 'tenant-x' })).toMatchObject({ id: last, totals: [] });
      expect(await subject().get(randomUUID(), { tenantId: null })).toBeNull();
    });

    test('forget old runs with their findings when a new one begins', async () => {
      const [old, recent, next] = [randomUUID(), randomUUID(), randomUUID()];
      const longAgoMs = Date.UTC(2020, 0, 1);
      await subject().begin({ id: old, mode: 'dry-run', startedAtMs: longAgoMs - 1 });
      await subject().addFindings(old, [aFinding()]);
      await subject().begin({ id: recent, mode: 'dry-run', startedAtMs: longAgoMs });
      await subject().begin({ id: next, mode: 'dry-run', startedAtMs: longAgoMs + DAY_MS, forgetBeforeMs: longAgoMs });
      expect(await subject().get(old, { tenantId: null })).toBeNull();
      expect(await findings(old)).toEqual([]);
      expect(await subject().get(recent, { tenantId: null })).not.toBeNull();
      expect(await subject().get(next, { tenantId: null })).not.toBeNull();
    });

    test('refuse findings of a run that never began', async () => {
      await expect(subject().addFindings(randomUUID(), [aFinding()])).rejects.toThrow('There is no reconciliation');
    });
  });
}
