import type { InventoryQuery, ListedVersion, PendingUpload } from '../object-store.js';
import type { MemoryBucket } from './bucket.js';
import type { MemoryUploads } from './uploads.js';

/** By the bytes of UTF-8, as S3 has it; or folder by folder, as stores that walk through files have it. */
export type ListingOrder = 'keys' | 'folders';

/** See `StoreInventory.listInventory`. */
export function versionsPage(
  objects: MemoryBucket,
  order: ListingOrder,
  { prefix, cursor, limit }: InventoryQuery,
): { versions: ListedVersion[]; cursor: string | null } {
  const after = cursor === null ? null : (JSON.parse(cursor) as { key: string; versions: number });
  const versions: ListedVersion[] = [];
  for (const key of objects.keys().sort(inOrder(order))) {
    const distance = after === null ? 1 : inOrder(order)(key, after.key);
    if (!key.startsWith(prefix) || distance < 0) continue;
    const skipped = distance === 0 ? (after?.versions ?? 0) : 0;
    const listed = objects.list(key).slice(skipped);
    const fitting = listed.slice(0, limit - versions.length);
    versions.push(...fitting);
    if (fitting.length < listed.length)
      return { versions, cursor: JSON.stringify({ key, versions: skipped + fitting.length }) };
  }
  return { versions, cursor: null };
}

/** See `StoreInventory.listPendingUploads`. */
export function uploadsPage(
  uploads: MemoryUploads,
  { prefix, cursor, limit }: InventoryQuery,
): { uploads: PendingUpload[]; cursor: string | null } {
  const found = uploads
    .list(prefix)
    .sort((a, b) => byBytes(a.key, b.key))
    .filter(({ key }) => cursor === null || byBytes(key, cursor) > 0);
  const last = found[limit - 1]?.key;
  const page = found.filter(({ key }, index) => index < limit || key === last);
  return { uploads: page, cursor: page.length < found.length ? (last ?? null) : null };
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const inOrder =
  (order: ListingOrder) =>
  (a: string, b: string): number => {
    if (order === 'keys') return byBytes(a, b);
    const [ones, others] = [a.split('/'), b.split('/')];
    const index = ones.findIndex((name, place) => name !== others[place]);
    return index === -1 ? ones.length - others.length : byBytes(ones[index] ?? '', others[index] ?? '');
  };
