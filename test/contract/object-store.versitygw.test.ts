import { describe, expect, inject, test } from 'vitest';
import { createS3ObjectStore } from '../../src/storage/s3/index.js';
import { codeOf, newObject } from './object-store/fixtures.js';
import { openOnS3 } from './object-store/s3-leg.js';
import { objectStoreSuite } from './object-store/suite.js';

const server = inject('versitygw');

objectStoreSuite({
  name: 'versitygw',
  open: () =>
    openOnS3(server, () => ({
      holdRestore: () => Promise.reject(new Error('versitygw restores nothing')),
      finishRestores: () => Promise.reject(new Error('versitygw restores nothing')),
    })),
  cannot: {
    'storage classes': 'everything is STANDARD, a copy onto itself is refused and RestoreObject is answered with 501',
    'names of more than 255 bytes': 'a key is a path on its disk, whose file names end there; answered with 409',
    'an object below another object': 'an object is a file on its disk and cannot be a folder too; answered with 409',
  },
  capabilities: { versioning: true, storageClasses: false, restore: false, enforcesChecksums: true },
});

describe('credentials that the store does not know', () => {
  test('are reported as refused, not as a bucket or an object that is absent', async () => {
    const store = createS3ObjectStore({
      ...{ bucket: 'artifacts', region: 'us-east-1', endpoint: server.endpoint },
      credentials: { accessKeyId: 'unknown-key', secretAccessKey: 'unknown-secret' },
    });
    const object = newObject();
    expect(await codeOf(store.checkBucket())).toBe('storage_rejected');
    expect(await codeOf(store.head({ key: object.key }))).toBe('storage_rejected');
    expect(await codeOf(store.read({ key: object.key }))).toBe('storage_rejected');
    expect(await codeOf(store.put(object, Buffer.from('x')))).toBe('storage_rejected');
    store.close();
  });

  test('are reported as refused when only the secret is wrong', async () => {
    const store = createS3ObjectStore({
      ...{ bucket: 'artifacts', region: 'us-east-1', endpoint: server.endpoint },
      credentials: { accessKeyId: server.accessKey, secretAccessKey: 'wrong-secret' },
    });
    expect(await codeOf(store.checkBucket())).toBe('storage_rejected');
    expect(await codeOf(store.listVersions(newObject().key))).toBe('storage_rejected');
    store.close();
  });
});
