-- Up Migration

-- First: nobody writes to `artifacts` from here on, until this is committed, and who does locks it before it counts. Reads go on.
CREATE OR REPLACE TRIGGER artifacts_usage_of_changed AFTER UPDATE ON artifacts
  FOR EACH ROW WHEN (
    (OLD.status = 'DELETED') <> (NEW.status = 'DELETED') OR OLD.file_size <> NEW.file_size OR OLD.tier <> NEW.tier
    OR OLD.execution_id <> NEW.execution_id OR OLD.quota_tenant <> NEW.quota_tenant
  ) EXECUTE FUNCTION artifacts_count_usage();

-- What of it is not HOT. See 0008 and src/db/usage.ts.
ALTER TABLE artifact_usage
  ADD COLUMN warm_artifacts BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN warm_bytes BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN cold_artifacts BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN cold_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE artifact_usage_changes ADD COLUMN tier TEXT NOT NULL DEFAULT 'HOT';

CREATE OR REPLACE FUNCTION artifacts_count_usage() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP <> 'INSERT' AND OLD.status <> 'DELETED' THEN
    INSERT INTO artifact_usage_changes (scope, id, artifacts, bytes, tier)
    VALUES ('execution', OLD.execution_id, -1, -OLD.file_size, OLD.tier), ('tenant', OLD.quota_tenant, -1, -OLD.file_size, OLD.tier);
  END IF;
  IF TG_OP <> 'DELETE' AND NEW.status <> 'DELETED' THEN
    INSERT INTO artifact_usage_changes (scope, id, artifacts, bytes, tier)
    VALUES ('execution', NEW.execution_id, 1, NEW.file_size, NEW.tier), ('tenant', NEW.quota_tenant, 1, NEW.file_size, NEW.tier);
  END IF;
  RETURN NULL;
END
$$;

DELETE FROM artifact_usage_changes;
DELETE FROM artifact_usage;
INSERT INTO artifact_usage (scope, id, artifacts, bytes, warm_artifacts, warm_bytes, cold_artifacts, cold_bytes)
  SELECT counted.scope, counted.id, count(*), sum(file_size),
         count(*) FILTER (WHERE tier = 'WARM'), COALESCE(sum(file_size) FILTER (WHERE tier = 'WARM'), 0),
         count(*) FILTER (WHERE tier = 'COLD'), COALESCE(sum(file_size) FILTER (WHERE tier = 'COLD'), 0)
  FROM artifacts, LATERAL (VALUES ('execution', execution_id::TEXT), ('tenant', quota_tenant)) AS counted (scope, id)
  WHERE status <> 'DELETED' GROUP BY counted.scope, counted.id;

CREATE OR REPLACE FUNCTION artifact_usage_of(of_scope TEXT, of_id TEXT) RETURNS TABLE (artifacts BIGINT, bytes BIGINT) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM artifact_usage u WHERE u.scope = of_scope AND u.id = of_id FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO artifact_usage (scope, id) VALUES (of_scope, of_id) ON CONFLICT DO NOTHING;
    PERFORM FROM artifact_usage u WHERE u.scope = of_scope AND u.id = of_id FOR UPDATE;
  END IF;
  -- A statement of its own: it sees what others committed while the lock was waited for.
  RETURN QUERY
    WITH added AS (
      DELETE FROM artifact_usage_changes c WHERE c.scope = of_scope AND c.id = of_id RETURNING c.artifacts, c.bytes, c.tier
    ), total AS (
      SELECT COALESCE(sum(a.artifacts), 0)::BIGINT AS artifacts, COALESCE(sum(a.bytes), 0)::BIGINT AS bytes,
             COALESCE(sum(a.artifacts) FILTER (WHERE a.tier = 'WARM'), 0)::BIGINT AS warm_artifacts,
             COALESCE(sum(a.bytes) FILTER (WHERE a.tier = 'WARM'), 0)::BIGINT AS warm_bytes,
             COALESCE(sum(a.artifacts) FILTER (WHERE a.tier = 'COLD'), 0)::BIGINT AS cold_artifacts,
             COALESCE(sum(a.bytes) FILTER (WHERE a.tier = 'COLD'), 0)::BIGINT AS cold_bytes
      FROM added a
    )
    UPDATE artifact_usage u SET
      artifacts = u.artifacts + total.artifacts, bytes = u.bytes + total.bytes,
      warm_artifacts = u.warm_artifacts + total.warm_artifacts, warm_bytes = u.warm_bytes + total.warm_bytes,
      cold_artifacts = u.cold_artifacts + total.cold_artifacts, cold_bytes = u.cold_bytes + total.cold_bytes
    FROM total WHERE u.scope = of_scope AND u.id = of_id
    RETURNING u.artifacts, u.bytes;
END
$$;
