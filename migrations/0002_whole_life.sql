-- Up Migration

ALTER TABLE artifacts
  -- [{"id", "by", "reason", "atMs", "untilMs"}]: while there is one, the artifact neither expires nor can be deleted.
  ADD COLUMN holds JSONB NOT NULL DEFAULT '[]',
  -- What its life goes by besides its retention, fixed at registration. Artifacts of before get the defaults.
  ADD COLUMN policy JSONB NOT NULL
    DEFAULT '{"warmAfterDays": 30, "coldAfterDays": 90, "warnBeforeDays": 3, "undeleteDays": 7, "undeleteExpiredDays": 0}',
  ADD COLUMN warned_at TIMESTAMP WITH TIME ZONE,
  ADD COLUMN restore_eta TIMESTAMP WITH TIME ZONE,
  ADD COLUMN restored_at TIMESTAMP WITH TIME ZONE;
