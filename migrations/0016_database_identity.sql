-- Up Migration

-- Which database this is, in the eyes of the bucket (docs/decisions/0026-every-database-says-so-in-the-bucket.md). One row.
CREATE TABLE artifact_database (
  is_only BOOLEAN PRIMARY KEY DEFAULT true CHECK (is_only),
  id UUID NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO artifact_database DEFAULT VALUES;

-- What it has written into the bucket as a proof that it is still the same one: a copy of it, or an older state of it, lacks the newest.
CREATE TABLE artifact_database_proofs (
  proof UUID PRIMARY KEY,
  issued_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now()
);
