import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import type { Held, When } from './gates/held-calls.js';
import { anArtifact, insist, look, openLifeWorld, type LifeWorld, type Sight } from './life-world.js';
import { startTestStack, type TestStackOptions } from './stack.js';

/** What is asked of an artifact, and what must be true afterwards wherever the worker was killed meanwhile. */
export interface ChaosVerb {
  /**
   * Makes an artifact to which the verb can be applied. Default: one that is ACTIVE. Its calls are held once all artifacts of the wave are
   * made; for one that comes to its point by itself, already from `holdFromNow` on.
   */
  prepare?: (world: LifeWorld, holdFromNow: (artifact: ArtifactRecord) => void) => Promise<ArtifactRecord>;
  /** Repeated while its answer is that it may be. `isHeld` resolves when the artifact is at its point. */
  act: (world: LifeWorld, artifact: ArtifactRecord, isHeld: () => Promise<void>) => Promise<unknown>;
  expected: Partial<Omit<Sight, 'row' | 'known'>> & { row: Partial<ArtifactRecord> };
}

/** A moment at which the worker is killed: just before the store or the database hear of a call, or just after they have done it. */
export interface ChaosPoint {
  verb: string;
  when: When;
  /** A verb of the store gate, or `row <kind>` for a change of the row. */
  call: string;
  /** The how-manieth of its kind. Default: the first. */
  nth?: number;
}

/** The points of one verb. */
export const pointsOf = (verb: string, ...points: [When, string, number?][]): ChaosPoint[] =>
  points.map(([when, call, nth]) => ({ verb, when, call, ...(nth === undefined ? {} : { nth }) }));

interface Life {
  point: ChaosPoint;
  verb: ChaosVerb;
  artifact: ArtifactRecord;
  /** Null until its calls are held. */
  held: Held | null;
}

/** What a wave leaves for the tests of its points. */
interface Wave {
  lives: Life[];
  /** How each verb was answered in the end. */
  answers: PromiseSettledResult<unknown>[];
  settledByMs: number;
}

/** From the new worker to the last step of every life: one that was killed in a long activity is missed after 30 seconds. */
const SETTLE_MS = 150_000;

/**
 * A test per point. The points of a wave share one kill: each has an artifact of its own, all wait at their points at once, and then
 * the worker dies. A wave holds fewer statements than the worker has connections.
 */
export function chaosTable(options: TestStackOptions, verbs: Record<string, ChaosVerb>, waves: ChaosPoint[][]): void {
  let world: LifeWorld;
  beforeAll(async () => {
    world = await openLifeWorld(await startTestStack(options));
  });
  afterAll(async () => {
    await world.close();
    await world.stack.stop();
  });

  describe.each(waves.map((points, index) => ({ number: index + 1, points })))('wave $number', ({ points }) => {
    let wave: Wave;
    beforeAll(async () => {
      wave = await killAt(world, await Promise.all(points.map((point) => prepare(world, verbs, point))));
    });

    it.each(points.map((point, index) => [nameOf(point), index] as const))('%s', async (_, index) => {
      const { verb, artifact } = wave.lives[index]!;
      const answer = wave.answers[index]!;
      if (answer.status === 'rejected') throw answer.reason;
      const timeout = Math.max(1_000, wave.settledByMs - Date.now());
      await expect.poll(() => look(world, artifact.id), { timeout, interval: 250 }).toMatchObject(verb.expected);
      const { row, known } = await look(world, artifact.id);
      expect(known).toEqual(row);
    });
  });
}

const nameOf = ({ verb, when, call, nth = 1 }: ChaosPoint): string =>
  `${verb}, killed ${when} ${nth === 1 ? '' : `${nth}. `}${call}`;

async function prepare(world: LifeWorld, verbs: Record<string, ChaosVerb>, point: ChaosPoint): Promise<Life> {
  const verb = verbs[point.verb];
  if (verb === undefined) throw new Error(`no verb ${point.verb}`);
  let held: Held | null = null;
  const holdFromNow = (artifact: ArtifactRecord): void => {
    held = holdAt(world, point, artifact);
  };
  const artifact = await (verb.prepare?.(world, holdFromNow) ?? anArtifact(world));
  return { point, verb, artifact, held };
}

async function killAt(world: LifeWorld, lives: Life[]): Promise<Wave> {
  const { stack } = world;
  const held = lives.map((life) => life.held ?? holdAt(world, life.point, life.artifact));
  const reached = held.map((one) => one.reached());
  const answers = Promise.allSettled(
    lives.map(({ verb, artifact }, index) => insist(() => verb.act(world, artifact, () => reached[index]!))),
  );
  await Promise.all(reached);
  await stack.kill9Worker();
  stack.gates.store.held.open();
  stack.gates.database.held.open();
  await stack.startWorker();
  const settledByMs = Date.now() + SETTLE_MS;
  return { lives, answers: await answers, settledByMs };
}

function holdAt({ stack: { gates } }: LifeWorld, point: ChaosPoint, artifact: ArtifactRecord): Held {
  const { when, call, nth = 1 } = point;
  const options = { when, skip: nth - 1, name: nameOf(point) };
  const [, kind] = /^row (\w+)$/.exec(call) ?? [];
  if (kind === undefined)
    return gates.store.held.hold(options, (request) => request.verb === call && request.key === artifact.key);
  return gates.database.held.hold(
    options,
    ({ sql, values }) =>
      sql.includes('INSERT INTO artifact_events') && values.includes(kind) && values.includes(artifact.id),
  );
}
