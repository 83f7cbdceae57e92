import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { isUnended } from '../../domain/inspection.js';
import { LISTED_STATUSES } from '../../domain/manifest.js';
import type { ExecutionRows, RowInventory, RowPlace, UnendedQuery } from '../row-inventory.js';
import type { MemoryArtifactRecords } from './memory-artifact-records.js';

/** The same over rows in memory, for tests that need no Postgres. Passes the same contract suite. */
export class MemoryRowInventory implements RowInventory {
  readonly #records: MemoryArtifactRecords;

  constructor(records: MemoryArtifactRecords) {
    this.#records = records;
  }

  async listUnended({ after, throughKey, limit }: UnendedQuery): Promise<ArtifactRecord[]> {
    const rows = (await this.#records.everyRow())
      .filter(isUnended)
      .filter(({ key }) => throughKey === null || byBytes(key, throughKey) <= 0)
      .filter((row) => after === null || byPlace(row, after) > 0);
    return rows.sort(byPlace).slice(0, limit);
  }

  async findByKeys(keys: readonly string[]): Promise<ArtifactRecord[]> {
    return (await this.#records.everyRow()).filter((row) => isUnended(row) && keys.includes(row.key));
  }

  async findByIds(ids: readonly string[]): Promise<ArtifactRecord[]> {
    return (await this.#records.everyRow()).filter(({ id }) => ids.includes(id));
  }

  async listExecutions({ afterId, limit }: { afterId: string | null; limit: number }): Promise<ExecutionRows[]> {
    const rows = await this.#records.everyRow();
    const ids = [...new Set(rows.map(({ executionId }) => executionId))].sort();
    return this.findExecutions(ids.filter((id) => afterId === null || id > afterId).slice(0, limit));
  }

  async findExecutions(executionIds: readonly string[]): Promise<ExecutionRows[]> {
    const rows = await this.#records.everyRow();
    return executionIds.flatMap((executionId) => {
      const own = rows.filter((row) => row.executionId === executionId);
      const isListed = own.some((row) => LISTED_STATUSES.includes(row.status) && row.awaitsPublication === null);
      const changedAtMs = Math.max(...own.map(({ updatedAtMs }) => updatedAtMs));
      return own.length === 0 ? [] : [{ executionId, isListed, changedAtMs }];
    });
  }
}

const byPlace = (a: RowPlace, b: RowPlace): number => byBytes(a.key, b.key) || byBytes(a.id, b.id);

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
