import { mapConcurrently } from '../../domain/concurrency.js';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { ArtifactError } from '../../domain/errors.js';
import { byKey as recordsByKey } from '../../domain/inspection.js';
import { manifestKey } from '../../domain/keys.js';
import { namesBytes, rowOfLife } from '../../domain/rebuilt-rows.js';
import type { ListedVersion } from '../../storage/object-store.js';
import { byKey, isInPart, type ExecutionVersions, type KeyVersions } from './bucket-walk.js';
import type { RebuildDeps } from './deps.js';
import { readManifest, type ReadManifest } from './read-manifest.js';

/** What some row, or some life without one, says of its bytes. */
export type Claim = Pick<ArtifactRecord, 'key' | 'versionId' | 'etag'>;

/** What bucket and database know of an execution whose rows may be missing, or of a part of its keys. */
export interface ExecutionEvidence {
  executionId: string;
  keys: Map<string, KeyVersions>;
  /** Its entries are those of this part. */
  manifest: ReadManifest | null;
  /** Ids that the manifest lists, and of which the database has the row. */
  there: Set<string>;
  /** What the store has and some row names, by key. */
  claims: Map<string, Claim[]>;
  /** Of whose rows are there; null: nobody knows. */
  tenantId: string | null;
  /** Of the execution; null: not known, or the default. */
  retentionDays: number | null;
}

const CHUNK = 500;
/** Requests on their way at a time. */
export const AT_ONCE = 8;

/** What the manifest says of this part of its execution; what says nothing of itself belongs to the first one. */
export const manifestOf = (
  { store }: Pick<RebuildDeps, 'store'>,
  executionId: string,
  part: ExecutionVersions,
): Promise<ReadManifest | 'unreadable' | null> =>
  readManifest(store, executionId, ({ filePath }) => isInPart(part, filePath));

/** Which of these ids it lists. */
export async function idsListed(
  { store }: Pick<RebuildDeps, 'store'>,
  executionId: string,
  ids: ReadonlySet<string>,
): Promise<Set<string>> {
  const manifest = await readManifest(store, executionId, ({ id }) => ids.has(id));
  return new Set(manifest === null || manifest === 'unreadable' ? [] : manifest.records.map(({ id }) => id));
}

export async function gather(
  deps: RebuildDeps,
  { executionId, versions }: ExecutionVersions & { executionId: string },
  manifest: ReadManifest | null,
): Promise<ExecutionEvidence> {
  const execution = await deps.records.getExecution(executionId);
  const keys = byKey(versions);
  keys.delete(manifestKey(executionId));
  return {
    ...{ executionId, keys, manifest },
    there: await idsThere(deps, manifest?.records.map(({ id }) => id) ?? []),
    claims: recordsByKey<Claim>(await rowsOfKeys(deps, [...keys.keys()])),
    tenantId: execution?.tenantId ?? manifest?.head.tenantId ?? null,
    retentionDays: execution === null ? (manifest?.head.retentionDays ?? null) : execution.retentionDays,
  };
}

/** What lives know of rows that are missing. */
export interface AskedLives {
  /** As their rows are written again. */
  lives: ArtifactRecord[];
  /** Ids whose life runs and did not answer. */
  silent: string[];
}

/** @param listed which of these ids a manifest lists: it lists only what everybody may see. */
export async function askLives(
  { running }: Pick<RebuildDeps, 'running'>,
  ids: readonly string[],
  listed: (ids: Set<string>) => Promise<Set<string>>,
  pause: () => Promise<void>,
): Promise<AskedLives> {
  const silent: string[] = [];
  const ask = async <T>(id: string, question: () => Promise<T>): Promise<T | null> => {
    await pause();
    try {
      return await question();
    } catch (error) {
      if (!(error instanceof ArtifactError) || !error.retryable) throw error;
      silent.push(id);
      return null;
    }
  };
  const asked = await mapConcurrently(ids, AT_ONCE, (id) => ask(id, () => running.recordOf(id)));
  const records = asked.filter((record) => record !== null);
  const waiting = new Set(records.filter((record) => record.awaitsPublication !== null).map(({ id }) => id));
  const visible = waiting.size === 0 ? waiting : await listed(waiting);
  const lives: ArtifactRecord[] = [];
  for (const record of records) {
    const { id, executionId, awaitsPublication } = record;
    const isVisible =
      awaitsPublication === null ||
      visible.has(id) ||
      (await ask(id, () => running.isCommitted(executionId, awaitsPublication)));
    const row = isVisible === null ? null : rowOfLife(record, isVisible);
    if (row !== null) lives.push(row);
  }
  return { lives, silent };
}

export async function idsThere({ rows }: Pick<RebuildDeps, 'rows'>, ids: readonly string[]): Promise<Set<string>> {
  const there = new Set<string>();
  for (let at = 0; at < ids.length; at += CHUNK)
    for (const { id } of await rows.findByIds(ids.slice(at, at + CHUNK))) there.add(id);
  return there;
}

async function rowsOfKeys({ rows }: RebuildDeps, keys: readonly string[]): Promise<Claim[]> {
  const found: Claim[] = [];
  for (let at = 0; at < keys.length; at += CHUNK)
    for (const { key, versionId, etag } of await rows.findByKeys(keys.slice(at, at + CHUNK)))
      found.push({ key, versionId, etag });
  return found;
}

export const isClaimed = ({ claims }: Pick<ExecutionEvidence, 'claims'>, version: ListedVersion): boolean =>
  (claims.get(version.key) ?? []).some((claim) => namesBytes(claim, version));
