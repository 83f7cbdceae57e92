import type { ArtifactRecord } from '../domain/artifact-record.js';
import { fileNameOf } from '../domain/keys.js';
import type { SignedRequest } from '../storage/object-store.js';
import type { ApiContext } from './context.js';

/**
 * Signs a GET of the bytes that the row names, always as an attachment; it dies with its artifact. Counts as a download: nobody tells us
 * whether it is used. @throws what the store throws.
 */
export async function signDownload(
  { store, countDownload }: Pick<ApiContext, 'store' | 'countDownload'>,
  record: ArtifactRecord,
  expiresInSeconds: number,
): Promise<SignedRequest> {
  const { key, path, versionId } = record;
  const fileName = fileNameOf(path);
  // A version that is named can be read behind a delete marker too, so the link would outlive its artifact. It is named only when
  // other bytes lie above: a predecessor's signed PUT may come late.
  const isOnTop = (await store.head({ key }))?.versionId === versionId;
  const object = isOnTop ? { key, fileName } : { key, fileName, versionId };
  const signed = await store.presignGet(object, expiresInSeconds);
  countDownload(record);
  return signed;
}
