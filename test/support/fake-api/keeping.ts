import { randomUUID } from 'node:crypto';
import { tagsAfter, type TagChanges } from '../../../src/domain/tags.js';
import { DAY_MS } from '../../../src/domain/units.js';
import type { ArtifactJson } from '../../../src/sdk/wire.js';
import { Refusal, iso, textOf, type Answer } from './answers.js';

type Body = Record<string, unknown>;

/** The holds of artifacts, and those that have ended. */
export class FakeHolds {
  readonly #ended = new Set<string>();

  /** Null when the request is about something else. */
  answer(verb: string, artifact: ArtifactJson, body: Body): Answer | null {
    if (verb === 'GET holds') return { status: 200, body: { items: artifact.holds } };
    if (verb === 'POST holds') return add(artifact, body);
    const [, holdId] = /^DELETE holds\/(.*)$/.exec(verb) ?? [];
    if (holdId === undefined) return null;
    const left = artifact.holds.filter(({ id }) => id !== holdId);
    if (left.length < artifact.holds.length) this.#ended.add(holdId);
    else if (!this.#ended.has(holdId)) throw new Refusal('hold_not_found', `it never had a hold ${holdId}`);
    artifact.holds = left;
    return { status: 200, body: { artifact } };
  }
}

function add(artifact: ArtifactJson, body: Body): Answer {
  if (artifact.status === 'DELETED') throw new Refusal('artifact_deleted', 'it has been deleted');
  const id = textOf(body['id'], randomUUID());
  const known = artifact.holds.find((hold) => hold.id === id);
  if (known !== undefined) return { status: 200, body: { artifact, hold: known } };
  const until = typeof body['until'] === 'string' ? body['until'] : null;
  const hold = { id, by: 'tester', reason: textOf(body['reason'], ''), at: iso(), until };
  artifact.holds = [...artifact.holds, hold];
  return { status: 201, body: { artifact, hold } };
}

/** @throws Refusal `held`. */
export function requireNotHeld({ path, holds }: ArtifactJson): void {
  const names = holds.map(({ id, by, reason }) => `${id} by ${by}: ${reason}`);
  if (names.length > 0) throw new Refusal('held', `${path} is held (${names.join('; ')})`);
}

/** What a body of `PUT tags`, or of `PATCH tags`, makes of an artifact. */
export function setTags(artifact: ArtifactJson, body: Body, merge: boolean): void {
  artifact.tags = tagsAfter(artifact.tags, { tags: body['tags'] as TagChanges, merge });
}

/** What a body of `PUT retention`, or of a begin, makes of an artifact. */
export function retention(body: Body): Pick<ArtifactJson, 'retention' | 'expiresAt'> {
  const { permanent, expiresAt } = body;
  if (permanent === true)
    return {
      retention: { rule: 'permanent', by: 'tester', reason: textOf(body['reason'], ''), at: iso() },
      expiresAt: null,
    };
  if (typeof expiresAt === 'string') return { retention: { rule: 'date', expiresAt }, expiresAt };
  const days = Number(body['days']);
  return { retention: { rule: 'artifact', days }, expiresAt: iso(days * DAY_MS) };
}
