-- Up Migration

-- When rows that were lost were made again from the bucket and the workflows, and from what. See src/db/rebuilds.ts.
CREATE TABLE artifact_rebuilds (
  number BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  finished_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
  actor TEXT NOT NULL,
  report JSONB NOT NULL
);
