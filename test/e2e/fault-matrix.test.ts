import { createReadStream } from 'node:fs';
import { describe } from 'vitest';
import { ArtifactClient, fromFile } from '../../src/sdk/index.js';
import { faultMatrix, STALLED_MS, TRIES, type FaultWorld, type Uploader } from '../support/fault-matrix.js';

function openClient({ stack, token }: FaultWorld): Promise<Uploader> {
  const client = new ArtifactClient({
    baseUrl: stack.apiUrl,
    token,
    idleTimeoutMs: STALLED_MS,
    retry: { tries: TRIES, budgetMs: 60_000, firstDelayMs: 50, maxDelayMs: 500 },
  });
  return Promise.resolve({
    upload: ({ kind, executionId, fileName, file }) =>
      client.uploadArtifact(executionId, kind === 'a long stream' ? createReadStream(file) : fromFile(file), {
        fileName,
      }),
    close: () => Promise.resolve(client.close()),
  });
}

describe('what happens to the bytes of the client library on their way', () => {
  faultMatrix(['a large file', 'a long stream', 'a small file'], openClient);
});
