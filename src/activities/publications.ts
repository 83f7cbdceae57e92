import type { NewPublication, Publication, PublicationCommit, PublicationKey } from '../db/publications.js';
import type { ByActor } from '../domain/commands.js';
import { mapConcurrently } from '../domain/concurrency.js';
import { ArtifactError, type ErrorCode } from '../domain/errors.js';
import { newReport, type FoundFile, type PublicationReport, type PublishRequest } from '../domain/publish.js';
import { planFiles, type FilePlan, type PlanRules } from '../domain/publish-plan.js';
import { withHeartbeat } from './boundary.js';
import { announceChanges } from './change-record.js';
import type { ActivityDeps } from './deps.js';

/** Who acts when nobody asked. */
const WORKER = 'worker';
const PAGE = 200;
/** Each message wakes a workflow, so more at once only make a queue. */
const CONCURRENCY = 16;

export interface PublicationToBegin extends NewPublication {
  /** Absent from runs of before. */
  request?: PublishRequest;
}

export interface FilesToPlan extends PlanRules {
  executionId: string;
  files: FoundFile[];
}

export interface ArtifactsToRemove extends ByActor {
  artifactIds: string[];
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
    /**
     * Safe to repeat: one that is there, or has ended, is answered as it is. All or nothing has a guard before anything is hidden for it.
     * @throws `execution_not_found`.
     */
    async beginPublication({ request, ...publication }: PublicationToBegin): Promise<Publication> {
      const begun = await records.beginPublication(publication);
      if (begun.report === null && request?.allOrNothing === true) await lives.guardPublication(request);
      return begun;
    },

    /** What is to be done with each file of a page. Changes nothing. */
    async planPublication({ executionId, files, ...rules }: FilesToPlan): Promise<FilePlan[]> {
      const paths = files.map(({ path }) => path);
      return planFiles(files, await records.listByPaths(executionId, paths), rules);
    },

    /** Deletes what is to be replaced, and answers with what could not be: held since, or gone with its workflow. Safe to repeat. */
    async removeReplaced({ artifactIds, ...by }: ArtifactsToRemove): Promise<NotRemoved[]> {
      const failed: NotRemoved[] = [];
      await eachOf('removing what is replaced', artifactIds, async (artifactId) => {
        try {
          await lives.removeArtifact(artifactId, by);
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

    announcePublication,

    /** Aborts uploads that will never be finished; one that is complete stays. Safe to repeat. */
    async abandonUploads({ artifactIds, ...by }: ArtifactsToRemove): Promise<void> {
      await eachOf('aborting uploads', artifactIds, async (artifactId) => {
        await lives.abortUpload(artifactId, by);
      });
    },

    abandonPublication,

    /** Writes down how it ended. Safe to repeat: the first word counts. */
    finishPublication: (end: PublicationKey & { report: PublicationReport; atMs: number }): Promise<void> =>
      records.finishPublication(end),

    /**
     * Does what the workflow of a publication that is all or nothing has left undone, when it does not run any more: removes what is hidden
     * or, once it was committed, announces it, and writes down how it ended. Safe to repeat.
     * @returns false while it runs, or artifacts are not proven to be gone: to be asked again.
     */
    async settlePublication(request: PublishRequest): Promise<boolean> {
      const { executionId, publicationId: id } = request;
      const key = { executionId, id };
      const publication = await records.getPublication(key);
      if (publication === null) return true;
      if (publication.report === null && (await lives.isPublishing(executionId, id))) return false;
      const isCommitted = (await records.abandonPublication(key)) === 'committed';
      if (isCommitted) await announcePublication(key);
      else if ((await purgeAwaiting(key, { actor: WORKER })) > 0) return false;
      if (publication.report !== null) return true;
      const last = (await lives.lastReport(executionId, id)) ?? newReport(request, publication.begunAtMs);
      const atMs = Date.now();
      await records.finishPublication({ ...key, atMs, report: endedFromOutside(last, isCommitted, atMs) });
      return true;
    },
  };

  /** Tells of what has become visible: the manifest, and receivers of webhooks, who hear of each artifact in order. Safe to repeat. */
  async function announcePublication(key: PublicationKey): Promise<void> {
    await lives.executionChanged(key.executionId);
    for (;;) {
      const page = await records.listUntold({ ...key, limit: PAGE });
      if (page.length === 0) return;
      if (deps.webhooks === undefined) await records.markTold(page.map(({ id }) => id));
      else await eachOf('announcing', page, (record) => announceChanges(deps, record, 0));
    }
  }

  /**
   * Gives up a publication that is all or nothing, unless it was committed: nothing is registered for it any more, and what waits for
   * it is told to go, for good. Safe to repeat: who is gone is not told again.
   * @returns how many were told, and are not proven to be gone yet.
   */
  async function abandonPublication({ executionId, id, ...by }: PublicationKey & ByActor): Promise<number> {
    const key = { executionId, id };
    return (await records.abandonPublication(key)) === 'committed' ? 0 : purgeAwaiting(key, by);
  }

  /** @returns how many were told to go, and are not proven to be gone yet. */
  async function purgeAwaiting(key: PublicationKey, by: ByActor): Promise<number> {
    let left = 0;
    for (let afterId: string | null = null; ;) {
      const page: string[] = await records.listAwaiting({ ...key, afterId, limit: PAGE });
      await eachOf('removing artifacts', page, async (id) => {
        if (await lives.purgeArtifact(id, by)) left += 1;
      });
      afterId = page.at(-1) ?? null;
      if (page.length < PAGE) return left;
    }
  }
}

/** What it ended with that could not say so itself. */
function endedFromOutside(last: PublicationReport, isCommitted: boolean, atMs: number): PublicationReport {
  const ended = { ...last, phase: 'ended', endedAtMs: atMs } as const;
  if (isCommitted) return { ...ended, outcome: 'published', problem: null };
  const message = 'the workflow of the publication was ended from outside';
  return { ...ended, outcome: 'failed', problem: { code: 'aborted', message } };
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
