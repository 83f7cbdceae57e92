import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ArtifactRecords, NewArtifact } from '../../src/db/artifact-records.js';
import { NO_QUOTAS, type Quotas } from '../../src/domain/quotas.js';
import { changeOf, newArtifact } from '../support/new-artifact.js';

/** What every adapter of `ArtifactRecords` must do about quotas. */
export function quotasSuite(name: string, opened: () => ArtifactRecords): void {
  describe(`quotas, in ${name}`, () => {
    /** Registers for one tenant of its own. */
    function aTenant(given: Partial<Quotas>) {
      const quotas = { ...NO_QUOTAS, ...given };
      const tenantId = randomUUID();
      return {
        quotas,
        register: (artifact: Partial<NewArtifact> = {}) =>
          opened().register(newArtifact({ tenantId, sizeBytes: 10, quotas, ...artifact })),
      };
    }

    test('of artifacts and bytes hold to the last one, for an execution and for its tenant', async () => {
      const executionId = randomUUID();
      for (const [quota, limit, used, asked] of [
        ['executionArtifacts', 3, 3, 1],
        ['executionBytes', 39, 30, 10],
        ['tenantArtifacts', 3, 3, 1],
        ['tenantBytes', 39, 30, 10],
      ] as const) {
        const { register } = aTenant({ [quota]: limit });
        const where = quota.startsWith('execution') ? { executionId: randomUUID() } : {};
        for (let count = 0; count < 3; count += 1) await register(where);
        const artifact = newArtifact({ ...where });
        await expect(register({ ...where, id: artifact.id })).rejects.toMatchObject({
          code: 'quota_exceeded',
          details: { quota, limit, used, asked },
        });
        expect(await opened().get(artifact.id)).toBeNull();
        expect(await opened().history(artifact.id)).toEqual([]);
      }
      // Others are not concerned.
      await aTenant({ executionArtifacts: 1, tenantArtifacts: 1 }).register({ executionId });
    });

    test('are free again once an artifact is DELETED, also while it can be undeleted, which is never refused', async () => {
      const { register } = aTenant({ tenantArtifacts: 1 });
      const { id } = await register();
      await expect(register()).rejects.toMatchObject({ code: 'quota_exceeded' });
      await opened().change(changeOf(id, 1, { status: 'DELETED', purgeAtMs: Date.UTC(2026, 0, 9) }));
      const other = await register();
      await opened().change({ ...changeOf(id, 2, { status: 'ACTIVE' }), atMs: Date.UTC(2026, 0, 3) });
      await opened().change(changeOf(other.id, 1, { status: 'DELETED' }));
      await expect(register()).rejects.toMatchObject({ code: 'quota_exceeded', details: { used: 1 } });
    });

    test('are not asked of a registration that is repeated', async () => {
      const { register } = aTenant({ tenantArtifacts: 1 });
      const { id, executionId, path } = await register();
      expect(await register({ id, executionId, path })).toMatchObject({ id });
    });

    test('count a stream when its size is known, and refuse to complete what does not fit, but not twice', async () => {
      const { register, quotas } = aTenant({ tenantBytes: 100 });
      const streams = [await register({ sizeBytes: null }), await register({ sizeBytes: null })];
      const completed = (id: string, sizeBytes: number) => ({
        ...changeOf(id, 1, { status: 'ACTIVE', sizeBytes }),
        quotas,
      });
      await opened().change(completed(streams[0]!.id, 60));
      const refused = opened().change(completed(streams[1]!.id, 41));
      await expect(refused).rejects.toMatchObject({ code: 'quota_exceeded', details: { used: 60, asked: 41 } });
      expect(await opened().get(streams[1]!.id)).toMatchObject({ status: 'UPLOADING', sizeBytes: null, revision: 0 });
      await opened().change(completed(streams[1]!.id, 40));
      const again = { ...completed(streams[1]!.id, 40), quotas: { ...quotas, tenantBytes: 1 } };
      expect(await opened().change(again)).toMatchObject({ status: 'ACTIVE', revision: 1 });
      await expect(register({ sizeBytes: 1 })).rejects.toMatchObject({ code: 'quota_exceeded' });
      // Nothing is asked of what brings nothing.
      await register({ sizeBytes: 0 });
    });

    test('of 0 are none', async () => {
      const { register } = aTenant({});
      for (let count = 0; count < 5; count += 1) await register({ sizeBytes: 5 * 1024 ** 3 });
    });
  });
}
