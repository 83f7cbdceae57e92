-- Up Migration

-- The earliest moment at which something may happen by itself to an artifact (`nextAction` in src/domain/lifecycle.ts decides what, and
-- whether): never later than that, so that a search by time finds all of them. Null: nothing ever will. Days are 24 hours, in
-- no time zone, so this is as immutable as it says. A change to the rules of time in the domain needs a new one: a test compares them.
CREATE FUNCTION artifact_due_at(
  status TEXT, deletion_reason TEXT, expires_at TIMESTAMPTZ, purge_at TIMESTAMPTZ, upload_deadline TIMESTAMPTZ,
  restore_state TEXT, restore_eta TIMESTAMPTZ, warned_at TIMESTAMPTZ, created_at TIMESTAMPTZ, restored_at TIMESTAMPTZ,
  tier TEXT, holds JSONB, policy JSONB
) RETURNS TIMESTAMPTZ LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
  day CONSTANT INTERVAL := INTERVAL '24 hours';
  -- Of all holds; null when some have no end.
  held_until TIMESTAMPTZ;
  hold_ends TIMESTAMPTZ;
  due TIMESTAMPTZ := NULL;
BEGIN
  IF status = 'DELETED' THEN RETURN purge_at; END IF;
  IF deletion_reason IS NOT NULL THEN RETURN created_at; END IF;
  IF status = 'UPLOADING' THEN RETURN upload_deadline; END IF;

  IF holds = '[]' THEN
    due := expires_at;
    held_until := '-infinity';
  ELSE
    SELECT min(to_timestamp((hold ->> 'untilMs')::DOUBLE PRECISION / 1000)),
           CASE WHEN count(*) = count(hold ->> 'untilMs') THEN max(to_timestamp((hold ->> 'untilMs')::DOUBLE PRECISION / 1000)) END
      INTO hold_ends, held_until
      FROM jsonb_array_elements(holds) AS hold;
    due := hold_ends;
  END IF;
  IF warned_at IS NULL AND expires_at IS NOT NULL AND held_until IS NOT NULL AND (policy ->> 'warnBeforeDays')::INTEGER > 0 THEN
    due := LEAST(due, GREATEST(expires_at, held_until) - LEAST(
      (policy ->> 'warnBeforeDays')::INTEGER * day,
      GREATEST(INTERVAL '0', (expires_at - created_at) / 2)
    ));
  END IF;
  IF restore_state IS NOT NULL THEN due := LEAST(due, COALESCE(restore_eta, created_at)); END IF;
  IF status = 'ACTIVE' THEN
    due := LEAST(due, GREATEST(created_at, restored_at) + (policy ->> 'coldAfterDays')::INTEGER * day);
    IF tier = 'HOT' THEN
      due := LEAST(due, GREATEST(created_at, restored_at) + (policy ->> 'warmAfterDays')::INTEGER * day);
    END IF;
  END IF;
  RETURN due;
END
$$;

ALTER TABLE artifacts ADD COLUMN due_at TIMESTAMP WITH TIME ZONE GENERATED ALWAYS AS (artifact_due_at(
  status, deletion_reason, expires_at, purge_at, upload_deadline, restore_state, restore_eta, warned_at, created_at, restored_at,
  tier, holds, policy
)) STORED;

-- What is due in an execution, soonest first; and the executions of a tenant, one after the other.
CREATE INDEX idx_artifacts_due ON artifacts(execution_id, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_executions_tenant ON executions(tenant_id, id);
