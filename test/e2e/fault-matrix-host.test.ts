import { randomUUID } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { describe } from 'vitest';
import { SINGLE_PUT_MAX_BYTES } from '../../src/domain/part-plan.js';
import type { UploadedFile, UploadFilesQuery } from '../../src/domain/publish.js';
import { createHostActivities } from '../../src/host/activities.js';
import { Places } from '../../src/host/places.js';
import { openRoots } from '../../src/host/roots.js';
import { createS3ObjectStore } from '../../src/storage/s3/index.js';
import { connectLifecycle } from '../../src/temporal/connect-lifecycle.js';
import { PartMemory } from '../../src/transfer/part-memory.js';
import { StoreConnections } from '../../src/transfer/put.js';
import { errorOf } from '../../src/workflows/failures.js';
import { sha256Of } from '../support/e2e.js';
import {
  faultMatrix,
  STALLED_MS,
  TRIES,
  URL_SECONDS,
  type FaultWorld,
  type RowUpload,
  type Uploader,
} from '../support/fault-matrix.js';
import { Attempt } from '../support/host.js';

/** The activities of an upload worker, one attempt for each row: Temporal would try again. */
async function openHost({ stack, wire, folder }: FaultWorld): Promise<Uploader> {
  const { region, bucket, accessKeyId, secretAccessKey } = stack.store;
  const store = createS3ObjectStore({
    region,
    bucket,
    endpoint: wire.url,
    credentials: { accessKeyId, secretAccessKey },
  });
  const lifecycle = connectLifecycle({
    TEMPORAL_ADDRESS: stack.temporalAddress,
    TEMPORAL_NAMESPACE: stack.namespace,
    TEMPORAL_TLS: false,
  });
  const connections = new StoreConnections({ idleTimeoutMs: STALLED_MS });
  const activities = createHostActivities({
    ...{ tenantId: 'acme', store, connections, lifecycle: lifecycle.client, memory: new PartMemory() },
    roots: await openRoots([folder]),
    limits: { smallFiles: new Places(48), largeFiles: new Places(16) },
    signedSeconds: URL_SECONDS,
    retry: { tries: TRIES, budgetMs: 60_000, firstDelayMs: 50, maxDelayMs: 500 },
    log: { info: () => undefined, warn: () => undefined },
  });
  return {
    upload: async (row) => {
      try {
        const query = await queryOf(row);
        const [result]: UploadedFile[] = await new Attempt().run(
          (whole: UploadFilesQuery) => activities.uploadFiles(whole),
          query,
        );
        if (result?.outcome !== 'uploaded') throw new Error(`${result?.code}: ${result?.message}`);
      } catch (error) {
        throw errorOf(error) ?? error;
      }
    },
    close: async () => {
      connections.close();
      store.close();
      await lifecycle.close();
    },
  };
}

async function queryOf({ executionId, fileName, file }: RowUpload): Promise<UploadFilesQuery> {
  const { size: sizeBytes, mtimeMs } = await stat(file);
  const sha256 = sizeBytes <= SINGLE_PUT_MAX_BYTES ? sha256Of(await readFile(file)) : null;
  const facts = { sizeBytes, modifiedAtMs: Math.floor(mtimeMs), sha256 };
  return {
    ...{ tenantId: 'acme', executionId, actor: 'agent-7', folder: '.', tags: {}, retentionDays: null },
    publicationId: null,
    files: [{ file: basename(file), path: `output/${fileName}`, artifactId: randomUUID(), ...facts }],
  };
}

describe('what happens to the bytes of an upload worker on their way', () => {
  faultMatrix(['a large file', 'a small file'], openHost);
});
