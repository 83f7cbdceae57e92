import { createHash } from 'node:crypto';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { unregisteredRecord } from '../../src/domain/new-upload.js';
import { DEFAULT_POLICY } from '../../src/domain/policy.js';
import { DAY_MS } from '../../src/domain/units.js';

/* Artifacts by number, the same for the rows and for the store: nothing has to be kept to know what either should say. */

export const PER_EXECUTION = 1_000;
export const SIZE_BYTES = 4_096;
export const TAGS = { 'artifact-retention': 'expiring' };
export const TENANT = 'bench';
/** Every hash is this one. */
export const SHA256 = 'a'.repeat(64);

const hex = (n: number): string => n.toString(16).padStart(12, '0');
const output = (n: number): string => `output/file-${String(n).padStart(9, '0')}.bin`;

/** The `e`th one. */
export const executionId = (e: number): string => `00000000-0000-4000-8000-${hex(e)}`;
export const numberOfExecution = (key: string): number => Number.parseInt(key.slice(34, 46), 16);
export const artifactId = (n: number): string => `00000000-0000-4000-9000-${hex(n)}`;
export const keyOf = (n: number, perExecution = PER_EXECUTION): string =>
  `artifacts/${executionId(Math.floor(n / perExecution))}/${output(n)}`;
/** -1 for a manifest. */
export const numberOf = (key: string): number => Number(/file-(\d+)\.bin$/.exec(key)?.[1] ?? -1);
export const etagOf = (n: number): string => `"${createHash('md5').update(String(n)).digest('hex')}"`;
export const versionOf = (n: number): string => `v${n}`;

/** What the row of one says that was uploaded at that moment, and what a manifest would tell of it. */
export function recordOf(n: number, perExecution: number, createdAtMs: number): ArtifactRecord {
  const blank = unregisteredRecord(
    {
      ...{ artifactId: artifactId(n), executionId: executionId(Math.floor(n / perExecution)), tenantId: TENANT },
      ...{ path: output(n), sizeBytes: SIZE_BYTES, sha256: SHA256, mimeType: 'application/octet-stream' },
      ...{ type: 'data', tags: {}, retentionDays: null, actor: TENANT },
    },
    createdAtMs,
  );
  return {
    ...blank,
    ...{ revision: 2, status: 'ACTIVE', checksumState: 'verified', policy: DEFAULT_POLICY },
    ...{ versionId: versionOf(n), etag: etagOf(n), expiresAtMs: createdAtMs + 30 * DAY_MS },
  };
}

/** Makes the rows in the database, faster than anything that goes through an API. */
export const SEED = `
INSERT INTO executions (id, tenant_id, created_at)
  SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(e), 12, '0'))::uuid, '${TENANT}', now() FROM generate_series(0, ($1::int - 1) / ${PER_EXECUTION}) e;
`;
export const SEED_ROWS = `
INSERT INTO artifacts (id, execution_id, file_name, file_path, file_size, mime_type, checksum, checksum_state, type, status, version_id, etag,
    expires_at, created_at, updated_at, quota_tenant)
  SELECT ('00000000-0000-4000-9000-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('00000000-0000-4000-8000-' || lpad(to_hex(n / ${PER_EXECUTION}), 12, '0'))::uuid,
    'file-' || lpad(n::text, 9, '0') || '.bin',
    'artifacts/00000000-0000-4000-8000-' || lpad(to_hex(n / ${PER_EXECUTION}), 12, '0') || '/output/file-' || lpad(n::text, 9, '0') || '.bin',
    ${SIZE_BYTES}, 'application/octet-stream', '${SHA256}', 'verified', 'data', 'ACTIVE', 'v' || n, '"' || md5(n::text) || '"',
    now() + interval '30 days', now(), now() - interval '1 hour', '${TENANT}'
  FROM generate_series(0, $1::int - 1) n
`;
