import {
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  type DeleteMarkerEntry,
  type MultipartUpload,
  type ObjectVersion as S3Version,
} from '@aws-sdk/client-s3';
import type { InventoryQuery, ListedVersion, PendingUpload } from '../object-store.js';
import type { S3Context } from './client.js';
import { guarded } from './errors.js';
import { fromVersionId } from './mapping.js';

type Entry = S3Version | DeleteMarkerEntry;

/** Where a listing of versions goes on, as JSON. */
interface VersionsCursor {
  key: string;
  /** As the store writes it. */
  versionId: string | null;
  /** That version was in the page before: some stores (versitygw) repeat it. */
  wasListed: boolean;
}

/** See `StoreInventory.listInventory`. */
export async function listInventory(
  { client, bucket }: S3Context,
  { prefix, cursor, limit }: InventoryQuery,
): Promise<{ versions: ListedVersion[]; cursor: string | null }> {
  const from = cursor === null ? null : (JSON.parse(cursor) as VersionsCursor);
  const page = await guarded({ verb: 'listInventory', bucket, key: prefix }, () =>
    client.send(
      new ListObjectVersionsCommand({
        ...{ Bucket: bucket, Prefix: prefix, MaxKeys: limit },
        // XML has no way to write some characters of foreign keys.
        EncodingType: 'url',
        ...(from === null ? {} : { KeyMarker: from.key }),
        ...(from === null || from.versionId === null ? {} : { VersionIdMarker: from.versionId }),
      }),
    ),
  );
  // Stores that do not know the encoding do not name it.
  const decode = page.EncodingType === 'url' ? decodeKey : (key: string): string => key;
  const entries = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])].map((entry) => ({
    ...entry,
    Key: decode(entry.Key ?? ''),
  }));
  const isAt = (place: Pick<VersionsCursor, 'key' | 'versionId'>, entry: Entry): boolean =>
    entry.Key === place.key && (entry.VersionId ?? null) === place.versionId;
  const versions = entries.filter((entry) => from?.wasListed !== true || !isAt(from, entry)).map(toListedVersion);
  if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return { versions, cursor: null };
  const next = { key: decode(page.NextKeyMarker), versionId: page.NextVersionIdMarker ?? null };
  const wasListed = entries.some((entry) => isAt(next, entry));
  return { versions, cursor: JSON.stringify({ ...next, wasListed } satisfies VersionsCursor) };
}

/** A space is a plus there. */
const decodeKey = (encoded: string): string => decodeURIComponent(encoded.replaceAll('+', ' '));

function toListedVersion(entry: Entry): ListedVersion {
  const version = 'ETag' in entry ? entry : null;
  return {
    key: entry.Key ?? '',
    versionId: fromVersionId(entry.VersionId),
    isLatest: entry.IsLatest ?? false,
    isDeleteMarker: version === null,
    sizeBytes: version?.Size ?? 0,
    etag: version?.ETag ?? '',
    storageClass: version?.StorageClass ?? 'STANDARD',
    lastModifiedMs: entry.LastModified?.getTime() ?? 0,
  };
}

/**
 * See `StoreInventory.listPendingUploads`. The cursor is a key, all of whose uploads are in the page: where several uploads of a key would be
 * divided among pages, some stores (versitygw) refuse their own marker.
 */
export async function listPendingUploads(
  { client, bucket }: S3Context,
  { prefix, cursor, limit }: InventoryQuery,
  uploadsOf: (key: string) => Promise<PendingUpload[]>,
): Promise<{ uploads: PendingUpload[]; cursor: string | null }> {
  const page = await guarded({ verb: 'listPendingUploads', bucket, key: prefix }, () =>
    client.send(
      new ListMultipartUploadsCommand({
        ...{ Bucket: bucket, Prefix: prefix, MaxUploads: limit },
        ...(cursor === null ? {} : { KeyMarker: cursor }),
      }),
    ),
  );
  const uploads = (page.Uploads ?? []).map(toPendingUpload);
  const last = uploads.at(-1)?.key;
  if (page.IsTruncated !== true || last === undefined) return { uploads, cursor: null };
  return { uploads: [...uploads.filter(({ key }) => key !== last), ...(await uploadsOf(last))], cursor: last };
}

export const toPendingUpload = (upload: MultipartUpload): PendingUpload => ({
  key: upload.Key ?? '',
  uploadId: upload.UploadId ?? '',
  initiatedAtMs: upload.Initiated?.getTime() ?? 0,
});
