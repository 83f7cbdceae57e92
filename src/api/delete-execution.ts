import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { Caller } from './access.js';
import { changeArtifact } from './change-artifact.js';
import type { ApiContext } from './context.js';

/** Rows looked at per page, and deletes under way at once. */
const PAGE_SIZE = 200;
const CONCURRENCY = 8;

/**
 * Deletes every artifact of an execution and answers how many. Safe to repeat: what is deleted already is not counted again,
 * and a call that failed half-way is finished by the next one.
 * @param executionId of an execution the caller may change.
 * @throws the first failure, once the deletes that were under way have ended.
 */
export async function deleteExecutionArtifacts(
  context: Pick<ApiContext, 'records' | 'lifecycle'>,
  caller: Caller,
  executionId: string,
): Promise<number> {
  let deleted = 0;
  let cursor: string | null = null;
  do {
    const page: { items: ArtifactRecord[]; nextCursor: string | null } = await context.records.list({
      executionId,
      limit: PAGE_SIZE,
      ...(cursor === null ? {} : { cursor }),
    });
    await forEachConcurrently(page.items, async ({ id }) => {
      await changeArtifact(context, caller, {
        verb: 'deleteArtifact',
        artifactId: id,
        send: () => context.lifecycle.deleteArtifact(id, { actor: caller.subject }),
      });
      deleted += 1;
    });
    cursor = page.nextCursor;
  } while (cursor !== null);
  return deleted;
}

/** After a failure nothing new is started, and what runs is waited for before it is thrown. */
async function forEachConcurrently<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = items.values();
  let failed = false;
  const run = async (): Promise<void> => {
    for (const item of waiting) {
      if (failed) return;
      try {
        await work(item);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: CONCURRENCY }, run));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}
