-- Up Migration

-- What each execution and each tenant has, for their quotas: artifacts that are not DELETED, and their bytes. See src/db/quotas.ts.
CREATE TABLE artifact_usage (
  -- 'execution' or 'tenant', and which.
  scope VARCHAR(20) NOT NULL,
  id TEXT NOT NULL,
  artifacts BIGINT NOT NULL DEFAULT 0,
  bytes BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (scope, id)
) WITH (fillfactor = 50);

-- Changes of it that are not added up yet. Whoever changes artifacts only appends here, so nobody waits for anybody and no order of
-- locks can go wrong; a registration, which must know the sum, adds up under the lock of the row above.
CREATE TABLE artifact_usage_changes (
  scope VARCHAR(20) NOT NULL,
  id TEXT NOT NULL,
  artifacts INTEGER NOT NULL,
  bytes BIGINT NOT NULL
);
CREATE INDEX idx_artifact_usage_changes ON artifact_usage_changes(scope, id);

-- Whom it counts for: what was added for a tenant is taken from the same one, also when the execution is gone or another's by then.
ALTER TABLE artifacts ADD COLUMN quota_tenant TEXT;
UPDATE artifacts a SET quota_tenant = COALESCE(e.tenant_id, '') FROM executions e WHERE e.id = a.execution_id;
ALTER TABLE artifacts ALTER COLUMN quota_tenant SET NOT NULL;

CREATE FUNCTION artifacts_set_quota_tenant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.quota_tenant := COALESCE((SELECT tenant_id FROM executions WHERE id = NEW.execution_id), '');
  RETURN NEW;
END
$$;
CREATE TRIGGER artifacts_quota_tenant BEFORE INSERT ON artifacts
  FOR EACH ROW WHEN (NEW.quota_tenant IS NULL) EXECUTE FUNCTION artifacts_set_quota_tenant();

CREATE FUNCTION artifacts_count_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.status <> 'DELETED' THEN
    INSERT INTO artifact_usage_changes (scope, id, artifacts, bytes)
    VALUES ('execution', OLD.execution_id, -1, -OLD.file_size), ('tenant', OLD.quota_tenant, -1, -OLD.file_size);
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.status <> 'DELETED' THEN
    INSERT INTO artifact_usage_changes (scope, id, artifacts, bytes)
    VALUES ('execution', NEW.execution_id, 1, NEW.file_size), ('tenant', NEW.quota_tenant, 1, NEW.file_size);
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER artifacts_usage_of_new AFTER INSERT OR DELETE ON artifacts
  FOR EACH ROW EXECUTE FUNCTION artifacts_count_usage();
CREATE TRIGGER artifacts_usage_of_changed AFTER UPDATE ON artifacts
  FOR EACH ROW WHEN (
    (OLD.status = 'DELETED') <> (NEW.status = 'DELETED') OR OLD.file_size <> NEW.file_size
    OR OLD.execution_id <> NEW.execution_id OR OLD.quota_tenant <> NEW.quota_tenant
  ) EXECUTE FUNCTION artifacts_count_usage();

INSERT INTO artifact_usage (scope, id, artifacts, bytes)
  SELECT 'execution', execution_id::TEXT, count(*), sum(file_size) FROM artifacts WHERE status <> 'DELETED' GROUP BY execution_id
  UNION ALL
  SELECT 'tenant', quota_tenant, count(*), sum(file_size) FROM artifacts WHERE status <> 'DELETED' GROUP BY quota_tenant;

-- Adds up, and keeps whoever else wants to add up the same waiting until this transaction ends: what it answers stays true until then.
CREATE FUNCTION artifact_usage_of(of_scope TEXT, of_id TEXT) RETURNS TABLE (artifacts BIGINT, bytes BIGINT) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM artifact_usage u WHERE u.scope = of_scope AND u.id = of_id FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO artifact_usage (scope, id) VALUES (of_scope, of_id) ON CONFLICT DO NOTHING;
    PERFORM FROM artifact_usage u WHERE u.scope = of_scope AND u.id = of_id FOR UPDATE;
  END IF;
  -- A statement of its own: it sees what others committed while the lock was waited for.
  RETURN QUERY
    WITH added AS (
      DELETE FROM artifact_usage_changes c WHERE c.scope = of_scope AND c.id = of_id RETURNING c.artifacts, c.bytes
    ), total AS (
      SELECT COALESCE(sum(added.artifacts), 0)::BIGINT AS artifacts, COALESCE(sum(added.bytes), 0)::BIGINT AS bytes FROM added
    )
    UPDATE artifact_usage u SET artifacts = u.artifacts + total.artifacts, bytes = u.bytes + total.bytes
    FROM total WHERE u.scope = of_scope AND u.id = of_id
    RETURNING u.artifacts, u.bytes;
END
$$;

-- Of an execution and its tenant, in this order for everyone. Sent together with COMMIT, so that no client is waited for under the locks.
-- A limit of 0 is none. What is added is in the totals already; whoever adds nothing is not refused for what others have.
CREATE FUNCTION artifact_require_quotas(
  of_execution TEXT, of_tenant TEXT, added_artifacts BIGINT, added_bytes BIGINT,
  execution_artifacts BIGINT, execution_bytes BIGINT, tenant_artifacts BIGINT, tenant_bytes BIGINT
) RETURNS VOID LANGUAGE plpgsql AS $$
DECLARE
  execution RECORD;
  tenant RECORD;
  exceeded RECORD;
BEGIN
  SELECT * INTO execution FROM artifact_usage_of('execution', of_execution);
  SELECT * INTO tenant FROM artifact_usage_of('tenant', of_tenant);
  SELECT * INTO exceeded FROM (VALUES
    ('executionArtifacts', execution_artifacts, execution.artifacts, added_artifacts),
    ('executionBytes', execution_bytes, execution.bytes, added_bytes),
    ('tenantArtifacts', tenant_artifacts, tenant.artifacts, added_artifacts),
    ('tenantBytes', tenant_bytes, tenant.bytes, added_bytes)
  ) AS checked (quota, maximum, total, asked) WHERE maximum > 0 AND total > maximum AND asked > 0 LIMIT 1;
  IF FOUND THEN
    RAISE EXCEPTION 'quota exceeded' USING ERRCODE = 'QX001', DETAIL = json_build_object(
      'quota', exceeded.quota, 'limit', exceeded.maximum, 'used', exceeded.total - exceeded.asked, 'asked', exceeded.asked
    )::TEXT;
  END IF;
END
$$;
