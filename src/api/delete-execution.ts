import { randomUUID } from 'node:crypto';
import type { ExecutionDeletion } from '../db/execution-deletions.js';
import { ArtifactError } from '../domain/errors.js';
import { requireUuid } from '../domain/ids.js';
import { SECOND_MS } from '../domain/units.js';
import { requireExecution } from './access.js';
import type { ApiContext } from './context.js';
import type { Sender } from './sender.js';

export interface DeletionWish {
  executionId: string;
  /** UUID under which the same deletion can be asked for again. Default: a new one. */
  deletionId?: string;
  /** How long to wait for its end, in seconds. */
  waitSeconds: number;
}

/**
 * Deletes every artifact of an execution by a workflow, and answers with how far that is once it has ended or the wait is over. What
 * is answered is read from the rows, so it is the same for everybody who asks for the same deletion, also after an answer was lost.
 * @throws `invalid_id`, `execution_not_found`, `workflows_unavailable`; `not_yet_answered` when it could not be accepted in time.
 */
export async function deleteExecutionArtifacts(
  { records, lifecycle }: Pick<ApiContext, 'records' | 'lifecycle'>,
  { caller, requestId }: Sender,
  { executionId, deletionId = randomUUID(), waitSeconds }: DeletionWish,
): Promise<ExecutionDeletion> {
  await requireExecution(records, caller, executionId);
  requireUuid(deletionId, 'deletion id');
  const before = await records.getExecutionDeletion(executionId, deletionId);
  if (before !== null && before.finishedAtMs !== null) return before;
  let late: ArtifactError | null = null;
  try {
    await lifecycle.deleteExecutionArtifacts(
      executionId,
      { deletionId, actor: caller.subject, requestId },
      waitSeconds * SECOND_MS,
    );
  } catch (error) {
    if (!(error instanceof ArtifactError) || error.code !== 'not_yet_answered') throw error;
    late = error;
  }
  const deletion = await records.getExecutionDeletion(executionId, deletionId);
  if (deletion !== null) return deletion;
  throw late ?? new ArtifactError('execution_not_found', `Execution ${executionId} was deleted meanwhile`);
}
