import type { ArtifactRecord } from './artifact-record.js';
import type { ArtifactMetadata, ArtifactStatus } from './artifact.js';
import { fileNameOf, manifestKey } from './keys.js';
import type { StoredObject } from './stored-object.js';
import { SECOND_MS } from './units.js';

/*
 * The manifest of an execution, `artifacts/{executionId}/metadata.json` (FEAT-004 REQ-2): what its bucket holds, readable without the
 * database, and complete enough to make the rows again.
 */

/**
 * A burst of changes is over when its manifest heard of none for so long; only then are the rows read for the last time. So a message also
 * stands for what changes less than this after it was sent, and need not be followed by others.
 */
export const MANIFEST_QUIET_MS = 2 * SECOND_MS;

/** Who is listed: artifacts whose bytes are there. */
export const LISTED_STATUSES: readonly ArtifactStatus[] = ['ACTIVE', 'ARCHIVED'];

/** What a manifest says before its artifacts. */
export interface ManifestHead {
  /** Of this format. */
  version: 1;
  executionId: string;
  tenantId: string;
  /** Of the execution; null: the default counts. */
  retentionDays: number | null;
  /** When the rows began to be read, ISO 8601. */
  generatedAt: string;
}

/** Do they say the same, whenever they were written? */
export const isSameHead = (a: Partial<ManifestHead>, b: ManifestHead): boolean =>
  a.version === b.version &&
  a.executionId === b.executionId &&
  a.tenantId === b.tenantId &&
  a.retentionDays === b.retentionDays;

/**
 * One artifact in a manifest: FEAT-004's `ArtifactMetadata` (times as ISO 8601), and whatever else its row holds, as the row holds it. Downloads
 * do not make it be written anew, so it does not count them.
 */
export type ManifestEntry = ArtifactMetadata &
  Omit<
    ArtifactRecord,
    | 'tenantId'
    | 'key'
    | 'sizeBytes'
    | 'sha256'
    | 'createdAtMs'
    | 'expiresAtMs'
    | 'awaitsPublication'
    | 'untoldPublication'
    | 'downloads'
    | 'lastDownloadedAtMs'
  >;

/** The whole of it, artifacts in the order of their creation. The counts come last, because they are known last. */
export interface Manifest extends ManifestHead {
  artifacts: ManifestEntry[];
  artifactCount: number;
  totalBytes: number;
}

export function manifestEntry(record: ArtifactRecord): ManifestEntry {
  const { tenantId: _tenant, awaitsPublication: _awaited, untoldPublication: _untold, ...known } = record;
  const { downloads: _downloads, lastDownloadedAtMs: _last, ...listed } = known;
  const { key, sizeBytes, sha256, createdAtMs, expiresAtMs, ...rest } = listed;
  return {
    ...rest,
    fileName: fileNameOf(record.path),
    filePath: key,
    fileSize: sizeBytes ?? 0,
    checksum: sha256 ?? '',
    createdAt: new Date(createdAtMs),
    ...(expiresAtMs === null ? {} : { expiresAt: new Date(expiresAtMs) }),
  };
}

/**
 * The object of a manifest. Its owner is the execution, so that it is never taken for an artifact and no artifact for it. Without the
 * tags of artifacts, so that the bucket's rules about those do not expire or archive it.
 */
export const manifestObject = (executionId: string): StoredObject => ({
  key: manifestKey(executionId),
  mimeType: 'application/json',
  owner: { artifactId: executionId, executionId, type: 'manifest' },
  tags: {},
});
