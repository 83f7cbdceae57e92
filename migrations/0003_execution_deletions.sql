-- Up Migration

-- The order of registrations: what an execution had at some moment is what is not above a number. See src/db/execution-deletions.ts.
ALTER TABLE artifacts ADD COLUMN ordinal BIGINT GENERATED ALWAYS AS IDENTITY;
CREATE INDEX idx_artifacts_living_ordinal ON artifacts(execution_id, ordinal) WHERE status <> 'DELETED';

CREATE TABLE execution_deletions (
  execution_id UUID NOT NULL REFERENCES executions(id) ON DELETE CASCADE,
  id UUID NOT NULL,
  -- The deletion it joined; its own id when it joined none.
  run_id UUID NOT NULL,
  last_ordinal BIGINT NOT NULL,
  actor TEXT NOT NULL,
  begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
  finished_at TIMESTAMP WITH TIME ZONE,
  -- As of its end.
  deleted INTEGER,
  held INTEGER,
  under_way INTEGER,
  orphaned INTEGER,
  PRIMARY KEY (execution_id, id)
);

-- What a deletion has deleted.
CREATE INDEX idx_artifact_events_deleted ON artifact_events(execution_id, (detail ->> 'executionDeletionId'))
  WHERE kind = 'deleted';
