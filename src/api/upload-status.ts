import type { ArtifactRecord } from '../domain/artifact-record.js';
import { partBytes } from '../domain/part-plan.js';
import { SECOND_MS } from '../domain/units.js';
import { progressOf, settledProgress, type ArrivedPart, type ArrivalProgress } from '../domain/upload-progress.js';
import { hasScope, type Caller } from './access.js';
import type { ApiContext } from './context.js';
import { encodeArtifact } from './encode.js';
import type { UploadStatus } from './schemas/uploads.js';
import { uploadInstructions } from './upload-instructions.js';

type Looking = Pick<ApiContext, 'store' | 'nowMs'>;

/** How far an upload is: asked of the store, not of the row, so that it is true at any moment. */
export async function uploadStatus(context: ApiContext, caller: Caller, record: ArtifactRecord): Promise<UploadStatus> {
  const uploading = record.status === 'UPLOADING';
  const parts = uploading ? await arrivedParts(context, record) : [];
  // A signed PUT is the right to write: who may only read gets none, and nobody does once the time is over.
  const multipart = record.partSizeBytes !== null;
  const maySign = hasScope(caller, 'artifacts:write') && record.uploadDeadlineMs - context.nowMs() >= SECOND_MS;
  return {
    artifact: encodeArtifact(record),
    upload: uploading && (multipart || maySign) ? await uploadInstructions(context, record) : null,
    receivedParts: multipart ? parts.map(({ partNumber, sizeBytes, crc32 }) => ({ partNumber, sizeBytes, crc32 })) : [],
    ...(uploading ? progressOf(record, parts, context.nowMs()) : settledProgress(record)),
  };
}

/** The same without what a client needs to go on. */
export async function uploadProgress(context: Looking, record: ArtifactRecord): Promise<ArrivalProgress> {
  if (record.status !== 'UPLOADING') return settledProgress(record);
  return progressOf(record, await arrivedParts(context, record), context.nowMs());
}

interface Arrived extends ArrivedPart {
  partNumber: number;
  crc32: string | null;
}

/** What has arrived of an upload. The one place that knows from where. */
async function arrivedParts({ store }: Looking, record: ArtifactRecord): Promise<Arrived[]> {
  const { id, key, uploadId, partSizeBytes } = record;
  const parts = uploadId === null ? null : await store.listParts(key, uploadId);
  if (parts !== null) return parts;
  const object = await store.head({ key });
  // An older object may lie under the same key in a bucket with versions: only ours counts.
  if (object?.owner?.artifactId !== id) return [];
  const { sizeBytes, lastModifiedMs } = object;
  if (partSizeBytes === null) return [{ partNumber: 1, sizeBytes, crc32: null, lastModifiedMs }];
  // They were joined just now: the row does not say so yet.
  return Array.from({ length: Math.ceil(sizeBytes / partSizeBytes) }, (_, index) => ({
    ...{ partNumber: index + 1, sizeBytes: partBytes(index + 1, partSizeBytes, sizeBytes) },
    ...{ crc32: null, lastModifiedMs },
  }));
}
