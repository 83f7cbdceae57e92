import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { manifestKey } from '../../../../src/domain/keys.js';
import { manifestObject } from '../../../../src/domain/manifest.js';
import { objectAtCreation } from '../../../../src/domain/stored-object.js';
import { HOUR_MS, MINUTE_MS } from '../../../../src/domain/units.js';
import { MemoryWorld } from '../../../support/inspected-world.js';

const PART = { partSizeBytes: 8 * 1024 ** 2 };

describe('multipart uploads', () => {
  it('that their row waits for are no finding, also before it could note the id', async () => {
    const world = new MemoryWorld();
    const noted = await world.begun({ ...PART, createdAtMs: Date.now() - 3 * HOUR_MS });
    await world.parts.records.attachUpload(noted.id, await world.parts.store.createUpload(objectAtCreation(noted)));
    const unnoted = await world.begun({ ...PART, createdAtMs: Date.now() - 3 * HOUR_MS });
    await world.parts.store.createUpload(objectAtCreation(unnoted));
    expect(await world.findings(['inspectUploads'])).toEqual([]);
  });

  it('that no row waits for are found with their bytes, their age and whose they were', async () => {
    const world = new MemoryWorld();
    const active = await world.active();
    const uploadId = await world.parts.store.createUpload(objectAtCreation(active));
    const part = Buffer.alloc(5 * 1024 ** 2);
    const upload = { key: active.key, uploadId, partSizeBytes: part.length };
    await world.parts.store.sendParts(
      upload,
      (async function* () {
        yield await Promise.resolve(part);
      })(),
      new AbortController().signal,
    );
    const found = await world.findings(['inspectUploads']);
    expect(found).toMatchObject([
      {
        ...{ kind: 'upload_unknown', subject: uploadId, uploadId, key: active.key, executionId: active.executionId },
        ...{ tenantId: active.tenantId, sizeBytes: part.length, detail: { parts: 1, of: 'artifact' } },
      },
    ]);
    expect(Date.now() - (found[0]?.sinceMs ?? 0)).toBeGreaterThanOrEqual(2 * HOUR_MS);
  });

  it('of a manifest, and outside of any execution, are found as well', async () => {
    const world = new MemoryWorld();
    const executionId = randomUUID();
    await world.parts.store.createUpload(manifestObject(executionId));
    await world.parts.store.createUpload({ ...manifestObject(executionId), key: 'artifacts/stray' });
    expect(await world.findings(['inspectUploads'])).toMatchObject([
      { key: manifestKey(executionId), executionId, tenantId: null, detail: { of: 'manifest' } },
      { key: 'artifacts/stray', executionId: null, tenantId: null },
    ]);
  });

  it('that are young are left alone, and so is what is not ours', async () => {
    const world = new MemoryWorld();
    await world.parts.store.createUpload({ ...manifestObject(randomUUID()), key: 'elsewhere/stray' });
    world.skewMs = -59 * MINUTE_MS;
    await world.parts.store.createUpload(manifestObject(randomUUID()));
    expect(await world.findings(['inspectUploads'])).toEqual([]);
  });

  it('begun before the upload that its row waits for are found beside it', async () => {
    const world = new MemoryWorld();
    const begun = await world.begun({ ...PART, createdAtMs: Date.now() });
    const stray = await world.parts.store.createUpload(objectAtCreation(begun));
    await world.parts.records.attachUpload(begun.id, await world.parts.store.createUpload(objectAtCreation(begun)));
    expect(await world.findings(['inspectUploads'])).toMatchObject([{ subject: stray }]);
  });

  it('are all found over more pages and slices than one', async () => {
    const world = new MemoryWorld();
    for (let count = 0; count < 5_500; count += 1) await world.parts.store.createUpload(manifestObject(randomUUID()));
    const runId = randomUUID();
    expect(await world.inspect('inspectUploads', runId)).toMatchObject({ uploads: 5_500, slices: 2 });
    expect((await world.reconciliations.get(runId, { tenantId: null }))?.totals).toMatchObject([{ findings: 5_500 }]);
  });
});
