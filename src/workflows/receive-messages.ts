import type { SignalDefinition, UpdateDefinition } from '@temporalio/common';
import * as wf from '@temporalio/workflow';
import type { ByActor, Command, DeleteArtifact, RepairArtifact } from '../domain/commands.js';
import { ArtifactError } from '../domain/errors.js';
import { nextAction } from '../domain/lifecycle.js';
import type { OwnRetention } from '../domain/retention.js';
import type { TagChanges } from '../domain/tags.js';
import { RESTORE_TIERS, type RestoreTier } from '../domain/tiers.js';
import { checkCommand } from './commands.js';
import { failureOf } from './failures.js';
import { asFailure, type Life } from './life.js';
import * as messages from './messages.js';

/** Who an unsigned signal is from. */
const SIGNAL = 'signal';
const DEFAULT_RESTORE_TIER: RestoreTier = 'Standard';

/** Registers every handler, before the first await. Handlers only queue and wait; the main loop alone acts. */
export function receiveMessages(life: Life): void {
  wf.setHandler(messages.describe, () => describe(life), {
    description: 'Where the artifact is, and what happens to it next, when and why',
  });
  wf.setHandler(
    messages.beginUpload,
    async () => {
      await wf.condition(() => life.registration !== 'pending');
      if (typeof life.registration === 'object') throw asFailure(life.registration.error);
      return life.state.record;
    },
    { description: 'Waits until the upload is registered' },
  );

  const update = <M>(
    definition: UpdateDefinition<messages.Row, [M]>,
    toCommand: (message: M) => Command,
    description: string,
  ): void =>
    wf.setHandler(definition, (message: M) => life.ask(toCommand(message)), {
      validator: (message: M) => validate(life, toCommand(message)),
      description,
    });
  update(
    messages.completeUpload,
    (message) => ({ verb: 'completeUpload', message }),
    'All bytes are sent: verify and activate',
  );
  update(
    messages.abortUpload,
    (message) => ({ verb: 'abortUpload', message }),
    'Give the upload up and remove its parts',
  );
  update(
    messages.setRetention,
    (message) => ({ verb: 'setRetention', message }),
    'Keep it so many days from its creation',
  );
  update(messages.keepForever, (message) => ({ verb: 'keepForever', message }), 'Never let it expire');
  update(messages.addHold, (message) => ({ verb: 'addHold', message }), 'Let it neither expire nor be deleted');
  update(messages.endHold, (message) => ({ verb: 'endHold', message }), 'End a hold; the old deadline counts again');
  update(messages.setTags, (message) => ({ verb: 'setTags', message }), 'Give it other tags, and its object too');
  update(
    messages.undeleteArtifact,
    (message) => ({ verb: 'undeleteArtifact', message }),
    'Bring it back while its undelete window is open',
  );
  update(messages.purgeArtifact, (message) => ({ verb: 'purgeArtifact', message }), 'Delete it at once, for good');
  update(messages.deleteArtifact, (message) => ({ verb: 'deleteArtifact', message }), 'Delete it, and prove it');
  update(messages.archiveArtifact, (message) => ({ verb: 'archiveArtifact', message }), 'Move it to the archive class');
  update(
    messages.restoreArtifact,
    (message) => ({ verb: 'restoreArtifact', message }),
    'Bring it back from the archive',
  );
  const repair = (message: RepairArtifact): Command => ({ verb: 'repairArtifact', message });
  wf.setHandler(messages.repairArtifact, (message: RepairArtifact) => life.askToRepair(repair(message)), {
    validator: (message: RepairArtifact) => validate(life, repair(message)),
    description: 'Look at what the store and the row have, and put right what is not as it should be',
  });

  const signal = <M>(
    definition: SignalDefinition<[M?]>,
    toCommand: (message: M | undefined) => Command,
    description: string,
  ): void => wf.setHandler(definition, (message) => tellIfAllowed(life, toCommand(message)), { description });
  signal(
    messages.setRetentionSignal,
    (m) => ({
      verb: 'setRetention',
      message: { ...retentionWish(m), confirm: m?.confirm === true, ...signedBy(m) },
    }),
    'As the update: {"days": 90}, or {"expiresAt": "2030-01-01T00:00:00Z"}',
  );
  signal(
    messages.inheritRetentionSignal,
    (m) => ({ verb: 'inheritRetention', message: { days: Number(m?.days ?? NaN), ...signedBy(m) } }),
    'From its execution: {"days": 90, "actor": "…"}',
  );
  signal(
    messages.keepForeverSignal,
    (m) => ({ verb: 'keepForever', message: { reason: text(m?.reason), ...signedBy(m) } }),
    'As the update: {"reason": "…", "actor": "…"}, or nothing at all',
  );
  signal(
    messages.addHoldSignal,
    (m) => ({
      verb: 'addHold',
      message: {
        hold: { id: text(m?.id) || wf.uuid4(), reason: text(m?.reason) || SIGNAL, untilMs: time(m?.until) },
        ...signedBy(m),
      },
    }),
    'As the update: {"reason": "case 17", "until": "2030-01-01T00:00:00Z"}',
  );
  signal(
    messages.endHoldSignal,
    (m) => ({ verb: 'endHold', message: { holdId: text(m?.holdId), ...signedBy(m) } }),
    'As the update: {"holdId": "…"}',
  );
  signal(
    messages.setTagsSignal,
    (m) => ({
      verb: 'setTags',
      message: { tags: tagWish(m?.tags), merge: m?.merge !== false, ...signedBy(m) },
    }),
    'As the update: {"tags": {"reviewed": "yes", "draft": null}}; what is not named stays, unless "merge": false',
  );
  signal(messages.undeleteArtifactSignal, (m) => ({ verb: 'undeleteArtifact', message: signedBy(m) }), 'As the update');
  signal(messages.purgeArtifactSignal, (m) => ({ verb: 'purgeArtifact', message: signedBy(m) }), 'As the update');
  signal(
    messages.deleteArtifactSignal,
    (m) => ({ verb: 'deleteArtifact', message: { ...signedBy(m), ...countedBy(m?.executionDeletionId) } }),
    'As the update',
  );
  signal(messages.archiveArtifactSignal, (m) => ({ verb: 'archiveArtifact', message: signedBy(m) }), 'As the update');
  signal(
    messages.restoreArtifactSignal,
    (m) => ({ verb: 'restoreArtifact', message: { tier: restoreTier(m?.tier), ...signedBy(m) } }),
    'As the update: {"tier": "Expedited" | "Standard" | "Bulk"}',
  );
  signal(messages.repairArtifactSignal, (m) => repair(signedBy(m)), 'As the update');
}

const describe = ({ state }: Life): messages.Description => ({
  record: state.record,
  next: nextAction(state, Date.now()),
  ...(state.untagged === undefined ? {} : { untagged: true }),
});

// Nothing has checked what was typed into a terminal.
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const signedBy = (m: Partial<ByActor> | undefined): ByActor => ({
  actor: text(m?.actor) || SIGNAL,
  ...(text(m?.requestId) === '' ? {} : { requestId: text(m?.requestId) }),
});
const time = (value: unknown): number | null => (text(value) === '' ? null : Date.parse(text(value)));
const retentionWish = (m: messages.SetRetentionSignal | undefined): OwnRetention =>
  m?.expiresAt === undefined ? { days: Number(m?.days ?? NaN) } : { expiresAtMs: time(m.expiresAt) ?? NaN };
const tagWish = (value: unknown): TagChanges =>
  Object.fromEntries(Object.entries(value ?? {}).map(([key, tag]) => [key, tag === null ? null : String(tag)]));
const countedBy = (value: unknown): Pick<DeleteArtifact, 'executionDeletionId'> =>
  text(value) === '' ? {} : { executionDeletionId: text(value) };
const restoreTier = (value: unknown): RestoreTier =>
  RESTORE_TIERS.find((tier) => tier === value) ?? DEFAULT_RESTORE_TIER;

/** Refused here, an update leaves no trace in the history. Synchronous, reads only. */
function validate(life: Life, command: Command): void {
  try {
    checkCommand(life, command);
  } catch (error) {
    throw error instanceof ArtifactError ? failureOf(error) : error;
  }
}

/** A signal has nobody to tell: what cannot be done is logged and left out. */
function tellIfAllowed(life: Life, command: Command): void {
  try {
    checkCommand(life, command);
    life.tell(command);
  } catch (error) {
    if (!(error instanceof ArtifactError)) throw error;
    wf.log.warn(`signal ${command.verb} ignored: ${error.message}`, { code: error.code });
  }
}
