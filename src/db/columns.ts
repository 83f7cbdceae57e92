import type { RecordPatch } from '../domain/artifact-record.js';
import { fileNameOf, pathOfKey } from '../domain/keys.js';

/** What can be bound to a statement. */
export type SqlValue = string | number | boolean | Date | null;

/** One assignment of an UPDATE. `cast` tells Postgres the type where text does not say it. */
export interface ColumnValue {
  column: string;
  value: SqlValue;
  cast?: 'jsonb';
}

type Patch = Required<RecordPatch>;
type ColumnsOfPatch = { [K in keyof Patch]: (value: Patch[K]) => ColumnValue[] };

export const toDate = (epochMs: number | null): Date | null => (epochMs === null ? null : new Date(epochMs));
const same = (column: string) => (value: SqlValue) => [{ column, value }];
const time = (column: string) => (ms: number | null) => [{ column, value: toDate(ms) }];

/**
 * Every field of a patch and the columns it sets. `file_size` must not be null in FEAT-004, so an unknown size is 0 and
 * `size_known` says that it means nothing. `permanent` mirrors the retention, for queries.
 */
const COLUMNS: ColumnsOfPatch = {
  key: (key) => [
    { column: 'file_name', value: fileNameOf(pathOfKey(key)) },
    { column: 'file_path', value: key },
  ],
  sizeBytes: (bytes) => [
    { column: 'file_size', value: bytes ?? 0 },
    { column: 'size_known', value: bytes !== null },
  ],
  sha256: same('checksum'),
  checksumState: same('checksum_state'),
  mimeType: same('mime_type'),
  type: same('type'),
  tags: (tags) => [{ column: 'tags', value: toJson(tags), cast: 'jsonb' }],
  status: same('status'),
  tier: same('tier'),
  storageClass: same('storage_class'),
  versionId: same('version_id'),
  etag: same('etag'),
  retention: (retention) => [
    { column: 'retention', value: toJson(retention), cast: 'jsonb' },
    { column: 'permanent', value: retention.rule === 'permanent' },
  ],
  holds: (holds) => [{ column: 'holds', value: toJson(holds), cast: 'jsonb' }],
  policy: (policy) => [{ column: 'policy', value: toJson(policy), cast: 'jsonb' }],
  expiresAtMs: time('expires_at'),
  warnedAtMs: time('warned_at'),
  archivedAtMs: time('archived_at'),
  deletedAtMs: time('deleted_at'),
  deletionReason: same('deletion_reason'),
  purgeAtMs: time('purge_at'),
  restoreState: same('restore_state'),
  restoreEtaMs: time('restore_eta'),
  restoredAtMs: time('restored_at'),
  uploadId: same('upload_id'),
  partSizeBytes: same('part_size_bytes'),
  uploadDeadlineMs: time('upload_deadline'),
};

const FIELDS = Object.keys(COLUMNS) as (keyof Patch)[];

/** The columns that a patch sets, in a fixed order. Fields that are absent (or undefined) set nothing. */
export const columnsOf = (patch: RecordPatch): ColumnValue[] => FIELDS.flatMap((field) => columnsOfField(field, patch));

function columnsOfField<K extends keyof Patch>(field: K, patch: RecordPatch): ColumnValue[] {
  const value = patch[field];
  return value === undefined ? [] : COLUMNS[field](value);
}

const UNSTORABLE = /\u0000|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

/**
 * Text as Postgres can keep it: it refuses NUL and lone surrogates, which a free text such as the reason of a keep may hold.
 * They become U+FFFD, as in any lossy decoder: a retried write that can never succeed would be worse.
 */
export const toText = (text: string): string => text.replace(UNSTORABLE, '\ufffd');

/** JSON for a jsonb column, with every string in it as {@link toText} leaves it. */
export const toJson = (value: unknown): string =>
  JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? toText(inner) : inner));
