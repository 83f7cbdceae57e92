-- Up Migration

ALTER TABLE artifacts
  -- Of the request that began the upload: the same key again is the same request.
  ADD COLUMN idempotency_key VARCHAR(255),
  -- When the file it comes from was written to last, as its uploader said.
  ADD COLUMN source_modified_at TIMESTAMP WITH TIME ZONE;
