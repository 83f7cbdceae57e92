import { withHeartbeat } from './boundary.js';
import type { ActivityDeps } from './deps.js';

const PAGE = 200;
/** Each message wakes a workflow, so more at once only make a queue. */
const CONCURRENCY = 16;

export interface RetentionToMove {
  executionId: string;
  days: number;
  actor: string;
}

export function executionActivities({ records, lives }: ActivityDeps) {
  return {
    /** Writes the execution's retention, from which later uploads inherit. @throws `execution_not_found` for a foreign tenant. */
    recordExecutionRetention: (retention: { executionId: string; tenantId: string; days: number }): Promise<void> =>
      records.setExecutionRetention(retention),

    /**
     * Tells every artifact that inherits and does not have these days yet. Safe to repeat: who has followed is not told again.
     * @returns how many were told.
     */
    async moveInheritors({ executionId, days, actor }: RetentionToMove): Promise<number> {
      return withHeartbeat('telling artifacts', async ({ signal, tell }) => {
        let told = 0;
        let afterId: string | null = null;
        for (;;) {
          signal.throwIfAborted();
          const ids: string[] = await records.listInheritors({ executionId, days, afterId, limit: PAGE });
          const queue = [...ids];
          const work = async (): Promise<void> => {
            for (let id = queue.shift(); id !== undefined; id = queue.shift())
              if (await lives.inheritRetention(id, { days, actor })) told += 1;
          };
          await Promise.all(Array.from({ length: CONCURRENCY }, work));
          tell({ phase: `told ${told} artifacts` });
          afterId = ids.at(-1) ?? null;
          if (ids.length < PAGE) return told;
        }
      });
    },
  };
}
