import { randomUUID } from 'node:crypto';
import { inject, onTestFinished } from 'vitest';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { createLocalBucket } from '../../src/storage/bucket/create-local-bucket.js';
import type { ObjectStore } from '../../src/storage/object-store.js';
import { createS3ObjectStore } from '../../src/storage/s3/index.js';
import { sha256Of, startTestApi, tokenFor, type TestApi } from './api.js';
import { changeOf, newArtifact } from './new-artifact.js';

/** The API with a socket, over rows in memory and a bucket of versitygw; ends with the test. */
export interface StoredApi extends Omit<TestApi, 'store'> {
  origin: string;
  store: ObjectStore;
  token: string;
  /** Stores an ACTIVE artifact of tenant `acme` and answers with its id. */
  put(file: { fileName: string; mimeType?: string; bytes: Buffer }): Promise<string>;
}

export async function startStoredApi(deps: Parameters<typeof startTestApi>[0] = {}): Promise<StoredApi> {
  const { endpoint, accessKey, secretKey } = inject('versitygw');
  const credentials = { accessKeyId: accessKey, secretAccessKey: secretKey };
  const bucket = `stored-${randomUUID()}`;
  await createLocalBucket({ endpoint, bucket, ...credentials });
  const store = createS3ObjectStore({ bucket, region: 'us-east-1', endpoint, credentials });
  onTestFinished(() => store.close());
  const api = await startTestApi({ store, ...deps });
  const origin = await api.app.listen({ host: '127.0.0.1', port: 0 });
  const put: StoredApi['put'] = async ({ fileName, mimeType = 'application/octet-stream', bytes }) => {
    const path = `output/${fileName}`;
    const facts = { sizeBytes: bytes.length, sha256: sha256Of(bytes), mimeType };
    const record = await api.records.register(
      newArtifact({ tenantId: 'acme', path, createdAtMs: Date.now(), ...facts }),
    );
    const { versionId, etag } = await store.put(objectAtCreation(record), bytes);
    await api.records.change(changeOf(record.id, 1, { status: 'ACTIVE', checksumState: 'verified', versionId, etag }));
    return record.id;
  };
  return { ...api, origin, store, token: await tokenFor(), put };
}
