import { createHash } from 'node:crypto';

/* Artifacts by number, the same for the rows and for the store: nothing has to be kept to know what either should say. */

export const PER_EXECUTION = 1_000;
export const SIZE_BYTES = 4_096;
export const TAGS = { 'artifact-retention': 'expiring' };

const hex = (n: number): string => n.toString(16).padStart(12, '0');
export const executionId = (n: number): string => `00000000-0000-4000-8000-${hex(Math.floor(n / PER_EXECUTION))}`;
export const keyOf = (n: number): string => `artifacts/${executionId(n)}/output/file-${String(n).padStart(9, '0')}.bin`;
export const numberOf = (key: string): number => Number(/file-(\d+)\.bin$/.exec(key)?.[1] ?? -1);
export const etagOf = (n: number): string => `"${createHash('md5').update(String(n)).digest('hex')}"`;
export const versionOf = (n: number): string => `v${n}`;

/** Makes the rows in the database, faster than anything that goes through an API. */
export const SEED = `
INSERT INTO executions (id, tenant_id, created_at)
  SELECT ('00000000-0000-4000-8000-' || lpad(to_hex(e), 12, '0'))::uuid, 'bench', now() FROM generate_series(0, ($1::int - 1) / ${PER_EXECUTION}) e;
`;
export const SEED_ROWS = `
INSERT INTO artifacts (id, execution_id, file_name, file_path, file_size, mime_type, checksum, checksum_state, type, status, version_id, etag,
    expires_at, created_at, updated_at, quota_tenant)
  SELECT ('00000000-0000-4000-9000-' || lpad(to_hex(n), 12, '0'))::uuid,
    ('00000000-0000-4000-8000-' || lpad(to_hex(n / ${PER_EXECUTION}), 12, '0'))::uuid,
    'file-' || lpad(n::text, 9, '0') || '.bin',
    'artifacts/00000000-0000-4000-8000-' || lpad(to_hex(n / ${PER_EXECUTION}), 12, '0') || '/output/file-' || lpad(n::text, 9, '0') || '.bin',
    ${SIZE_BYTES}, 'application/octet-stream', repeat('a', 64), 'verified', 'data', 'ACTIVE', 'v' || n, '"' || md5(n::text) || '"',
    now() + interval '30 days', now(), now() - interval '1 hour', 'bench'
  FROM generate_series(0, $1::int - 1) n
`;
