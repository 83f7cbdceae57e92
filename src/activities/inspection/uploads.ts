import type { Finding } from '../../domain/drift.js';
import { byKey, isAwaited } from '../../domain/inspection.js';
import { executionOfKey, isManifestKey } from '../../domain/keys.js';
import { KEY_PREFIX } from '../../domain/keys.js';
import type { PendingUpload } from '../../storage/object-store.js';
import type { Inspector } from './slice.js';

interface UploadsCursor {
  listing: string;
}

/** Multipart uploads that no row waits for: nobody ends them, and their parts cost as objects do. */
export async function inspectUploads(
  inspector: Inspector,
  cursor: UploadsCursor | null,
): Promise<UploadsCursor | null> {
  const { store, rows, patience, signal, count, isOver, confirm } = inspector;
  for (let listing = cursor?.listing ?? null; ;) {
    signal.throwIfAborted();
    const page = await store.listPendingUploads({ prefix: KEY_PREFIX, cursor: listing, limit: inspector.pageSize });
    const keys = [...new Set(page.uploads.map(({ key }) => key))];
    const known = byKey(await rows.findByKeys(keys));
    const isOld = ({ initiatedAtMs }: PendingUpload): boolean => initiatedAtMs < Date.now() - patience.uploadMs;
    const strays = page.uploads.filter((upload) => isOld(upload) && !isAwaited(upload, known.get(upload.key) ?? []));
    await confirm(strays, (upload) => lookAt(inspector, upload));
    count({ uploads: page.uploads.length });
    if (page.cursor === null) return null;
    listing = page.cursor;
    if (isOver()) return { listing };
  }
}

async function lookAt({ store, rows, records }: Inspector, upload: PendingUpload): Promise<Finding[]> {
  const { key, uploadId, initiatedAtMs } = upload;
  const parts = await store.listParts(key, uploadId);
  if (parts === null || isAwaited(upload, await rows.findByKeys([key]))) return [];
  const executionId = executionOfKey(key);
  const execution = executionId === null ? null : await records.getExecution(executionId);
  return [
    {
      ...{ kind: 'upload_unknown', subject: uploadId, artifactId: null, executionId, key, versionId: null, uploadId },
      tenantId: execution?.tenantId ?? null,
      sizeBytes: parts.reduce((sum, part) => sum + part.sizeBytes, 0),
      sinceMs: initiatedAtMs,
      detail: { parts: parts.length, of: isManifestKey(key) ? 'manifest' : 'artifact', row: null },
    },
  ];
}
