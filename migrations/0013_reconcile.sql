-- Up Migration

-- The order in which a reconciliation goes through what has bytes, or a life (docs/decisions/0023-a-walk-beside-the-listing.md): that of the
-- keys in the bucket, byte by byte. On a large table, create it before the upgrade by hand, with CONCURRENTLY (docs/operators.md).
CREATE INDEX IF NOT EXISTS idx_artifacts_by_key ON artifacts((file_path COLLATE "C"), id)
  WHERE status <> 'DELETED' OR purge_at IS NOT NULL;
