import type { ArtifactRecord } from '../domain/artifact-record.js';
import { fileNameOf } from '../domain/keys.js';
import type { SignedRequest } from '../storage/object-store.js';
import type { ApiContext } from './context.js';

/** Signs a GET of the bytes that the row names, always as an attachment; it dies with its artifact. @throws what the store throws. */
export async function signDownload(
  { store }: Pick<ApiContext, 'store'>,
  { key, path, versionId }: ArtifactRecord,
  expiresInSeconds: number,
): Promise<SignedRequest> {
  const fileName = fileNameOf(path);
  // A version that is named can be read behind a delete marker too, so the link would outlive its artifact. It is named only when
  // other bytes lie above: a predecessor's signed PUT may come late.
  const isOnTop = (await store.head({ key }))?.versionId === versionId;
  const object = isOnTop ? { key, fileName } : { key, fileName, versionId };
  return store.presignGet(object, expiresInSeconds);
}
