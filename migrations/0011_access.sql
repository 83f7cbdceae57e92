-- Up Migration

-- What idx_artifacts_execution_created of 0010 does, with DELETED rows in between. Here and first: it needs `artifacts` to itself, and a
-- transaction that holds less of it by then can wait for this in a circle.
DROP INDEX IF EXISTS idx_artifacts_page;

-- How often and when an artifact was given out. A table of its own, so that its workflow's row is neither rewritten nor locked by
-- downloads; written in batches (src/db/access.ts). No foreign key: checking it would lock the artifact's row.
CREATE TABLE artifact_access (
  artifact_id UUID PRIMARY KEY,
  downloads BIGINT NOT NULL,
  last_at TIMESTAMP WITH TIME ZONE NOT NULL
) WITH (fillfactor = 70);

CREATE FUNCTION artifacts_forget_access() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM artifact_access WHERE artifact_id = OLD.id;
  RETURN NULL;
END
$$;
CREATE TRIGGER artifacts_forget_access AFTER DELETE ON artifacts FOR EACH ROW EXECUTE FUNCTION artifacts_forget_access();

-- Was there from the start and never written.
ALTER TABLE artifacts DROP COLUMN last_downloaded_at;
