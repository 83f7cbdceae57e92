import { choosePolicy } from '../../../src/domain/policy.js';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { DAY_MS, HOUR_MS } from '../../../src/domain/units.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import type { Description } from '../../../src/workflows/messages.js';
import type { useArtifacts } from '../virtual-time/use-artifacts.js';
import {
  aNewUpload,
  BYTES,
  sendParts,
  SETTINGS,
  sha256,
  START_MS,
  type World,
} from '../virtual-time/virtual-artifact.js';
import type { VirtualRun, VirtualRunOptions } from '../virtual-time/virtual-run.js';
import type { Said } from './judge.js';
import type { Ask, Beginning, Happening, Script, Step } from './script.js';
import { Weather } from './trouble.js';

export const LIFE_MS = 3 * 365 * DAY_MS;
const OTHER_BYTES = Buffer.from('wrong data');
/** In how many pieces the rest of its three years is lived, with a look at it after each. */
const LAST_PIECES = 6;

/** A message, and what came of it. */
export interface Message extends Said {
  as: 'update' | 'signal';
  /** Of an update. */
  updateId: string | null;
}

/** What a life is lived on: virtual time, or a server that skips it. */
export interface Ground {
  nowMs(): number | Promise<number>;
  start(options: StartOptions): Promise<LivedArtifact>;
}

type StartOptions = NonNullable<Parameters<ReturnType<typeof useArtifacts>['start']>[0]>;

/** What a life needs of an artifact and its run: see {@link VirtualArtifact} and {@link VirtualRun}. */
export interface LivedArtifact {
  id: string;
  world: World;
  run: Pick<VirtualRun, 'nowMs' | 'ending' | 'activities' | 'activations' | 'runs' | 'searchAttributes' | 'outcomeOf'> &
    Pick<VirtualRun, 'advance' | 'send' | 'signal' | 'query' | 'dispose'>;
}

/** A life while it is lived: the artifact, the weather, and what was said. */
export interface LifeSoFar {
  script: Script;
  artifact: LivedArtifact;
  bornMs: number;
  weather: Weather;
  messages: Message[];
  /** When bytes were sent, besides the first time. */
  putsMs: number[];
  /** When restores became ready in the store. */
  restoresReadyMs: number[];
}

type RunOptions = Pick<VirtualRunOptions, 'continueAsNewSuggested' | 'handedOver'>;
export type Look = (life: LifeSoFar) => Promise<void>;

export const underVirtualTime = (start: ReturnType<typeof useArtifacts>['start']): Ground => ({
  nowMs: () => START_MS,
  start,
});

/** Lives a script to the end of its three years. @param look is called after every step. */
export async function liveThreeYears(
  ground: Ground,
  script: Script,
  { look, run = {} }: { look: Look; run?: RunOptions },
): Promise<LifeSoFar> {
  const life = await begin(ground, script, run);
  await look(life);
  await firstSteps(life);
  await look(life);
  for (const { after, happens } of script.steps) {
    if (life.artifact.run.ending !== null) break;
    await letPass(life, await pauseMs(life, after));
    if (life.artifact.run.ending === null) await happen(life, happens);
    await look(life);
  }
  const { run: lived } = life.artifact;
  for (let piece = LAST_PIECES; piece > 0 && lived.ending === null; piece -= 1) {
    // Its last pause may have been longer than what was left.
    await letPass(life, Math.max(DAY_MS, life.bornMs + LIFE_MS - lived.nowMs) / piece);
    await look(life);
  }
  return life;
}

async function begin(ground: Ground, script: Script, run: RunOptions): Promise<LifeSoFar> {
  const { bucket, policy, executionDays } = script.beginning;
  const bornMs = await ground.nowMs();
  const upload = uploadOf(script.beginning, bornMs);
  const hasClasses = bucket.classes !== 'none';
  const world = {
    store: new MemoryObjectStore({ versioning: bucket.versioning, storageClasses: bucket.classes === 'has' }),
    records: new MemoryArtifactRecords(),
  };
  if (executionDays !== null) {
    const { executionId: id, tenantId } = upload;
    world.records.putExecution({ id, tenantId, retentionDays: executionDays, createdAtMs: bornMs });
  }
  const weather = new Weather();
  if (script.trouble !== null) weather.begin(script.trouble, bornMs);
  const artifact = await ground.start({
    world,
    policy,
    upload,
    capabilities: {
      versioning: bucket.versioning,
      storageClasses: hasClasses,
      restore: hasClasses,
      enforcesChecksums: bucket.enforcesChecksums,
    },
    ports: (direct) => weather.ports(direct),
    loss: () => weather.loss(),
    run: { followsRuns: true, activityMs: (_, isLocal) => weather.activityMs(isLocal), ...run },
  });
  return { script, artifact, bornMs, weather, messages: [], putsMs: [], restoresReadyMs: [] };
}

function uploadOf({ lasts, tiering, knowsHash, inParts }: Beginning, bornMs: number): ReturnType<typeof aNewUpload> {
  const { retentionDays = null, expiresAfterMs } = { ...lasts } as { retentionDays?: number; expiresAfterMs?: number };
  return aNewUpload({
    retentionDays,
    tiering,
    ...(expiresAfterMs === undefined ? {} : { expiresAtMs: bornMs + expiresAfterMs }),
    ...(knowsHash ? {} : { sha256: null }),
    ...(inParts ? { sizeBytes: null, sha256: null } : {}),
  });
}

/** What this life goes by, which the upload may have had a wish about. */
export const policyOf = ({ policy, tiering }: Beginning): ReturnType<typeof choosePolicy> =>
  choosePolicy({ ...SETTINGS.policy, ...policy }, tiering);

async function firstSteps(life: LifeSoFar): Promise<void> {
  const { completedAfterMs, isKept } = life.script.beginning;
  await sendBytes(life);
  if (completedAfterMs === null) return;
  await letPass(life, completedAfterMs);
  if (life.artifact.run.ending === null) await say(life, { verb: 'completeUpload' }, 'update');
  if (isKept && life.artifact.run.ending === null) await say(life, { verb: 'keepForever' }, 'update');
}

async function sendBytes({ script, artifact: { world, id } }: LifeSoFar): Promise<void> {
  const { sends, inParts } = script.beginning;
  const row = await world.records.get(id);
  if (row === null || sends === 'nothing') return;
  const bytes = sends === 'right' ? BYTES : OTHER_BYTES;
  if (!inParts) await world.store.put(objectAtCreation(row), bytes);
  // An upload that could not be opened takes nothing.
  else if (row.uploadId !== null && (await world.store.listParts(row.key, row.uploadId)) !== null)
    await sendParts(world.store, row, bytes);
}

/** Lets time pass; trouble ends meanwhile, and so do restores, at the latest when S3 promises. */
async function letPass(life: LifeSoFar, ms: number): Promise<void> {
  const { artifact, weather } = life;
  const { run, world } = artifact;
  const endMs = run.nowMs + Math.round(ms);
  const readyMs = (await world.records.get(artifact.id))?.restoreEtaMs ?? Infinity;
  const clearsMs = weather.endsAtMs ?? Infinity;
  const turns = [
    { atMs: clearsMs, happen: () => Promise.resolve(weather.end(run.nowMs)) },
    { atMs: readyMs, happen: () => finishRestores(life) },
    // It may have been asked for again, because what was ready was not taken in time.
    { atMs: Math.max(clearsMs, readyMs) + DAY_MS, happen: () => finishRestores(life) },
  ];
  for (const { atMs, happen } of turns.sort((a, b) => a.atMs - b.atMs)) {
    if (atMs > endMs) continue;
    await run.advance(Math.max(0, atMs - run.nowMs));
    await happen();
  }
  await run.advance(endMs - run.nowMs);
}

async function finishRestores({ artifact, restoresReadyMs }: LifeSoFar): Promise<void> {
  const { store, records } = artifact.world;
  const row = await records.get(artifact.id);
  const isRunning = row !== null && (await store.head(row))?.restore?.inProgress === true;
  store.finishRestores();
  if (isRunning) restoresReadyMs.push(artifact.run.nowMs);
}

async function pauseMs({ artifact: { run }, bornMs }: LifeSoFar, after: Step['after']): Promise<number> {
  if ('ms' in after) return after.ms;
  const { next } = await run.query<Description>('describe');
  if (next.atMs === null || next.atMs > bornMs + LIFE_MS) return DAY_MS;
  return Math.max(0, next.atMs - run.nowMs + after.untilNextAndMs);
}

async function happen(life: LifeSoFar, happens: Happening): Promise<void> {
  const { artifact, weather, messages } = life;
  const { store, records } = artifact.world;
  const { nowMs } = artifact.run;
  if ('ask' in happens) return say(life, happens.ask, happens.as);
  if ('trouble' in happens) return weather.begin(happens.trouble, nowMs);
  if ('again' in happens) {
    const message = messages[happens.again];
    return message === undefined ? undefined : send(life, { ...message, atMs: nowMs });
  }
  if (happens.world === 'finishRestores') return finishRestores(life);
  const row = await records.get(artifact.id);
  // From the last begin on, URLs live for an hour; the last one may have been signed just before it was complete.
  const endedMs = messages.find(({ verb }) => verb === 'completeUpload')?.atMs ?? life.bornMs;
  const { inParts } = life.script.beginning;
  if (row === null || inParts || nowMs >= endedMs + HOUR_MS) return;
  await store.put(objectAtCreation({ ...row, sha256: life.script.beginning.knowsHash ? row.sha256 : null }), BYTES);
  life.putsMs.push(nowMs);
}

/** Every message has an author of its own, by which the audit can be asked what became of it. */
async function say(life: LifeSoFar, ask: Ask, as: Message['as']): Promise<void> {
  const { nowMs } = life.artifact.run;
  const actor = `m${life.messages.length}`;
  const isEitherWay = ask.verb !== 'completeUpload' && ask.verb !== 'abortUpload' && ask.verb !== 'inheritRetention';
  const form = isEitherWay ? as : ask.verb === 'inheritRetention' ? 'signal' : 'update';
  const message = { ...(form === 'signal' ? signalOf(ask, nowMs) : updateOf(ask, nowMs)), actor };
  await send(life, { verb: ask.verb, as: form, actor, atMs: nowMs, message, updateId: null });
}

async function send(life: LifeSoFar, message: Message): Promise<void> {
  const { run } = life.artifact;
  life.messages.push(message);
  if (message.as === 'signal') await run.signal(message.verb, message.message);
  else message.updateId = await run.send(message.verb, message.message);
}

function updateOf(ask: Ask, nowMs: number): Record<string, unknown> {
  switch (ask.verb) {
    case 'completeUpload':
      return { sizeBytes: BYTES.length, sha256: sha256(BYTES) };
    case 'keepForever':
      return { reason: 'evidence' };
    case 'setRetention':
      return 'days' in ask
        ? { days: ask.days, confirm: ask.confirm }
        : { expiresAtMs: nowMs + ask.expiresInMs, confirm: ask.confirm };
    case 'inheritRetention':
      return { days: ask.days };
    case 'addHold':
      return {
        hold: { id: ask.holdId, reason: 'case', untilMs: ask.lastsMs === null ? null : nowMs + ask.lastsMs },
      };
    case 'endHold':
      return { holdId: ask.holdId };
    case 'restoreArtifact':
      return { tier: ask.tier };
    default:
      return {};
  }
}

/** As somebody would type it into a terminal. */
function signalOf(ask: Ask, nowMs: number): Record<string, unknown> {
  const iso = (ms: number): string => new Date(ms).toISOString();
  if (ask.verb === 'setRetention' && 'expiresInMs' in ask)
    return { expiresAt: iso(nowMs + ask.expiresInMs), confirm: ask.confirm };
  if (ask.verb !== 'addHold') return updateOf(ask, nowMs);
  const until = ask.lastsMs === null ? {} : { until: iso(nowMs + ask.lastsMs) };
  return { id: ask.holdId, reason: 'case', ...until };
}
