-- Up Migration

-- `executions` belongs to the feature that runs agents. It is created here only when that feature has not done so; when it
-- has, only the columns we need are added. We insert (id, tenant_id, created_at) and read retention_days.
CREATE TABLE IF NOT EXISTS executions (
  id UUID PRIMARY KEY,
  tenant_id TEXT NOT NULL,
  retention_days INTEGER,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW()
);
-- A row that was there before has no tenant: it is foreign to everyone until its owner fills the column.
ALTER TABLE executions ADD COLUMN IF NOT EXISTS tenant_id TEXT;
ALTER TABLE executions ADD COLUMN IF NOT EXISTS retention_days INTEGER;
ALTER TABLE executions ADD COLUMN IF NOT EXISTS created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW();

CREATE TABLE artifacts (
  -- FEAT-004, "Database Schema".
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  execution_id UUID NOT NULL REFERENCES executions(id) ON DELETE CASCADE,

  file_name VARCHAR(255) NOT NULL,
  file_path VARCHAR(1024) NOT NULL,
  file_size BIGINT NOT NULL,
  mime_type VARCHAR(100),
  checksum VARCHAR(64),

  type VARCHAR(20) NOT NULL DEFAULT 'other',
  status VARCHAR(20) NOT NULL DEFAULT 'ACTIVE',

  created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
  expires_at TIMESTAMP WITH TIME ZONE,
  archived_at TIMESTAMP WITH TIME ZONE,

  tags JSONB,

  -- Further facts. Each has a default, so a row written with the columns of FEAT-004 alone is complete.
  -- False while a stream of unknown length is uploaded: file_size, which must not be null, is then 0 and means nothing.
  size_known BOOLEAN NOT NULL DEFAULT TRUE,
  checksum_state VARCHAR(20) NOT NULL DEFAULT 'claimed',
  tier VARCHAR(20) NOT NULL DEFAULT 'HOT',
  -- What S3 answered last; it may know classes that we do not.
  storage_class TEXT NOT NULL DEFAULT 'STANDARD',
  version_id TEXT,
  etag TEXT,
  -- {"rule": "default" | "execution" | "artifact", "days": n} or {"rule": "permanent", "by", "reason", "atMs"}.
  retention JSONB NOT NULL DEFAULT '{"rule": "default", "days": 30}',
  -- Mirrors retention.rule for queries.
  permanent BOOLEAN NOT NULL DEFAULT FALSE,
  deletion_reason VARCHAR(40),
  deleted_at TIMESTAMP WITH TIME ZONE,
  purge_at TIMESTAMP WITH TIME ZONE,
  restore_state VARCHAR(20),
  last_downloaded_at TIMESTAMP WITH TIME ZONE,
  updated_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),
  -- Number of changes since the registration: each change names the one it builds on.
  revision INTEGER NOT NULL DEFAULT 0,
  upload_id TEXT,
  part_size_bytes BIGINT,
  upload_deadline TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT NOW(),

  CONSTRAINT artifacts_type_known CHECK (type IN ('code', 'document', 'image', 'data', 'log', 'other')),
  CONSTRAINT artifacts_status_known CHECK (status IN ('UPLOADING', 'ACTIVE', 'ARCHIVED', 'DELETED')),
  CONSTRAINT artifacts_tier_known CHECK (tier IN ('HOT', 'WARM', 'COLD')),
  CONSTRAINT artifacts_checksum_state_known CHECK (checksum_state IN ('claimed', 'verified', 'mismatch')),
  -- 5 GiB.
  CONSTRAINT artifacts_size_allowed CHECK (file_size BETWEEN 0 AND 5368709120),
  CONSTRAINT artifacts_permanent_mirrors_retention CHECK (permanent = (retention ->> 'rule' = 'permanent')),
  CONSTRAINT artifacts_permanent_never_expires CHECK (NOT permanent OR expires_at IS NULL)
);

CREATE INDEX idx_artifacts_execution_id ON artifacts(execution_id);
CREATE INDEX idx_artifacts_status ON artifacts(status);
CREATE INDEX idx_artifacts_expires_at ON artifacts(expires_at);

-- One living artifact per path: what makes two racing uploads of one path impossible.
CREATE UNIQUE INDEX idx_artifacts_living_path ON artifacts(execution_id, file_path) WHERE status <> 'DELETED';
-- Pages of an execution, newest first.
CREATE INDEX idx_artifacts_page ON artifacts(execution_id, created_at DESC, id DESC);
CREATE INDEX idx_artifacts_tags ON artifacts USING GIN (tags jsonb_path_ops);

-- The audit. No foreign key: it outlives the rows it tells about (docs/decisions/0001-audit-outlives-rows.md).
CREATE TABLE artifact_events (
  artifact_id UUID NOT NULL,
  -- 0 is the registration; then the order of the workflow's changes. The primary key makes a repeated change visible.
  change_number INTEGER NOT NULL CHECK (change_number >= 0),
  execution_id UUID NOT NULL,
  tenant_id TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  actor TEXT NOT NULL,
  kind VARCHAR(40) NOT NULL,
  detail JSONB NOT NULL DEFAULT '{}',
  PRIMARY KEY (artifact_id, change_number)
);

CREATE FUNCTION artifact_events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'artifact_events is append-only: % is refused', TG_OP USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER artifact_events_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON artifact_events
  FOR EACH STATEMENT EXECUTE FUNCTION artifact_events_refuse_change();
