import { ArtifactError } from './errors.js';
import type { Actor } from './retention.js';
import { utf8Bytes } from './text.js';

/** While an artifact has a hold it cannot expire or be deleted, whoever asks. */
export interface Hold {
  /** UUID, of the caller's choice or made by the API: adding the same one again does nothing. */
  id: string;
  /** Who placed it. */
  by: Actor;
  reason: string;
  atMs: number;
  /** When it ends by itself; null: when somebody ends it. */
  untilMs: number | null;
}

export const MAX_HOLDS = 20;
export const MAX_HOLD_REASON_BYTES = 1_000;

/** @throws `invalid_hold` unless it has a reason and ends in the future, if it ends. */
export function requireHold(hold: { reason: string; untilMs: number | null }, nowMs: number): void {
  const { reason, untilMs } = hold;
  const refuse = (why: string): never => {
    throw new ArtifactError('invalid_hold', why);
  };
  if (reason.trim() === '') refuse('a hold needs a reason');
  if (utf8Bytes(reason) > MAX_HOLD_REASON_BYTES) refuse(`the reason has more than ${MAX_HOLD_REASON_BYTES} bytes`);
  if (untilMs !== null && !(Number.isSafeInteger(untilMs) && untilMs > nowMs))
    refuse('the end of a hold must lie in the future');
}

/** When the last of them ends; null: some end only when somebody ends them. Without any: 0. */
export const holdsEndMs = (holds: readonly Hold[]): number | null =>
  holds.reduce<number | null>(
    (latest, { untilMs }) => (latest === null || untilMs === null ? null : Math.max(latest, untilMs)),
    0,
  );

/** The error of whoever wants to delete it. */
export function held({
  id: artifactId,
  path,
  holds,
}: {
  id: string;
  path: string;
  holds: readonly Hold[];
}): ArtifactError {
  const names = holds.map(({ id, by, reason }) => `${id} by ${by}: ${reason}`);
  return new ArtifactError('held', `${path} is held (${names.join('; ')})`.slice(0, 500), {
    details: { artifactId, holds: holds.map(({ id }) => id) },
  });
}
