-- Up Migration

-- Links by which anyone gets the bytes of an artifact. See src/db/shares.ts.
CREATE TABLE artifact_shares (
  id UUID PRIMARY KEY,
  artifact_id UUID NOT NULL REFERENCES artifacts(id) ON DELETE CASCADE,
  -- Revision of the artifact that it was made for: a deletion after it ends it, also when that is undone.
  artifact_revision INTEGER NOT NULL,
  tenant_id TEXT NOT NULL,
  -- SHA-256 of the token; the token itself is kept nowhere.
  token_hash BYTEA NOT NULL UNIQUE,
  created_by TEXT NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  max_uses INTEGER NOT NULL,
  uses INTEGER NOT NULL DEFAULT 0,
  last_used_at TIMESTAMP WITH TIME ZONE,
  revoked_at TIMESTAMP WITH TIME ZONE,
  revoked_by TEXT,
  CONSTRAINT artifact_shares_token_hash_is_sha256 CHECK (octet_length(token_hash) = 32),
  CONSTRAINT artifact_shares_expires CHECK (expires_at > created_at),
  CONSTRAINT artifact_shares_uses_allowed CHECK (max_uses >= 1 AND uses BETWEEN 0 AND max_uses),
  CONSTRAINT artifact_shares_revoked_by_somebody CHECK ((revoked_at IS NULL) = (revoked_by IS NULL))
);
CREATE INDEX idx_artifact_shares_artifact ON artifact_shares(artifact_id, created_at DESC);

-- The part of the audit that tells of them. Not in artifact_events: those are numbered by the workflow of the artifact, which has no hand in
-- this. No foreign keys: it outlives what it tells about.
CREATE TABLE artifact_share_events (
  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  artifact_id UUID NOT NULL,
  share_id UUID NOT NULL,
  tenant_id TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  actor TEXT NOT NULL,
  kind VARCHAR(40) NOT NULL,
  detail JSONB NOT NULL DEFAULT '{}'
);
CREATE INDEX idx_artifact_share_events_artifact ON artifact_share_events(artifact_id, number DESC);

CREATE OR REPLACE FUNCTION artifact_events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER artifact_share_events_append_only
  BEFORE UPDATE OR DELETE OR TRUNCATE ON artifact_share_events
  FOR EACH STATEMENT EXECUTE FUNCTION artifact_events_refuse_change();
