import { randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities, type ActivityDeps, type ArtifactLives } from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import type { DeleteArtifact, InheritRetention } from '../../../src/domain/commands.js';
import { newArtifact } from '../new-artifact.js';
import { NO_OTHERS, QUIET, START_MS } from './virtual-artifact.js';
import { VirtualRun, type Sandbox } from './virtual-run.js';

/** What an artifact does when it is told something. */
export type Behaviour = 'follows' | 'stays' | 'hasNoWorkflow';

/** The artifacts of an execution as rows, whose workflows do as they are told at once, unless a test says otherwise. */
export class VirtualExecution implements ArtifactLives {
  readonly id = randomUUID();
  readonly records = new MemoryArtifactRecords();
  /** By artifact; without an entry it follows. */
  readonly behaviours = new Map<string, Behaviour>();
  /** Ids of those told something, in order. */
  readonly told: string[] = [];
  /** How many were told at the same moment at most. */
  mostAtOnce = 0;
  /** By name of an activity: runs before it, and may throw. */
  readonly before = new Map<string, () => Promise<void> | void>();
  #telling = 0;

  /** Its manifest is of no interest here. */
  executionChanged(): Promise<void> {
    return Promise.resolve();
  }

  async upload(count: number): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < count; i += 1)
      ids.push((await this.records.register(newArtifact({ executionId: this.id }))).id);
    return ids;
  }

  start(
    sandbox: Sandbox,
    workflowType: 'executionDeletion' | 'executionRetention',
    input: object,
    continueAsNewSuggested: () => boolean = () => false,
  ): Promise<VirtualRun> {
    const activities = this.activities() as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;
    return VirtualRun.start({
      sandbox,
      workflowType,
      input: { executionId: this.id, ...input },
      startMs: START_MS,
      continueAsNewSuggested,
      runActivity: async (name, args) => {
        await this.before.get(name)?.();
        return new MockActivityEnvironment({}, { logger: QUIET }).run(
          (...given) => activities[name]!(...given),
          ...args,
        );
      },
    });
  }

  /** The activities of executions over these rows and lives. */
  activities(): ReturnType<typeof createActivities> {
    return createActivities({ records: this.records, lives: this } as unknown as ActivityDeps);
  }

  inheritRetention(artifactId: string, { days, actor, requestId }: InheritRetention): Promise<boolean> {
    return this.#tell(artifactId, () =>
      this.#change(
        artifactId,
        { kind: 'retention_changed', actor, detail: { days, requestId } },
        { retention: { rule: 'execution', days } },
      ),
    );
  }

  deleteArtifact(artifactId: string, message: DeleteArtifact): Promise<boolean> {
    const { actor, requestId, executionDeletionId } = message;
    return this.#tell(artifactId, () =>
      this.#change(
        artifactId,
        { kind: 'deleted', actor, detail: { executionDeletionId, requestId } },
        { status: 'DELETED' },
      ),
    );
  }

  isAlive(artifactId: string): Promise<boolean> {
    return Promise.resolve(this.behaviours.get(artifactId) !== 'hasNoWorkflow');
  }

  /** Nobody asks it here. */
  readonly revive = NO_OTHERS.revive.bind(NO_OTHERS);
  readonly purgeArtifact = NO_OTHERS.purgeArtifact.bind(NO_OTHERS);
  readonly abortUpload = NO_OTHERS.abortUpload.bind(NO_OTHERS);
  readonly removeArtifact = NO_OTHERS.removeArtifact.bind(NO_OTHERS);
  readonly repairArtifact = NO_OTHERS.repairArtifact.bind(NO_OTHERS);
  readonly guardPublication = NO_OTHERS.guardPublication.bind(NO_OTHERS);
  readonly isPublishing = NO_OTHERS.isPublishing.bind(NO_OTHERS);
  readonly lastReport = NO_OTHERS.lastReport.bind(NO_OTHERS);

  announce(): Promise<void> {
    return Promise.resolve();
  }

  /** An artifact that stayed follows late. */
  follow(artifactId: string, executionDeletionId: string): Promise<void> {
    const event = { kind: 'deleted', actor: 'worker', detail: { executionDeletionId } } as const;
    return this.#change(artifactId, event, { status: 'DELETED' });
  }

  async #tell(artifactId: string, follow: () => Promise<void>): Promise<boolean> {
    this.told.push(artifactId);
    this.#telling += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#telling);
    await new Promise(setImmediate);
    this.#telling -= 1;
    const behaviour = this.behaviours.get(artifactId) ?? 'follows';
    if (behaviour === 'hasNoWorkflow') return false;
    if (behaviour === 'follows') await follow();
    return true;
  }

  async #change(
    artifactId: string,
    event: Parameters<MemoryArtifactRecords['change']>[0]['event'],
    patch: Parameters<MemoryArtifactRecords['change']>[0]['patch'],
  ): Promise<void> {
    const row = await this.records.get(artifactId);
    if (row === null || row.status === 'DELETED') return;
    await this.records.change({ artifactId, changeNumber: row.revision + 1, atMs: Date.now(), patch, event });
  }
}
