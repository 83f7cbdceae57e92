import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, it } from 'vitest';
import { createActivities } from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import { artifactKey } from '../../../src/domain/keys.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import {
  aNewUpload,
  CAPABLE_OF_ALL,
  NO_OTHERS,
  QUIET,
  SETTINGS,
  START_MS,
} from '../../support/virtual-time/virtual-artifact.js';

/** Whether the database has noted the upload before it fails to say so. */
class ForgetfulRecords extends MemoryArtifactRecords {
  readonly #fault: { code: 'database_unavailable' | 'not_uploading'; notes: boolean };
  #isFirst = true;

  constructor(fault: { code: 'database_unavailable' | 'not_uploading'; notes: boolean }) {
    super();
    this.#fault = fault;
  }

  override async attachUpload(artifactId: string, uploadId: string): Promise<string> {
    if (!this.#isFirst) return super.attachUpload(artifactId, uploadId);
    this.#isFirst = false;
    if (this.#fault.notes) await super.attachUpload(artifactId, uploadId);
    throw new ArtifactError(this.#fault.code, 'made to fail');
  }
}

describe('registering an upload in parts', () => {
  const upload = { ...aNewUpload({ sizeBytes: null, sha256: null }), createdAtMs: START_MS };

  function register(store: MemoryObjectStore, records: MemoryArtifactRecords): () => Promise<ArtifactRecord> {
    const deps = { store, records, lives: NO_OTHERS, capabilities: CAPABLE_OF_ALL, settings: SETTINGS };
    const activities = createActivities(deps);
    return () => new MockActivityEnvironment({}, { logger: QUIET }).run(() => activities.registerUpload(upload));
  }

  it.each([true, false])(
    'again, when the database did not answer, ends in one that lives (noted: %s)',
    async (notes) => {
      const store = new MemoryObjectStore({});
      const attempt = register(store, new ForgetfulRecords({ code: 'database_unavailable', notes }));
      await expect(attempt()).rejects.toMatchObject({ type: 'database_unavailable' });
      const { key, uploadId } = await attempt();
      expect(await store.listParts(key, uploadId ?? '')).toEqual([]);
    },
  );

  it('leaves no upload when the row does not take one', async () => {
    const store = new MemoryObjectStore({});
    const attempt = register(store, new ForgetfulRecords({ code: 'not_uploading', notes: false }));
    await expect(attempt()).rejects.toMatchObject({ type: 'not_uploading' });
    expect(await store.listUploads(artifactKey(upload.executionId, upload.path))).toEqual([]);
  });
});
