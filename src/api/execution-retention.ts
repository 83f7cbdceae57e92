import { ArtifactError } from '../domain/errors.js';
import { expiresAtMs, inherits, requireRetentionDays } from '../domain/retention.js';
import { requireUsableExecution } from './access.js';
import type { ApiContext } from './context.js';
import type { Sender } from './sender.js';

const PAGE = 200;

/**
 * Gives an execution its retention; its artifacts follow.
 * @throws `invalid_retention`, `execution_not_found` (foreign tenant), `expiry_in_past` when artifacts would be due at once and
 * `confirm` is not set.
 */
export async function setExecutionRetention(
  context: ApiContext,
  { caller, requestId }: Sender,
  { executionId, days, confirm = false }: { executionId: string; days: number; confirm?: boolean },
): Promise<number> {
  requireRetentionDays(days);
  await requireUsableExecution(context.records, caller, executionId);
  if (!confirm) await requireNoneDue(context, executionId, days);
  const { tenant: tenantId, subject: actor } = caller;
  await context.lifecycle.setExecutionRetention(executionId, { tenantId, days, actor, requestId });
  return days;
}

async function requireNoneDue({ records, nowMs }: ApiContext, executionId: string, days: number): Promise<void> {
  let cursor: string | null = null;
  let due = 0;
  do {
    const page: Awaited<ReturnType<typeof records.list>> = await records.list({
      executionId,
      limit: PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    due += page.items.filter(({ createdAtMs, retention }) => {
      const deadlineMs = expiresAtMs(createdAtMs, { rule: 'execution', days });
      return inherits(retention) && deadlineMs !== null && deadlineMs <= nowMs();
    }).length;
    cursor = page.nextCursor;
  } while (cursor !== null);
  if (due > 0)
    throw new ArtifactError('expiry_in_past', `${due} artifacts of the execution are older than ${days} days`, {
      details: { artifacts: due },
    });
}
