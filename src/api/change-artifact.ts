import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { Verb } from '../domain/commands.js';
import { ArtifactError } from '../domain/errors.js';
import { ruleOn } from '../domain/verbs.js';
import { requireArtifact, type Caller } from './access.js';
import type { ApiContext } from './context.js';

/** One verb for one artifact; `send` passes it to the workflow. */
export interface ChangeRequest {
  verb: Verb;
  artifactId: string;
  send: () => Promise<ArtifactRecord>;
}

/**
 * Sends a verb to the artifact's workflow and answers with the row after it. A life that is over has no workflow to ask: its row says
 * whether the verb is done already (a repeated delete) or refused. While a deletion can be undone, that is asked of the workflow.
 * @throws `artifact_not_found`, `artifact_deleted`, and whatever the workflow refuses with.
 */
export async function changeArtifact(
  { records }: Pick<ApiContext, 'records'>,
  caller: Caller,
  { verb, artifactId, send }: ChangeRequest,
): Promise<ArtifactRecord> {
  const record = await requireArtifact(records, caller, artifactId);
  if (isDone(verb, record)) return record;
  try {
    return await send();
  } catch (error) {
    // A workflow that has ended, or is about to: perhaps the life ended between our look and the message.
    if (!(error instanceof ArtifactError) || !['artifact_deleted', 'wrong_state'].includes(error.code)) throw error;
    const latest = await records.get(artifactId);
    if (latest === null || !isDone(verb, latest)) throw error;
    return latest;
  }
}

/** Does the row of a deleted artifact alone answer? @throws what the verb is refused with then. */
const isDone = (verb: Verb, record: ArtifactRecord): boolean =>
  record.status === 'DELETED' && ruleOn(verb, { record, deletion: null }) === 'done';
