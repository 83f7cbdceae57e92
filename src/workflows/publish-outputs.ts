import * as wf from '@temporalio/workflow';
import type { ByActor } from '../domain/commands.js';
import { ArtifactError } from '../domain/errors.js';
import {
  newReport,
  requirePublishRequest,
  type PublicationOutcome,
  type PublicationReport,
  type PublishRequest,
} from '../domain/publish.js';
import { MINUTE_MS, SECOND_MS } from '../domain/units.js';
import {
  abandonPublication,
  abandonUploads,
  announcePublication,
  beginPublication,
  commitPublication,
  finishPublication,
} from './activity-proxies.js';
import { failureOf } from './failures.js';
import { orWarn, WORKER } from './life.js';
import { cancelPublication, publicationStatus } from './messages.js';
import { note, type Publishing, type PublishingState } from './publishing.js';
import { publicationErrorOf, publishFolder } from './publish-folder.js';
import { lookAgainMs } from './pace.js';

/** How long a host that does not answer is waited for, unless the input says otherwise. */
const HOST_TIMEOUT_MS = 10 * MINUTE_MS;
const FIRST_LOOK_MS = SECOND_MS / 4;
/** Until then an artifact has tried more than once, and goes on by itself for as long as it takes. */
const LAST_LOOK = 10;

/** A request, see there, and what only a deployment says. */
export interface PublishOutputsInput extends PublishRequest {
  /** Default: 10 minutes. */
  hostTimeoutMs?: number;
  /** What an earlier run hands over. */
  handedOver?: PublishingState;
}

/**
 * Publishes what lies below a folder of a host: everything becomes an artifact of the execution, a page of files at a time, whoever
 * dies meanwhile. Answers with the report; one that failed as a whole fails with the reason's code as its type, and the report in its
 * details. Started again under the same ids it answers with what it ended with.
 */
export async function publishOutputs(input: PublishOutputsInput): Promise<PublicationReport> {
  const { handedOver, hostTimeoutMs = HOST_TIMEOUT_MS, ...request } = input;
  const publishing: Publishing = {
    request,
    hostTimeoutMs,
    state: handedOver ?? { report: newReport(request, Date.now()), after: null },
    underWay: new Set(),
  };
  const work = new wf.CancellationScope();
  let cancelledBy: ByActor | null = null;
  wf.setHandler(publicationStatus, () => publishing.state.report, { description: 'How far it is' });
  wf.setHandler(
    cancelPublication,
    (message) => {
      if (publishing.state.report.phase !== 'scanning' && publishing.state.report.phase !== 'uploading') return;
      cancelledBy = senderOf(message);
      work.cancel();
    },
    { description: 'Give up what is not complete yet: {"actor": "…"}' },
  );

  const earlier = handedOver === undefined ? await begin(request) : null;
  if (earlier !== null) return answer(earlier);
  try {
    await work.run(() => publishFolder(publishing));
    return await wf.CancellationScope.nonCancellable(() => conclude(publishing));
  } catch (error) {
    if (error instanceof wf.ContinueAsNew) throw error;
    // A host that dies after it was asked to stop is no failure of its own.
    const isCancelled = wf.isCancellation(error) || cancelledBy !== null;
    const report = await wf.CancellationScope.nonCancellable(() =>
      giveUp(publishing, isCancelled ? null : knownOrThrow(error), cancelledBy ?? { actor: WORKER }),
    );
    // Cancelled by Temporal's own means, it ends as that.
    if (isCancelled && cancelledBy === null) throw error;
    return answer(report);
  }
}

/** Nothing has checked what was typed into a terminal. */
const senderOf = ({ actor, requestId }: Partial<ByActor> = {}): ByActor => ({
  actor: typeof actor === 'string' ? actor : 'signal',
  ...(typeof requestId === 'string' ? { requestId } : {}),
});

/** The report that it ended with before, if it did. */
async function begin(request: PublishRequest): Promise<PublicationReport | null> {
  try {
    requirePublishRequest(request);
    const { executionId, publicationId: id, tenantId, actor } = request;
    const { report } = await beginPublication({ executionId, id, tenantId, actor, atMs: Date.now(), request });
    return report;
  } catch (error) {
    throw wf.isCancellation(error) ? error : failureOf(knownOrThrow(error));
  }
}

/** Everything was looked at: what waits becomes visible, or all of it goes. */
async function conclude(publishing: Publishing): Promise<PublicationReport> {
  const { request, state } = publishing;
  const { counts, allOrNothing, failures } = state.report;
  const [first] = failures;
  const published = counts.uploaded + counts.unchanged;
  if (first !== undefined && (allOrNothing || published === 0))
    throw new ArtifactError(first.code, `${first.file}: ${first.message}`);
  if (allOrNothing) {
    const key = { executionId: request.executionId, id: request.publicationId };
    note(publishing, { ...state.report, phase: 'committing' });
    await commitPublication({ ...key, artifacts: counts.uploaded });
    await orWarn(announcePublication(key), 'not all of it was announced');
  }
  return finish(publishing, counts.failed === 0 ? 'published' : 'partial');
}

/** Nothing is left behind that will never be finished; of all or nothing, nothing at all. @param error null: it was cancelled. */
async function giveUp(publishing: Publishing, error: ArtifactError | null, by: ByActor): Promise<PublicationReport> {
  const { state, underWay, request } = publishing;
  const problem = error === null ? null : { code: error.code, message: error.message };
  note(publishing, { ...state.report, phase: 'removing', problem });
  if (request.allOrNothing === true) await removeAll(request, by);
  else if (underWay.size > 0) await abandonUploads({ artifactIds: [...underWay], ...by });
  return finish(publishing, error === null ? 'cancelled' : 'failed');
}

/** Waits for a while until all are gone. */
async function removeAll({ executionId, publicationId: id }: PublishRequest, by: ByActor): Promise<void> {
  for (let look = 1; ; look += 1) {
    const left = await abandonPublication({ executionId, id, ...by });
    if (left === 0 || look === LAST_LOOK) return;
    const pauseMs = lookAgainMs(left, { leastMs: FIRST_LOOK_MS * 2 ** look, mostMs: MINUTE_MS });
    await wf.sleep(pauseMs, { summary: `${left} artifacts are to go, look again` });
  }
}

async function finish(publishing: Publishing, outcome: PublicationOutcome): Promise<PublicationReport> {
  const { executionId, publicationId: id } = publishing.request;
  const atMs = Date.now();
  const report: PublicationReport = { ...publishing.state.report, phase: 'ended', outcome, endedAtMs: atMs };
  await finishPublication({ executionId, id, report, atMs });
  note(publishing, report);
  return report;
}

/** One that failed is red in the Temporal UI, and its caller need not look for it. */
function answer(report: PublicationReport): PublicationReport {
  const { problem, outcome } = report;
  if (outcome !== 'failed' || problem === null) return report;
  const { message, code: type } = problem;
  throw wf.ApplicationFailure.create({ message, type, nonRetryable: true, details: [report] });
}

/** A bug of ours must fail the workflow task. */
function knownOrThrow(error: unknown): ArtifactError {
  const known = publicationErrorOf(error);
  if (known === null) throw error;
  return known;
}
