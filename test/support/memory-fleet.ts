import type { Fleet, LifeSight, RunningLife } from '../../src/activities/deps.js';
import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import { indexedLife } from '../../src/domain/inspection.js';
import { artifactWorkflowId } from '../../src/temporal/ids.js';

/** Workflows of artifacts that run, as a test says. */
export class MemoryFleet implements Fleet {
  readonly #lives = new Map<string, Omit<RunningLife, 'index'> & LifeSight>();
  readonly #ended = new Map<string, ArtifactRecord>();
  /** Ids that the index does not have although they run, and has although they do not. */
  readonly lagging = { missing: new Set<string>(), left: new Set<string>() };

  run(life: LifeSight, startedAtMs: number): void {
    const artifactId = life.record.id;
    this.#lives.set(artifactId, { artifactId, startedAtMs, ...life });
  }

  /** @param last what it knew then; absent: nobody can say so. */
  end(artifactId: string, last?: ArtifactRecord): void {
    this.#lives.delete(artifactId);
    if (last !== undefined) this.#ended.set(artifactId, last);
  }

  async isAlive(artifactId: string): Promise<boolean> {
    return Promise.resolve(this.#lives.has(artifactId));
  }

  async findRunning(artifactIds: readonly string[]): Promise<string[]> {
    return Promise.resolve(artifactIds.filter((id) => this.#isIndexed(id)));
  }

  async listRunning(query: { cursor: string | null; limit: number }): ReturnType<Fleet['listRunning']> {
    const after = query.cursor ?? '';
    const found = [...this.#lives.values()]
      .filter(({ artifactId }) => this.#isIndexed(artifactId) && artifactWorkflowId(artifactId) > after)
      .sort((a, b) => (a.artifactId < b.artifactId ? -1 : 1));
    const page = found.slice(0, query.limit);
    const last = page.at(-1);
    const cursor = found.length > query.limit && last !== undefined ? artifactWorkflowId(last.artifactId) : null;
    const lives = page.map(({ artifactId, startedAtMs, record }) => ({
      artifactId,
      startedAtMs,
      index: indexedLife(record),
    }));
    return Promise.resolve({ lives, cursor });
  }

  async look(artifactId: string): Promise<LifeSight | null> {
    const life = this.#lives.get(artifactId);
    if (life === undefined) return Promise.resolve(null);
    const { record, isDeleting, isUntagged } = life;
    return Promise.resolve(structuredClone({ record, isDeleting, isUntagged }));
  }

  recall(artifactId: string): Promise<ArtifactRecord | null> {
    const record = this.#lives.get(artifactId)?.record ?? this.#ended.get(artifactId);
    return Promise.resolve(record === undefined ? null : structuredClone(record));
  }

  #isIndexed(artifactId: string): boolean {
    if (this.lagging.left.has(artifactId)) return true;
    return this.#lives.has(artifactId) && !this.lagging.missing.has(artifactId);
  }
}
