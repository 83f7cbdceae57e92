import type { ArtifactRecord } from '../domain/artifact-record.js';
import type { ByActor, Verb } from '../domain/commands.js';
import { ArtifactError } from '../domain/errors.js';
import { ruleOn } from '../domain/verbs.js';
import { requireArtifact } from './access.js';
import type { ApiContext } from './context.js';
import { requestKeyOf, type Sender } from './sender.js';

/** One verb for one artifact; `send` passes it to the workflow. */
export interface ChangeRequest<M extends object> {
  verb: Verb;
  artifactId: string;
  /** Its message, but for who sends it. */
  message: M;
  send: (message: M & ByActor, requestKey?: string) => Promise<ArtifactRecord>;
}

/**
 * Sends a verb to the artifact's workflow and answers with the row after it. A life that is over has no workflow to ask: its row says
 * whether the verb is done already (a repeated delete) or refused. While a deletion can be undone, that is asked of the workflow.
 * @throws `artifact_not_found`, `artifact_deleted`, and whatever the workflow refuses with.
 */
export async function changeArtifact<M extends object>(
  { records }: Pick<ApiContext, 'records'>,
  sender: Sender,
  { verb, artifactId, message, send }: ChangeRequest<M>,
): Promise<ArtifactRecord> {
  const record = await requireArtifact(records, sender.caller, artifactId);
  if (isDone(verb, record)) return record;
  try {
    return await send(
      { ...message, actor: sender.caller.subject, requestId: sender.requestId },
      requestKeyOf(sender, { verb, artifactId, message }),
    );
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
