import * as wf from '@temporalio/workflow';
import type { DeletionReason } from '../domain/artifact.js';
import { completeRecord } from '../domain/artifact-record.js';
import { ArtifactError, errorKind, type ErrorCode } from '../domain/errors.js';
import { acceptState, nextAction } from '../domain/lifecycle.js';
import { unregisteredRecord } from '../domain/new-upload.js';
import { act, conclude } from './actions.js';
import { registerUpload } from './activity-proxies.js';
import { performCommand } from './commands.js';
import { errorOf } from './failures.js';
import { goesOn, Life } from './life.js';
import type { LifecycleInput, NewUpload } from './messages.js';
import { stopVerification } from './verifying.js';
import { receiveMessages } from './receive-messages.js';

/** What a life ended with; `refused`: the upload was never registered. */
export interface LifecycleResult {
  artifactId: string;
  ended: DeletionReason | 'refused';
}

/** Errors of a registration that has not begun. */
const UNWRITTEN: readonly ErrorCode[] = ['path_taken', 'execution_not_found', 'publication_over', 'quota_exceeded'];

/** Endings that are nobody's wish: the workflow fails, red in the Temporal UI. */
const FAILED_ENDINGS: readonly string[] = ['upload_abandoned', 'upload_failed', 'checksum_mismatch', 'bytes_lost'];

/**
 * The whole life of one artifact, from the first request to upload it until it is proven to be gone. The only writer of its row
 * and its object. `nextAction` decides what happens by itself and when; messages change the state it looks at.
 */
export async function artifactLifecycle(input: LifecycleInput): Promise<LifecycleResult> {
  const life = 'upload' in input ? newLife(input.upload) : new Life(acceptState(input.state));
  receiveMessages(life);
  if ('upload' in input) await register(life, input.upload);
  else life.registration = 'done';
  await live(life);

  const { id: artifactId, deletionReason, path } = life.state.record;
  const ended = deletionReason ?? 'refused';
  if (FAILED_ENDINGS.includes(ended))
    throw wf.ApplicationFailure.nonRetryable(`${path} ended as ${ended}`, failureTypeOf(ended), {
      artifactId,
      ended,
    });
  return { artifactId, ended };
}

const failureTypeOf = (ended: string): string => (ended === 'bytes_lost' ? 'ArtifactLost' : 'ArtifactUploadFailed');

function newLife(upload: NewUpload): Life {
  return new Life({
    v: 2,
    record: unregisteredRecord(upload, Date.now()),
    nextRestorePollMs: null,
    unfinished: [],
    deletion: null,
    uploadEndedMs: null,
    sweepAtMs: null,
    retriesMs: {},
    problem: null,
  });
}

/** Until this has answered, `beginUpload` waits. */
async function register(life: Life, upload: NewUpload): Promise<void> {
  try {
    const record = await registerUpload({ ...upload, createdAtMs: life.state.record.createdAtMs });
    life.state = { ...life.state, record: completeRecord(record) };
    life.registration = 'done';
  } catch (error) {
    const known = errorOf(error);
    if (known === null) throw error;
    life.registration = { error: known };
    // Refused before anything was written.
    if (UNWRITTEN.includes(known.code))
      life.state = { ...life.state, record: { ...life.state.record, status: 'DELETED' } };
    // A crash may have come after the row or the multipart upload: both are removed before the run ends.
    else life.decideDeletion('upload_failed', upload.actor);
  }
}

/** Answer when somebody asks, act when something is due, sleep in between; ends when there is nothing left to do or to answer. */
async function live(life: Life): Promise<void> {
  const asked = (): boolean => life.inbox.length > 0;
  const woken = (): boolean => asked() || (life.verification !== null && life.verification.found !== null);
  for (;;) {
    await answerAll(life);
    if (life.verification !== null) await conclude(life);
    // A life that was never registered is short, and only this run knows why.
    const mayHandOver = life.registration === 'done' && !life.isDeleting;
    if (wf.workflowInfo().continueAsNewSuggested && mayHandOver) await handOver(life);
    const next = nextAction(life.state, Date.now());
    life.show(next);
    if (next.kind === 'none' && next.rule === 'deleted') {
      await wf.condition(() => asked() || wf.allHandlersFinished());
      if (!asked()) return;
    } else if (next.kind === 'none') {
      await wf.condition(woken);
    } else {
      // Recomputed from the absolute deadline after every wake-up. A message that came in the same moment goes first.
      const delayMs = next.atMs - Date.now();
      if (delayMs > 0) await wf.condition(woken, delayMs, { summary: `${next.kind} (${next.rule})` });
      if (!asked() && next.atMs <= Date.now()) await act(life, next);
    }
  }
}

async function answerAll(life: Life): Promise<void> {
  for (let ticket = life.inbox.shift(); ticket !== undefined; ticket = life.inbox.shift()) {
    try {
      await performCommand(life, ticket.command);
      ticket.record = life.state.record;
      if (ticket.command.verb === 'repairArtifact' && life.repair !== undefined) ticket.repair = life.repair;
    } catch (error) {
      const known = errorOf(error);
      if (known === null) throw error;
      const { command, awaited } = ticket;
      if (!awaited || goesOn(command, awaited, known)) life.postpone(command, known);
      ticket.error = goesOn(command, awaited, known) ? accepted(known) : error;
    }
    ticket.done = true;
  }
}

/** What is kept must not be lost because its caller heard of an outage and went away. The message is the caller's to read. */
const accepted = ({ code }: ArtifactError): ArtifactError =>
  new ArtifactError(
    'not_yet_answered',
    `It is accepted, and carried out before anything is deleted. What it waits for: ${errorKind(code).title}`,
  );

/** A long life changes over to a new run, with its state; nothing that was asked may be left unanswered. */
async function handOver(life: Life): Promise<void> {
  stopVerification(life);
  while (life.inbox.length > 0 || !wf.allHandlersFinished()) {
    if (life.isDeleting) return;
    await wf.condition(() => life.inbox.length > 0 || wf.allHandlersFinished());
    await answerAll(life);
  }
  await wf.continueAsNew<typeof artifactLifecycle>({ state: life.state });
}
