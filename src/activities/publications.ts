import type { NewPublication, Publication, PublicationCommit, PublicationKey } from '../db/publications.js';
import { mapConcurrently } from '../domain/concurrency.js';
import { ArtifactError, type ErrorCode } from '../domain/errors.js';
import type { FoundFile, PublicationReport } from '../domain/publish.js';
import { planFiles, type FilePlan, type PlanRules } from '../domain/publish-plan.js';
import { withHeartbeat } from './boundary.js';
import { announceChanges } from './change-record.js';
import type { ActivityDeps } from './deps.js';

const PAGE = 200;
/** Each message wakes a workflow, so more at once only make a queue. */
const CONCURRENCY = 16;

export interface FilesToPlan extends PlanRules {
  executionId: string;
  files: FoundFile[];
}

export interface ArtifactsToRemove {
  artifactIds: string[];
  actor: string;
}

/** An artifact that could not be removed. */
export interface NotRemoved {
  artifactId: string;
  code: ErrorCode;
  message: string;
}

export function publicationActivities(deps: ActivityDeps) {
  const { records, lives } = deps;
  return {
    /** Safe to repeat: one that is there, or has ended, is answered as it is. @throws `execution_not_found`. */
    beginPublication: (publication: NewPublication): Promise<Publication> => records.beginPublication(publication),

    /** What is to be done with each file of a page. Changes nothing. */
    async planPublication({ executionId, files, ...rules }: FilesToPlan): Promise<FilePlan[]> {
      const paths = files.map(({ path }) => path);
      return planFiles(files, await records.listByPaths(executionId, paths), rules);
    },

    /** Deletes what is to be replaced, and answers with what could not be: held since, or gone with its workflow. Safe to repeat. */
    async removeReplaced({ artifactIds, actor }: ArtifactsToRemove): Promise<NotRemoved[]> {
      const failed: NotRemoved[] = [];
      await eachOf('removing what is replaced', artifactIds, async (artifactId) => {
        try {
          await lives.removeArtifact(artifactId, { actor });
        } catch (error) {
          if (!(error instanceof ArtifactError) || error.retryable) throw error;
          const row = await records.get(artifactId);
          if (row === null || row.status === 'DELETED') return;
          failed.push({ artifactId, code: error.code, message: error.message });
        }
      });
      return failed;
    },

    /**
     * Makes everything that waits for a publication visible at once. Safe to repeat.
     * @throws `publication_over`, `upload_incomplete`.
     */
    commitPublication: (commit: PublicationCommit): Promise<void> => records.commitPublication(commit),

    /** Tells of what has become visible: the manifest, and receivers of webhooks, who hear of each artifact in order. Safe to repeat. */
    async announcePublication(key: PublicationKey): Promise<void> {
      await lives.executionChanged(key.executionId);
      for (;;) {
        const page = await records.listUntold({ ...key, limit: PAGE });
        if (page.length === 0) return;
        if (deps.webhooks === undefined) await records.markTold(page.map(({ id }) => id));
        else await eachOf('announcing', page, (record) => announceChanges(deps, record, 0));
      }
    },

    /** Aborts uploads that will never be finished; one that is complete stays. Safe to repeat. */
    async abandonUploads({ artifactIds, actor }: ArtifactsToRemove): Promise<void> {
      await eachOf('aborting uploads', artifactIds, async (artifactId) => {
        await lives.abortUpload(artifactId, { actor });
      });
    },

    /**
     * Gives up a publication that is all or nothing, unless it was committed: nothing is registered for it any more, and what waits for
     * it is told to go, for good. Safe to repeat: who is gone is not told again.
     * @returns how many were told, and are not proven to be gone yet.
     */
    async abandonPublication({ actor, ...key }: PublicationKey & { actor: string }): Promise<number> {
      if ((await records.abandonPublication(key)) === 'committed') return 0;
      let left = 0;
      for (let afterId: string | null = null; ;) {
        const page: string[] = await records.listAwaiting({ ...key, afterId, limit: PAGE });
        await eachOf('removing artifacts', page, async (id) => {
          if (await lives.purgeArtifact(id, { actor })) left += 1;
        });
        afterId = page.at(-1) ?? null;
        if (page.length < PAGE) return left;
      }
    },

    /** Writes down how it ended. Safe to repeat: the first word counts. */
    finishPublication: (end: PublicationKey & { report: PublicationReport; atMs: number }): Promise<void> =>
      records.finishPublication(end),
  };
}

/** A few at a time. */
async function eachOf<T>(phase: string, items: T[], work: (item: T) => Promise<void>): Promise<void> {
  await withHeartbeat(phase, async ({ signal, tell }) => {
    let done = 0;
    await mapConcurrently(items, CONCURRENCY, async (item) => {
      signal.throwIfAborted();
      await work(item);
      done += 1;
      tell({ phase: `${phase}, ${done} of ${items.length}` });
    });
  });
}
