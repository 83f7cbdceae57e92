import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { ArtifactError } from '../../domain/errors.js';
import { byKey as recordsByKey } from '../../domain/inspection.js';
import { manifestKey } from '../../domain/keys.js';
import { namesBytes, rowOfLife } from '../../domain/rebuilt-rows.js';
import type { ListedVersion } from '../../storage/object-store.js';
import { byKey, type ExecutionVersions, type KeyVersions } from './bucket-walk.js';
import type { RebuildDeps } from './deps.js';
import { readManifest, type ReadManifest } from './read-manifest.js';

/** All that is known of an execution whose rows may be missing. */
export interface ExecutionEvidence {
  executionId: string;
  keys: Map<string, KeyVersions>;
  manifest: ReadManifest | null;
  isManifestUnreadable: boolean;
  /** Rows that lives know and the database does not, as they are written again. */
  lives: ArtifactRecord[];
  /** Ids whose life runs and did not answer. */
  silent: string[];
  /** Ids of which the database has the row. */
  there: Set<string>;
  /** What the store has and some row names, by key. */
  claims: Map<string, ArtifactRecord[]>;
  /** Of whose rows are there, or whose lives run; null: nobody knows. */
  tenantId: string | null;
  /** Of the execution; null: not known, or the default. */
  retentionDays: number | null;
}

const CHUNK = 500;

export async function gather(
  deps: RebuildDeps,
  { executionId, versions }: ExecutionVersions & { executionId: string },
  pause: () => Promise<void>,
): Promise<ExecutionEvidence> {
  const { records, store, running } = deps;
  await pause();
  const read = await readManifest(store, executionId);
  const manifest = read === 'unreadable' ? null : read;
  const listed = manifest?.records ?? [];
  const ids: string[] = [];
  for await (const id of running.list(executionId)) ids.push(id);
  const there = await idsThere(deps, [...ids, ...listed.map(({ id }) => id)]);
  const visible = new Set(listed.map(({ id }) => id));
  const missing = ids.filter((id) => !there.has(id));
  const { lives, silent } = await askLives(deps, missing, (id) => visible.has(id), pause);
  const execution = await records.getExecution(executionId);
  const keys = byKey(versions);
  keys.delete(manifestKey(executionId));
  const rows = await rowsOfKeys(deps, [...keys.keys()]);
  return {
    ...{ executionId, keys, manifest, lives, silent, there },
    isManifestUnreadable: read === 'unreadable',
    claims: recordsByKey([...rows, ...lives]),
    tenantId: execution?.tenantId ?? manifest?.head.tenantId ?? lives[0]?.tenantId ?? null,
    retentionDays: execution === null ? (manifest?.head.retentionDays ?? null) : execution.retentionDays,
  };
}

/** What lives know of rows that are missing. */
export async function askLives(
  { running }: Pick<RebuildDeps, 'running'>,
  ids: readonly string[],
  isListed: (id: string) => boolean,
  pause: () => Promise<void>,
): Promise<Pick<ExecutionEvidence, 'lives' | 'silent'>> {
  const lives: ArtifactRecord[] = [];
  const silent: string[] = [];
  for (const id of ids) {
    await pause();
    try {
      const record = await running.recordOf(id);
      const awaited = record?.awaitsPublication ?? null;
      const isVisible =
        record === null || awaited === null || isListed(id) || (await running.isCommitted(record.executionId, awaited));
      const row = record === null ? null : rowOfLife(record, isVisible);
      if (row !== null) lives.push(row);
    } catch (error) {
      if (!(error instanceof ArtifactError) || !error.retryable) throw error;
      silent.push(id);
    }
  }
  return { lives, silent };
}

export async function idsThere({ rows }: Pick<RebuildDeps, 'rows'>, ids: readonly string[]): Promise<Set<string>> {
  const there = new Set<string>();
  for (let at = 0; at < ids.length; at += CHUNK)
    for (const { id } of await rows.findByIds(ids.slice(at, at + CHUNK))) there.add(id);
  return there;
}

async function rowsOfKeys({ rows }: RebuildDeps, keys: readonly string[]): Promise<ArtifactRecord[]> {
  const found: ArtifactRecord[] = [];
  for (let at = 0; at < keys.length; at += CHUNK) found.push(...(await rows.findByKeys(keys.slice(at, at + CHUNK))));
  return found;
}

export const isClaimed = ({ claims }: ExecutionEvidence, version: ListedVersion): boolean =>
  (claims.get(version.key) ?? []).some((record) => namesBytes(record, version));
