-- Up Migration

-- What looks for drift between bucket, rows and workflows. See src/db/reconciliations.ts.
CREATE TABLE reconciliations (
  id TEXT PRIMARY KEY,
  mode TEXT NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE,
  inspected JSONB NOT NULL DEFAULT '{}',
  failure TEXT,
  CONSTRAINT reconciliations_mode CHECK (mode IN ('dry-run', 'repair'))
);
CREATE INDEX idx_reconciliations_started ON reconciliations(started_at DESC, id DESC);

-- No foreign keys to what they tell about: most of them say that it is not there. Ids are text: whoever put a stray object there wrote them.
CREATE TABLE reconciliation_findings (
  run_id TEXT NOT NULL REFERENCES reconciliations(id) ON DELETE CASCADE,
  number INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  artifact_id TEXT,
  execution_id TEXT,
  tenant_id TEXT,
  key TEXT,
  version_id TEXT,
  upload_id TEXT,
  size_bytes BIGINT,
  since TIMESTAMP WITH TIME ZONE,
  detail JSONB NOT NULL DEFAULT '{}',
  outcome TEXT NOT NULL DEFAULT 'open',
  note TEXT,
  PRIMARY KEY (run_id, number)
);
CREATE UNIQUE INDEX idx_reconciliation_findings_subject ON reconciliation_findings(run_id, kind, subject);
CREATE INDEX idx_reconciliation_findings_tenant ON reconciliation_findings(run_id, tenant_id, number);

-- Objects that nobody knows, until they are removed for good. See src/db/quarantine.ts.
CREATE TABLE quarantined_objects (
  key TEXT NOT NULL,
  -- Empty in a bucket without versions.
  version_id TEXT NOT NULL,
  size_bytes BIGINT NOT NULL,
  etag TEXT NOT NULL,
  last_modified TIMESTAMP WITH TIME ZONE NOT NULL,
  first_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
  last_seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (key, version_id)
);
CREATE INDEX idx_quarantined_objects_first_seen ON quarantined_objects(first_seen_at);
CREATE INDEX idx_quarantined_objects_last_seen ON quarantined_objects(last_seen_at);
