-- Up Migration

-- The tenant of an artifact is its execution's, also when the owner of `executions` fills it in or changes it afterwards. Registrations hold
-- a lock on the row of the execution, so none can come in between. Before the indexes: who registers locks `executions` first as well, so
-- nobody waits for this in a circle.
CREATE FUNCTION artifacts_follow_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE artifacts SET quota_tenant = COALESCE(NEW.tenant_id, '') WHERE execution_id = NEW.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER artifacts_tenant_of_execution AFTER UPDATE OF tenant_id ON executions
  FOR EACH ROW WHEN (OLD.tenant_id IS DISTINCT FROM NEW.tenant_id) EXECUTE FUNCTION artifacts_follow_tenant();

-- Lists and searches (docs/decisions/0018-pages-look-at-so-many-rows.md): each index has the rows of an execution or a tenant in one status,
-- in the order of a list; several statuses are merged. On a large table, create them before the upgrade by hand, with CONCURRENTLY: nothing
-- that writes to `artifacts` waits then, and this finds them (docs/operators.md).
CREATE INDEX IF NOT EXISTS idx_artifacts_execution_created
  ON artifacts(execution_id, status, created_at DESC, id DESC) WHERE awaits_publication IS NULL;
CREATE INDEX IF NOT EXISTS idx_artifacts_execution_size
  ON artifacts(execution_id, status, file_size, id) WHERE awaits_publication IS NULL;
CREATE INDEX IF NOT EXISTS idx_artifacts_execution_expires
  ON artifacts(execution_id, status, (COALESCE(expires_at, 'infinity')), id) WHERE awaits_publication IS NULL;
CREATE INDEX IF NOT EXISTS idx_artifacts_tenant_created
  ON artifacts(quota_tenant, status, created_at DESC, id DESC) WHERE awaits_publication IS NULL;
CREATE INDEX IF NOT EXISTS idx_artifacts_tenant_size
  ON artifacts(quota_tenant, status, file_size, id) WHERE awaits_publication IS NULL;
CREATE INDEX IF NOT EXISTS idx_artifacts_tenant_expires
  ON artifacts(quota_tenant, status, (COALESCE(expires_at, 'infinity')), id) WHERE awaits_publication IS NULL;
CREATE INDEX IF NOT EXISTS idx_artifacts_tenant_name
  ON artifacts(quota_tenant, file_name, status, created_at DESC, id DESC) WHERE awaits_publication IS NULL;

UPDATE artifacts a SET quota_tenant = COALESCE(e.tenant_id, '')
FROM executions e WHERE e.id = a.execution_id AND a.quota_tenant <> COALESCE(e.tenant_id, '');
