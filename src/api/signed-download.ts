import type { ArtifactRecord } from '../domain/artifact-record.js';
import { fileNameOf } from '../domain/keys.js';
import type { SignedRequest } from '../storage/object-store.js';
import { requireUndeleted } from './access.js';
import type { ApiContext } from './context.js';

/**
 * Signs a GET of the bytes that the row names, always as an attachment; it dies with its artifact. Counts as a download: nobody tells us
 * whether it is used. @throws `artifact_deleted` when that has begun meanwhile, and what the store throws.
 */
export async function signDownload(
  { records, store, countDownload }: Pick<ApiContext, 'records' | 'store' | 'countDownload'>,
  record: ArtifactRecord,
  expiresInSeconds: number,
): Promise<SignedRequest> {
  const { key, path, versionId } = record;
  const fileName = fileNameOf(path);
  // A version that is named can be read behind a delete marker too, so the link would outlive its artifact. It is named only when
  // other bytes lie above: a predecessor's signed PUT may come late.
  const isOnTop = (await store.head({ key }))?.versionId === versionId;
  // What lies above may be the marker of a deletion that has begun since the row was read.
  if (!isOnTop) requireUndeleted((await records.get(record.id)) ?? record);
  const object = isOnTop ? { key, fileName } : { key, fileName, versionId };
  const signed = await store.presignGet(object, expiresInSeconds);
  countDownload(record);
  return signed;
}
