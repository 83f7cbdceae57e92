import { randomUUID } from 'node:crypto';
import { ArtifactError } from '../domain/errors.js';
import { requireUuid } from '../domain/ids.js';
import { requirePublishRequest, type PublicationReport, type PublishRequest } from '../domain/publish.js';
import { SECOND_MS } from '../domain/units.js';
import { isUsableExecution, requireUsableExecution, type Caller } from './access.js';
import type { ApiContext } from './context.js';
import { toTimestamp } from './encode.js';
import { idByKey, type Sender } from './sender.js';
import type { EncodedPublication, PublishBody } from './schemas/publications.js';

type Context = Pick<ApiContext, 'records' | 'publications' | 'config'>;

/** Of a caller's execution. */
interface PublicationKey {
  executionId: string;
  publicationId: string;
}

/**
 * Starts a publication, or joins the one that there is under the same id, and answers with its id.
 * @throws `invalid_id`, `invalid_request`, `invalid_tags`, `invalid_retention`, `execution_not_found`, `host_unreachable` when no
 * upload worker of the host was seen lately, `workflows_unavailable`.
 */
export async function startPublication(
  { records, publications, config }: Context,
  sender: Sender,
  executionId: string,
  body: PublishBody,
): Promise<string> {
  const { caller, requestId } = sender;
  const { publicationId = idByKey('publication', sender, executionId, body) ?? randomUUID(), ...wish } = body;
  const { tenant: tenantId, subject: actor } = caller;
  const request: PublishRequest = { ...wish, publicationId, executionId, tenantId, actor, requestId };
  requirePublishRequest(request);
  await requireUsableExecution(records, caller, executionId);
  const begun = await records.getPublication({ executionId, id: publicationId });
  if (begun !== null && begun.endedAtMs !== null) return publicationId;
  if (begun === null && !(await publications.isHostThere(request.hostId)))
    throw new ArtifactError('host_unreachable', `no upload worker of host "${request.hostId}" was seen lately`, {
      details: { hostId: request.hostId },
    });
  await publications.startPublication(request, config.PUBLISH_HOST_TIMEOUT_SECONDS * SECOND_MS);
  return publicationId;
}

/**
 * Where it is, or how it ended. That of a foreign execution is not told from one that never was.
 * @throws `invalid_id`, `publication_not_found`, `not_yet_answered`.
 */
export async function publicationOf(
  { records, publications }: Pick<Context, 'records' | 'publications'>,
  caller: Caller,
  { executionId, publicationId }: PublicationKey,
): Promise<EncodedPublication> {
  requireUuid(publicationId, 'publication id');
  if (await isUsableExecution(records, caller, executionId)) {
    const before = await records.getPublication({ executionId, id: publicationId });
    if (before !== null && before.report !== null) return encode(before.report, 0);
    const running = await publications.getPublication(executionId, publicationId);
    if (running?.report.tenantId === caller.tenant) return encode(running.report, running.sendingBytes);
  }
  throw new ArtifactError('publication_not_found', `Execution ${executionId} has no publication ${publicationId}`);
}

/** Asks it to stop, unless it has ended; it is answered where it is then. @throws as {@link publicationOf}. */
export async function cancelPublication(
  context: Pick<Context, 'records' | 'publications'>,
  { caller, requestId }: Sender,
  key: PublicationKey,
): Promise<EncodedPublication> {
  const before = await publicationOf(context, caller, key);
  if (before.outcome !== null) return before;
  await context.publications.cancelPublication(key.executionId, key.publicationId, {
    actor: caller.subject,
    requestId,
  });
  return publicationOf(context, caller, key);
}

function encode(report: PublicationReport, sendingBytes: number): EncodedPublication {
  const { tenantId: _tenant, beganAtMs, endedAtMs, counts, ...same } = report;
  return {
    ...same,
    counts: { ...counts, sendingBytes },
    beganAt: toTimestamp(beganAtMs),
    endedAt: endedAtMs === null ? null : toTimestamp(endedAtMs),
  };
}
