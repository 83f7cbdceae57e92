import type { RecordedEvent } from '../../../src/db/artifact-records.js';
import type { LifePolicy } from '../../../src/domain/policy.js';
import {
  coldAtMs,
  deadlineOf,
  duesOf,
  factsAfter,
  factsAtBirth,
  isLiving,
  warmAtMs,
  warningOf,
  type Facts,
} from './facts.js';
import type { Weather } from './trouble.js';

/** A message as it was sent. */
export interface Said {
  verb: string;
  /** Nobody else's: the audit names it. */
  actor: string;
  atMs: number;
  message: Record<string, unknown>;
}

interface Case {
  policy: LifePolicy;
  /** How long an upload may take. */
  uploadMs: number;
  /** How late anything may be without an excuse: nothing under virtual time, a moment on a server. */
  toleranceMs: number;
  weather: Weather;
  /** All messages so far, also those that were refused. */
  said: readonly Said[];
}

const WORKER = 'worker';
const ASKED_BY: Record<string, string[]> = {
  upload_completed: ['completeUpload'],
  retention_changed: ['keepForever', 'setRetention', 'inheritRetention', 'undeleteArtifact'],
  hold_added: ['addHold'],
  hold_ended: ['endHold'],
  tags_changed: ['setTags'],
  archived: ['archiveArtifact'],
  restore_requested: ['restoreArtifact'],
  restored: ['restoreArtifact'],
  deletion_begun: ['deleteArtifact', 'purgeArtifact', 'abortUpload', 'completeUpload'],
  deletion_revoked: ['keepForever', 'setRetention', 'inheritRetention', 'addHold', 'undeleteArtifact'],
  deleted: ['deleteArtifact', 'purgeArtifact', 'abortUpload', 'completeUpload'],
  undeleted: ['undeleteArtifact'],
  purged: ['purgeArtifact'],
};

/** Reads the audit of one life, event by event as it grows, and says which of them should not be there, or not then. */
export class Judge {
  facts: Facts | null = null;
  readonly #case: Case;
  #read = 0;
  /** Who brought it back last, before its bytes had gone. */
  #broughtBack: RecordedEvent | null = null;

  constructor(theCase: Case) {
    this.#case = theCase;
  }

  /** @returns what is wrong with the events that came since the last time, and what should have happened until now and did not. */
  read(audit: readonly RecordedEvent[], nowMs: number): string[] {
    const wrong: string[] = [];
    for (const event of audit.slice(this.#read)) {
      if (event.changeNumber !== this.#read) wrong.push(`change ${this.#read} is missing`);
      this.#read += 1;
      if (this.facts === null) {
        this.facts = factsAtBirth(event);
        continue;
      }
      if (event.atMs < this.facts.atMs) wrong.push(`${event.kind} is older than what came before`);
      wrong.push(...this.#overdue(event.atMs), ...this.#judge(this.facts, event).map((why) => `${event.kind}: ${why}`));
      this.facts = factsAfter(this.facts, event);
      if (event.kind === 'deletion_revoked') this.#broughtBack = event;
    }
    return [...wrong, ...this.#overdue(nowMs)];
  }

  /** What should have happened before this moment. */
  #overdue(untilMs: number): string[] {
    if (this.facts === null) return [];
    const { policy, uploadMs, toleranceMs, weather } = this.#case;
    const facts = this.facts;
    return duesOf(facts, policy, uploadMs)
      .map((due) => ({ ...due, atMs: Math.max(due.atMs, facts.atMs) }))
      .filter(({ atMs }) => atMs + toleranceMs < untilMs && !weather.explains(atMs, untilMs))
      .map(({ what, atMs }) => `${what} was due at ${iso(atMs)} and had not happened at ${iso(untilMs)}`);
  }

  #judge(facts: Facts, event: RecordedEvent): string[] {
    const { kind, actor, atMs, detail } = event;
    const wrong: string[] = [];
    const must = (is: boolean, why: string): void => {
      if (!is) wrong.push(why);
    };
    if (actor === WORKER) wrong.push(...this.#judgeByItself(facts, event));
    else if (kind !== 'tier_changed' && kind !== 'expiry_warned') {
      const wasAsked = this.#case.said.some(
        (said) => said.actor === actor && said.atMs <= atMs && (ASKED_BY[kind] ?? []).includes(said.verb),
      );
      must(wasAsked || detail['reason'] === 'upload_failed', `nobody asked for it as ${actor}`);
    }
    switch (kind) {
      case 'upload_completed':
        must(facts.status === 'UPLOADING' && facts.deletionReason === null, `it is ${facts.status}`);
        break;
      case 'deletion_begun':
        must(facts.status !== 'DELETED' && facts.deletionReason === null, 'it is deleted already');
        must(facts.holds.size === 0, 'it is held');
        break;
      case 'deleted':
        must(facts.status !== 'DELETED' && facts.deletionReason !== null, 'no deletion had begun');
        must(facts.holds.size === 0, 'it is held');
        break;
      case 'deletion_revoked':
        must(facts.status !== 'DELETED' && facts.deletionReason !== null, 'there is no deletion');
        break;
      case 'undeleted':
        must(facts.status === 'DELETED' && facts.purgeAtMs !== null, 'there is nothing to bring back');
        break;
      case 'purged':
        must(facts.status === 'DELETED' && facts.purgeAtMs !== null, 'there is nothing to purge');
        break;
      case 'archived':
        // Whoever never heard that it is in the archive may ask again, and that is written down too.
        must(isLiving(facts) && (facts.status === 'ACTIVE' || this.#case.weather.wasEver), `it is ${facts.status}`);
        break;
      case 'restored':
      case 'restore_requested':
        must(facts.status === 'ARCHIVED' && isLiving(facts), `it is ${facts.status}`);
        break;
      case 'retention_changed':
        must(facts.status !== 'DELETED', 'it is deleted');
        break;
      case 'hold_added':
        must(isLiving(facts) && !facts.holds.has(detail['id'] as string), 'it cannot be held, or is already');
        break;
      case 'hold_ended':
        must(facts.holds.has(detail['id'] as string), 'there is no such hold');
        break;
      case 'tags_changed':
        must(isLiving(facts), `it is ${facts.status}`);
        break;
      case 'checksum_verified':
      case 'checksum_mismatched':
        must(isLiving(facts) && facts.checksum === 'claimed', `it is ${facts.checksum} already`);
        break;
      case 'upload_begun':
      case 'expiry_warned':
      case 'tier_changed':
        break;
      case 'repaired':
      case 'row_restored':
        must(false, 'nothing was ever wrong with it');
        break;
    }
    return wrong;
  }

  /** What nobody asked for must be due, and must not come before what is due as well and wins. */
  #judgeByItself(facts: Facts, { kind, atMs, detail }: RecordedEvent): string[] {
    const { policy, uploadMs, weather } = this.#case;
    const deadlineMs = facts.holds.size > 0 ? null : deadlineOf(facts);
    const isOver = isLiving(facts) && deadlineMs !== null && deadlineMs <= atMs;
    const wrong: string[] = [];
    const must = (is: boolean, why: string): void => {
      if (!is) wrong.push(why);
    };
    if (!['deletion_begun', 'hold_ended', 'purged', 'deleted'].includes(kind))
      must(isLiving(facts) && !isOver, 'its time was over');
    switch (kind) {
      case 'deletion_begun':
        if (detail['reason'] === 'upload_abandoned')
          must(facts.status === 'UPLOADING' && atMs >= facts.bornMs + uploadMs, 'it was not late');
        else {
          must(detail['reason'] === 'expired' && isOver, 'its time was not over');
          must(!this.#wasJustBroughtBack(atMs), 'somebody had just brought it back');
        }
        break;
      case 'expiry_warned':
        must(!facts.isWarned, 'twice');
        must((warningOf(facts, policy) ?? Infinity) <= atMs, 'too early');
        break;
      case 'hold_ended':
        must((facts.holds.get(detail['id'] as string) ?? Infinity) <= atMs, 'too early');
        break;
      case 'tier_changed':
        must(detail['to'] === 'WARM' && warmAtMs(facts, policy) <= atMs, 'too early');
        must(atMs < coldAtMs(facts, policy), 'the colder tier was due');
        break;
      case 'archived':
        // Bytes that were moved already, which nobody heard of, are found when they would be moved.
        must(coldAtMs(facts, policy) <= atMs || (weather.wasEver && warmAtMs(facts, policy) <= atMs), 'too early');
        break;
      case 'restored':
        must(facts.isRestoring, 'nobody had asked for it');
        break;
      case 'purged':
        must((facts.purgeAtMs ?? Infinity) <= atMs, 'too early');
        break;
      case 'deleted':
      case 'checksum_verified':
      case 'checksum_mismatched':
        break;
      default:
        must(false, 'this does not happen by itself');
    }
    return wrong;
  }

  #wasJustBroughtBack(nowMs: number): boolean {
    const { said } = this.#case;
    const { actor, atMs } = this.#broughtBack ?? { actor: '', atMs: -1 };
    return atMs === nowMs && said.some((message) => message.actor === actor && message.verb === 'undeleteArtifact');
  }
}

export const iso = (ms: number): string => new Date(ms).toISOString();
