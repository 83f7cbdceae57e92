import type { DeletionScope, FinishedRun, NewExecutionDeletion } from '../db/execution-deletions.js';
import { byOf, type ByActor } from '../domain/commands.js';
import { mapConcurrently } from '../domain/concurrency.js';
import type { DeletionCounts } from '../domain/execution-deletion.js';
import { withHeartbeat } from './boundary.js';
import type { ActivityDeps } from './deps.js';

const PAGE = 200;
/** Each message wakes a workflow, so more at once only make a queue. */
const CONCURRENCY = 16;

export interface RetentionToMove extends ByActor {
  executionId: string;
  days: number;
}

export interface DeletionToTell extends DeletionScope, ByActor {}

/** How many artifacts have no workflow any more that could delete them. */
export interface Orphaned {
  orphaned: number;
}

export function executionActivities({ records, lives }: ActivityDeps) {
  return {
    /** Writes the execution's retention, from which later uploads inherit. @throws `execution_not_found` for a foreign tenant. */
    async recordExecutionRetention(retention: { executionId: string; tenantId: string; days: number }): Promise<void> {
      await records.setExecutionRetention(retention);
      await lives.executionChanged(retention.executionId);
    },

    /**
     * Tells every artifact that inherits and does not have these days yet. Safe to repeat: who has followed is not told again.
     * @returns how many were told.
     */
    async moveInheritors({ executionId, days, ...by }: RetentionToMove): Promise<number> {
      const pageAfter = async (id: string | null): Promise<Page<string>> => {
        const ids = await records.listInheritors({ executionId, days, afterId: id, limit: PAGE });
        return { ids, next: ids.length < PAGE ? null : (ids.at(-1) ?? null) };
      };
      let told = 0;
      await tellPages(pageAfter, async (id) => {
        if (await lives.inheritRetention(id, { days, ...byOf(by) })) told += 1;
      });
      return told;
    },

    /** Accepts the deletion of all artifacts of an execution. Safe to repeat. @throws `execution_not_found`. */
    beginExecutionDeletion: (deletion: NewExecutionDeletion): Promise<DeletionScope> =>
      records.beginExecutionDeletion(deletion),

    /** Tells every artifact that is left to delete itself; one that is being deleted already tries again at once. Safe to repeat. */
    tellToDelete: ({ actor, requestId, ...scope }: DeletionToTell): Promise<Orphaned> => {
      const message = { ...byOf({ actor, requestId }), executionDeletionId: scope.runId };
      return countOrphaned(scope, (id) => lives.deleteArtifact(id, message));
    },

    /** Looks which of the artifacts that are left can still delete themselves. */
    findOrphaned: (scope: DeletionScope): Promise<Orphaned> => countOrphaned(scope, (id) => lives.isAlive(id)),

    countDeletion: (scope: DeletionScope): Promise<DeletionCounts> => records.countDeletion(scope),

    /** Writes down how the deletions ended that a run has covered. Safe to repeat. */
    finishExecutionDeletions: (run: FinishedRun): Promise<void> => records.finishExecutionDeletions(run),
  };

  async function countOrphaned(
    scope: DeletionScope,
    hasLife: (artifactId: string) => Promise<boolean>,
  ): Promise<Orphaned> {
    const pageAfter = async (ordinal: number | null): Promise<Page<number>> => {
      const page = await records.listUndeleted({ ...scope, afterOrdinal: ordinal ?? 0, limit: PAGE });
      return { ids: page.map(({ id }) => id), next: page.length < PAGE ? null : (page.at(-1)?.ordinal ?? null) };
    };
    let orphaned = 0;
    await tellPages(pageAfter, async (id) => {
      if (await hasLife(id)) return;
      // A life ends when its artifact is deleted, also between our look at the row and this.
      const row = await records.get(id);
      if (row !== null && row.status !== 'DELETED') orphaned += 1;
    });
    return { orphaned };
  }
}

/** Artifacts to tell, and where the next page begins; null on the last one. */
interface Page<Place> {
  ids: string[];
  next: Place | null;
}

/** Tells the artifacts of page after page, a few at a time. */
async function tellPages<Place>(
  pageAfter: (place: Place | null) => Promise<Page<Place>>,
  tellOne: (artifactId: string) => Promise<void>,
): Promise<void> {
  await withHeartbeat('telling artifacts', async ({ signal, tell }) => {
    let told = 0;
    let place: Place | null = null;
    do {
      const page: Page<Place> = await pageAfter(place);
      await mapConcurrently(page.ids, CONCURRENCY, async (id) => {
        signal.throwIfAborted();
        await tellOne(id);
      });
      told += page.ids.length;
      tell({ phase: `told ${told} artifacts` });
      place = page.next;
    } while (place !== null);
  });
}
