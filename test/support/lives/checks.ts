import { isDeepStrictEqual } from 'node:util';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import { errorKind, isErrorCode } from '../../../src/domain/errors.js';
import type { TagChanges } from '../../../src/domain/tags.js';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../../src/domain/units.js';
import type { Description } from '../../../src/workflows/messages.js';
import { BYTES, SETTINGS, sha256 } from '../virtual-time/virtual-artifact.js';
import { deadlineOf, isLiving, rowOf, undated, type Facts } from './facts.js';
import { iso, Judge } from './judge.js';
import { policyOf, type LifeSoFar, type Look, type Message } from './live.js';

/* What must be true of a life at any moment; of the row, the bytes, the workflow and the answers. */

/** When the last signed PUT is dead, and what it brought back is removed. */
const URLS_DEAD_MS = SETTINGS.putUrlMs + 15 * MINUTE_MS;
/** Age from which the bucket's own rule may remove what is tagged as expiring. */
const BACKSTOP_MS = 365 * DAY_MS;

/** Looks at a life, again and again. @param toleranceMs see `Judge`. @throws an error that tells everything that is wrong. */
export function createLook({ toleranceMs = 0 } = {}): Look {
  let judge: Judge | undefined;
  return async (life) => {
    const { artifact, weather, messages } = life;
    judge ??= new Judge({
      policy: policyOf(life.script.beginning),
      uploadMs: SETTINGS.uploadDeadlineMs,
      toleranceMs,
      weather,
      said: messages,
    });
    const { run, world, id } = artifact;
    const row = await world.records.get(id);
    if (row === null) return report(life, run.ending === null ? notRegistered(life) : []);
    const audit = await world.records.history(id);
    const behind = await isBehind(life, row);
    if (behind) weather.blame(run.nowMs);
    const wrong = [
      ...judge.read(audit, run.nowMs),
      ...rowIsRight(row, judge.facts!, audit.length),
      ...(behind && !weather.wasEver ? ['the workflow knows less than the row'] : []),
      ...(await bytesAreRight(life, row)),
      ...(await endIsRight(life, row)),
      ...answersAreRight(life, { row, facts: judge.facts!, authors: new Set(audit.map(({ actor }) => actor)) }),
      ...(weather.isCalm(run.nowMs) ? await calmIsRight(life, row, behind) : []),
    ];
    report(
      life,
      wrong,
      audit.map(({ atMs, kind, actor, detail }) => `${iso(atMs)} ${kind} ${actor} ${JSON.stringify(detail)}`),
    );
  };
}

function report({ artifact: { run }, messages }: LifeSoFar, wrong: string[], audit: string[] = []): void {
  if (wrong.length === 0) return;
  const said = messages.map(
    ({ atMs, verb, as, actor, message, updateId }) =>
      `${iso(atMs)} ${actor} ${as} ${verb} ${JSON.stringify(message)} -> ${updateId === null ? '' : (codeOf(run, updateId) ?? 'no answer')}`,
  );
  throw new Error([`At ${iso(run.nowMs)}:`, ...wrong, '--- said', ...said, '--- audit', ...audit].join('\n'));
}

/** Empty string: it succeeded; null: no answer yet; else the code of the error. */
function codeOf(run: LifeSoFar['artifact']['run'], updateId: string): string | null {
  const { completed, rejected, failed } = run.outcomeOf(updateId);
  const error = rejected ?? failed;
  if (error !== undefined) return (error as { type?: string }).type ?? error.message;
  return completed === undefined ? null : '';
}

const notRegistered = ({ weather, artifact }: LifeSoFar): string[] =>
  weather.isCalm(artifact.run.nowMs) ? ['there is no row, and the run goes on'] : [];

async function isBehind({ artifact: { run } }: LifeSoFar, row: ArtifactRecord): Promise<boolean> {
  if (run.ending !== null) return false;
  const { record } = await run.query<Description>('describe');
  return record.revision < row.revision;
}

function rowIsRight(row: ArtifactRecord, facts: Facts, changes: number): string[] {
  const wrong: string[] = [];
  if (row.revision !== changes - 1)
    wrong.push(`the row is at revision ${row.revision}, the audit has ${changes} changes`);
  for (const [field, value] of Object.entries(rowOf(facts))) {
    const actual = row[field as keyof ArtifactRecord];
    if (actual !== value) wrong.push(`${field} is ${JSON.stringify(actual)}, by its audit ${JSON.stringify(value)}`);
  }
  if (!isDeepStrictEqual(undated(row.retention), facts.retention))
    wrong.push(`its retention is ${JSON.stringify(row.retention)}`);
  const holds = row.holds.map(({ id, untilMs }) => [id, untilMs]);
  if (!isDeepStrictEqual(holds, [...facts.holds])) wrong.push(`its holds are ${JSON.stringify(holds)}`);
  return wrong;
}

async function bytesAreRight(life: LifeSoFar, row: ArtifactRecord): Promise<string[]> {
  const { artifact, weather, putsMs, script } = life;
  const { store } = artifact.world;
  const { nowMs } = artifact.run;
  const { key, versionId } = row;
  const own = await ownVersions(life, row);
  const info = await store.head({ key, versionId });
  const { inParts, sends } = script.beginning;
  // Nobody but the reader knows the hash of what was joined.
  const isThere = info?.owner?.artifactId === row.id && (inParts || info.sha256 === sha256(BYTES));
  const isComplete = row.status === 'ACTIVE' || row.status === 'ARCHIVED';
  const wrong: string[] = [];
  const wereOthers = sends === 'wrong' && putsMs.length === 0;
  if (row.checksumState === 'verified' && wereOthers) wrong.push('other bytes were found right');
  if (row.checksumState === 'mismatch' && sends !== 'wrong') wrong.push('the right bytes were found wrong');
  if (isComplete && row.deletionReason === null && !isThere) wrong.push('its bytes are not there');
  if (row.purgeAtMs !== null && !isThere) wrong.push('its bytes are gone within its window');
  const lastPutMs = putsMs.at(-1) ?? 0;
  if (row.status === 'DELETED' && lastPutMs < (row.deletedAtMs ?? 0) && weather.isCalm(nowMs)) {
    if (row.purgeAtMs === null && own > 0) wrong.push(`${own} versions of it are left`);
    if (row.purgeAtMs !== null && (await store.head({ key }))?.owner?.artifactId === row.id)
      wrong.push('it can be seen');
  }
  // A PUT that comes late replaces the object where there are no versions, with the tags of its creation.
  const isReplaced = !script.beginning.bucket.versioning && putsMs.length > 0;
  if (!isComplete || row.deletionReason !== null || isReplaced) return wrong;
  const {
    'artifact-retention': tag,
    'artifact-sha256': _hash,
    ...others
  } = (await store.getTags({ key, versionId })) ?? {};
  if (weather.isCalm(nowMs) && !isDeepStrictEqual(others, { ...row.tags }))
    wrong.push(`the tags of its object are ${JSON.stringify(others)}, its own ${JSON.stringify(row.tags)}`);
  const deadlineMs = row.retention.rule === 'permanent' ? Infinity : (row.expiresAtMs ?? NaN);
  const mustStay = row.holds.length > 0 || deadlineMs > row.createdAtMs + BACKSTOP_MS;
  if (mustStay && (tag === 'expiring' || tag === undefined)) wrong.push(`the bucket may remove it: its tag is ${tag}`);
  if (!weather.wasEver && putsMs.length === 0 && own !== 1) wrong.push(`${own} versions of it are in the bucket`);
  if (!weather.wasEver && info?.storageClass !== row.storageClass) wrong.push(`its class is ${info?.storageClass}`);
  if (!weather.wasEver && !mustStay && tag !== 'expiring') wrong.push(`it is tagged as ${tag}`);
  return wrong;
}

/** Versions with bytes of this artifact, and whatever else is under its key, which is nobody else's. */
async function ownVersions({ artifact: { world } }: LifeSoFar, { key, purgeAtMs }: ArtifactRecord): Promise<number> {
  const versions = await world.store.listVersions(key);
  const counted = purgeAtMs === null ? versions : versions.filter(({ isDeleteMarker }) => !isDeleteMarker);
  return counted.length + (await world.store.listUploads(key)).length;
}

/** A run is over when there is nothing left to do, and not before. */
async function endIsRight(life: LifeSoFar, row: ArtifactRecord): Promise<string[]> {
  const { run } = life.artifact;
  if (run.ending !== null) {
    const own = await ownVersions(life, row);
    return [
      ...(row.status === 'DELETED' && row.purgeAtMs === null ? [] : [`the run is over and it is ${row.status}`]),
      ...(own === 0 ? [] : [`the run is over and ${own} versions are left`]),
    ];
  }
  // From the end of the upload on no more PUTs are signed; of one that was never complete, from its deletion on.
  const endedMs = Math.max(row.deletedAtMs ?? 0, row.updatedAtMs);
  const isOver = row.status === 'DELETED' && row.purgeAtMs === null && run.nowMs > endedMs + URLS_DEAD_MS;
  return isOver && life.weather.isCalm(run.nowMs) ? ['the run goes on for nothing'] : [];
}

/** What was answered is true. @param authors of the changes that there were. */
function answersAreRight(
  life: LifeSoFar,
  { row, facts, authors }: { row: ArtifactRecord; facts: Facts; authors: Set<string> },
): string[] {
  const { artifact, messages, weather } = life;
  const { run } = artifact;
  const last = messages.at(-1);
  return messages.flatMap((message) => {
    if (message.updateId === null) return [];
    const code = codeOf(run, message.updateId);
    const wrong = code === null ? [] : answerIsPossible(life, message, code);
    if (code === null && weather.isCalm(run.nowMs) && run.ending === null) wrong.push('has no answer');
    if (code === 'not_yet_answered' && weather.isCalm(run.nowMs)) wrong.push(...wasKept(message, life, authors));
    // Only the last message cannot have been undone by another one.
    if (message === last && code === '' && message.atMs === run.nowMs) wrong.push(...wasDone(message, row, facts));
    return wrong.map((why) => `${message.actor} ${message.verb} ${why}`);
  });
}

function answerIsPossible({ weather }: LifeSoFar, message: Message, code: string): string[] {
  if (code === '') return [];
  if (!isErrorCode(code) || code === 'internal' || code === 'storage_rejected') return [`was answered with ${code}`];
  const blames = errorKind(code).retryable;
  return blames && !weather.explains(message.atMs, message.atMs) ? [`was answered with ${code} in calm`] : [];
}

/** Whatever was accepted later may have been meant instead, or have come first. */
const OVERRULED_BY: Record<string, string[]> = {
  keepForever: ['keepForever', 'setRetention', 'deleteArtifact', 'purgeArtifact'],
  setRetention: ['keepForever', 'setRetention', 'deleteArtifact', 'purgeArtifact'],
  addHold: ['addHold', 'endHold'],
  undeleteArtifact: ['undeleteArtifact', 'keepForever', 'setRetention', 'addHold', 'deleteArtifact', 'purgeArtifact'],
};

/** A keep that was accepted and told to be carried out later has been. */
function wasKept(
  message: Message,
  { messages, artifact: { run }, weather }: LifeSoFar,
  authors: Set<string>,
): string[] {
  if (authors.has(message.actor) || hasEnded(message, run.nowMs)) return [];
  const others = OVERRULED_BY[message.verb] ?? [];
  const isOverruled = messages.some(
    (other) => other !== message && others.includes(other.verb) && weather.explains(message.atMs, other.atMs),
  );
  return isOverruled ? [] : ['was accepted and never carried out'];
}

/** A hold whose end came before the store was back. */
function hasEnded({ message }: Message, nowMs: number): boolean {
  const hold = message['hold'] as { untilMs: number | null } | undefined;
  return hold !== undefined && hold.untilMs !== null && hold.untilMs <= nowMs;
}

function wasDone({ verb, message }: Message, row: ArtifactRecord, facts: Facts): string[] {
  const isOver = (deadlineOf(facts) ?? Infinity) <= facts.atMs;
  const done: Record<string, () => boolean> = {
    completeUpload: () => row.status !== 'UPLOADING',
    abortUpload: () => row.status === 'DELETED',
    keepForever: () => isLiving({ ...facts, status: 'ACTIVE' }) && row.retention.rule === 'permanent',
    setRetention: () =>
      row.retention.rule === 'artifact'
        ? row.retention.days === message['days']
        : row.retention.rule === 'date' && row.retention.expiresAtMs === message['expiresAtMs'],
    addHold: () => row.holds.some(({ id }) => id === (message['hold'] as { id: string }).id),
    endHold: () => !row.holds.some(({ id }) => id === message['holdId']),
    setTags: () =>
      Object.entries(message['tags'] as TagChanges).every(([key, tag]) => row.tags[key] === (tag ?? undefined)),
    archiveArtifact: () => row.status === 'ARCHIVED' || isOver,
    restoreArtifact: () => row.status === 'ACTIVE' || row.restoreState !== null,
    deleteArtifact: () => row.status === 'DELETED',
    purgeArtifact: () => row.status === 'DELETED' && row.purgeAtMs === null,
    undeleteArtifact: () => row.status !== 'DELETED' && row.deletionReason === null,
  };
  return done[verb]?.() === false ? ['was answered and not done'] : [];
}

/** When trouble is long over, nothing of it may be left. */
async function calmIsRight(life: LifeSoFar, row: ArtifactRecord, isBehind: boolean): Promise<string[]> {
  const { run } = life.artifact;
  const problem = run.searchAttributes.get('ArtifactProblem') ?? null;
  const expected = row.checksumState === 'mismatch' && row.status !== 'DELETED' ? 'content_mismatch' : null;
  const wrong = problem === expected ? [] : [`its problem is ${JSON.stringify(problem)}, not ${expected}`];
  if (run.ending !== null) return wrong;
  const { record, next } = await run.query<Description>('describe');
  if (next.kind === 'finishCommand') wrong.push('a message still waits');
  if (!isBehind && !isDeepStrictEqual(record, row)) wrong.push(`the workflow believes ${JSON.stringify(record)}`);
  const readyMs = life.restoresReadyMs.at(-1) ?? Infinity;
  const isLate = run.nowMs > Math.max(readyMs, row.updatedAtMs) + HOUR_MS && readyMs >= row.updatedAtMs;
  if (row.restoreState !== null && isLate && life.script.beginning.bucket.classes === 'has')
    wrong.push('its restore is over and nobody noticed');
  return wrong;
}
