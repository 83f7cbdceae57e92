-- Up Migration

-- What a folder of an agent's host was published as. See src/db/publications.ts.
CREATE TABLE publications (
  execution_id UUID NOT NULL REFERENCES executions(id) ON DELETE CASCADE,
  id UUID NOT NULL,
  actor TEXT NOT NULL,
  -- While it is open, artifacts may be registered that wait for it.
  state VARCHAR(20) NOT NULL DEFAULT 'open',
  begun_at TIMESTAMP WITH TIME ZONE NOT NULL,
  ended_at TIMESTAMP WITH TIME ZONE,
  -- As of its end.
  report JSONB,
  PRIMARY KEY (execution_id, id),
  CONSTRAINT publications_state_known CHECK (state IN ('open', 'committed', 'abandoned'))
);

ALTER TABLE artifacts
  -- Nobody sees it before this publication is committed.
  ADD COLUMN awaits_publication UUID,
  -- It has become visible with this publication, and its changes so far are still to be announced.
  ADD COLUMN untold_publication UUID;
CREATE INDEX idx_artifacts_awaiting ON artifacts(execution_id, awaits_publication, id) WHERE awaits_publication IS NOT NULL;
CREATE INDEX idx_artifacts_untold ON artifacts(execution_id, untold_publication) WHERE untold_publication IS NOT NULL;

-- What waits is not looked for by time.
DROP INDEX idx_artifacts_due;
CREATE INDEX idx_artifacts_due ON artifacts(execution_id, due_at, id) WHERE due_at IS NOT NULL AND awaits_publication IS NULL;
