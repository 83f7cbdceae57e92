import type { ArtifactRecord } from '../domain/artifact-record.js';
import { SECOND_MS } from '../domain/units.js';
import { hasScope, type Caller } from './access.js';
import type { ApiContext } from './context.js';
import { encodeArtifact } from './encode.js';
import type { UploadStatus } from './schemas/uploads.js';
import { uploadInstructions } from './upload-instructions.js';

type Received = Pick<UploadStatus, 'receivedBytes' | 'receivedParts'>;

/** How far an upload is: asked of the store, not of the row, so that it is true at any moment. */
export async function uploadStatus(context: ApiContext, caller: Caller, record: ArtifactRecord): Promise<UploadStatus> {
  const uploading = record.status === 'UPLOADING';
  const received = uploading ? await receivedSoFar(context, record) : settled(record);
  // A signed PUT is the right to write: who may only read gets none, and nobody does once the time is over.
  const multipart = record.partSizeBytes !== null;
  const maySign = hasScope(caller, 'artifacts:write') && record.uploadDeadlineMs - context.nowMs() >= SECOND_MS;
  return {
    artifact: encodeArtifact(record),
    upload: uploading && (multipart || maySign) ? await uploadInstructions(context, record) : null,
    ...received,
    percent: percentOf(record, received.receivedBytes),
  };
}

const settled = (record: ArtifactRecord): Received => ({
  receivedBytes: record.status === 'DELETED' ? 0 : (record.sizeBytes ?? 0),
  receivedParts: [],
});

async function receivedSoFar({ store }: ApiContext, record: ArtifactRecord): Promise<Received> {
  const { key, uploadId } = record;
  if (uploadId === null) {
    const object = await store.head({ key });
    // An older object may lie under the same key in a bucket with versions: only ours counts.
    const ours = object?.owner?.artifactId === record.id;
    return { receivedBytes: ours ? object.sizeBytes : 0, receivedParts: [] };
  }
  const parts = (await store.listParts(key, uploadId)) ?? [];
  return {
    receivedBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
    receivedParts: parts.map(({ partNumber, sizeBytes, sha256 }) => ({ partNumber, sizeBytes, sha256 })),
  };
}

function percentOf({ sizeBytes, status }: ArtifactRecord, receivedBytes: number): number | null {
  if (sizeBytes === null) return null;
  if (status === 'ACTIVE' || status === 'ARCHIVED') return 100;
  return sizeBytes === 0 ? 0 : Math.min(100, Math.floor((receivedBytes / sizeBytes) * 100));
}
