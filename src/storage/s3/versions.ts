import { ListObjectVersionsCommand, type DeleteMarkerEntry, type ObjectVersion as S3Version } from '@aws-sdk/client-s3';
import type { ObjectVersion } from '../object-store.js';
import type { S3Context } from './client.js';
import { guarded } from './errors.js';
import { fromVersionId } from './mapping.js';
import { collectPages } from './pages.js';

interface VersionMarker {
  KeyMarker: string;
  VersionIdMarker?: string;
}

/** Every version and marker of exactly this key, newest first. */
export async function listVersions(context: S3Context, key: string): Promise<ObjectVersion[]> {
  const found = await guarded({ verb: 'listVersions', bucket: context.bucket, key }, () =>
    collectPages<{ version: ObjectVersion; modifiedMs: number }, VersionMarker>(async (marker) => {
      const page = await context.client.send(
        new ListObjectVersionsCommand({ Bucket: context.bucket, Prefix: key, ...marker }),
      );
      const items = [
        ...(page.Versions ?? []).map((entry) => toVersion(entry, false)),
        ...(page.DeleteMarkers ?? []).map((entry) => toVersion(entry, true)),
      ].filter(({ version }) => version.key === key);
      // Among the keys that begin with it, the key itself sorts first: when others come, all of its versions are in.
      if (page.IsTruncated !== true || page.NextKeyMarker !== key) return { items, next: null };
      const VersionIdMarker = page.NextVersionIdMarker;
      return { items, next: { KeyMarker: key, ...(VersionIdMarker === undefined ? {} : { VersionIdMarker }) } };
    }),
  );
  // Versions and markers come as two lists, and S3's times are whole seconds: the flag decides first.
  return found
    .sort((a, b) => Number(b.version.isLatest) - Number(a.version.isLatest) || b.modifiedMs - a.modifiedMs)
    .map(({ version }) => version);
}

const toVersion = (
  entry: S3Version | DeleteMarkerEntry,
  isDeleteMarker: boolean,
): { version: ObjectVersion; modifiedMs: number } => ({
  version: {
    key: entry.Key ?? '',
    versionId: fromVersionId(entry.VersionId),
    isLatest: entry.IsLatest ?? false,
    isDeleteMarker,
    sizeBytes: 'Size' in entry ? (entry.Size ?? 0) : 0,
  },
  modifiedMs: entry.LastModified?.getTime() ?? 0,
});
