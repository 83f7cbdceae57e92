import type { DriftKind, Finding } from '../../domain/drift.js';
import { isUuid } from '../../domain/ids.js';
import { byKey, findingOf, isUnended } from '../../domain/inspection.js';
import { executionOfKey, isManifestKey } from '../../domain/keys.js';
import type { ListedVersion, ObjectInfo } from '../../storage/object-store.js';
import type { Inspector } from './slice.js';

/**
 * Versions that no row names on their page: the row may be on another page, or know the artifact by another version. What is left is looked at
 * by what its metadata says.
 */
export async function inspectStrangers(inspector: Inspector, unnamed: ListedVersion[]): Promise<void> {
  if (unnamed.length === 0) return;
  const rows = byKey(await inspector.rows.findByKeys([...new Set(unnamed.map(({ key }) => key))]));
  const isNamed = ({ key, versionId }: ListedVersion): boolean =>
    (rows.get(key) ?? []).some((row) => row.status !== 'UPLOADING' && row.versionId === versionId);
  const manifests = unnamed.filter(({ key }) => isManifestKey(key));
  const executionIds = manifests.flatMap(({ key }) => executionOfKey(key) ?? []);
  const executions = executionIds.length === 0 ? [] : await inspector.rows.findExecutions([...new Set(executionIds)]);
  const listed = new Set(executions.filter(({ isListed }) => isListed).map(({ executionId }) => executionId));
  // A manifest that lists something is compared with it elsewhere, and older ones are what a replacement has left for a moment.
  const isManifest = ({ key, isLatest }: ListedVersion): boolean =>
    isManifestKey(key) && (!isLatest || listed.has(executionOfKey(key) ?? ''));
  await inspector.confirm(
    unnamed.filter((version) => !isNamed(version) && !isManifest(version)),
    (version) => lookAtStranger(inspector, version),
  );
}

async function lookAtStranger(inspector: Inspector, { key, versionId }: ListedVersion): Promise<Finding[]> {
  const { store } = inspector;
  const info = await store.head({ key, versionId });
  // One without an id may lie below others, where it has no name to ask by.
  if (info?.versionId !== versionId) return [];
  const isOfManifest = isManifestKey(key) && info.owner?.artifactId === executionOfKey(key);
  const finding = isOfManifest ? await lookAtManifest(inspector, info) : await lookForOwner(inspector, info);
  // Also a deletion that ended in between has taken it away by now.
  return finding !== null && (await store.head({ key, versionId })) !== null ? [finding] : [];
}

async function lookForOwner(inspector: Inspector, info: ObjectInfo): Promise<Finding | null> {
  const { records, isAlive, fleet } = inspector;
  const { key, owner } = info;
  if (owner === null || !isUuid(owner.artifactId)) return found(inspector, 'object_unknown', info, { row: null });
  const row = await records.get(owner.artifactId);
  // A copy of somebody else's making, unless it is the row that has another path than its workflow.
  if (row !== null && row.key !== key && (await fleet.recall(owner.artifactId))?.key === key) return null;
  if (row !== null && row.key !== key) return found(inspector, 'object_unknown', info, { row: { key: row.key } });
  // Another version of what lives: a copy, or a PUT that came twice. It goes with it.
  if (row !== null && isUnended(row)) return null;
  // Its workflow knows of it, and removes it in the end.
  if (await isAlive(owner.artifactId)) return null;
  if (row === null) return found(inspector, 'object_unknown', info, { row: null });
  const { sizeBytes, versionId, lastModifiedMs } = info;
  return {
    ...findingOf('object_left', row, { sinceMs: lastModifiedMs, row: 'DELETED', store: 'present' }),
    ...{ subject: subjectOf(info), versionId, sizeBytes },
  };
}

/** One that lists something by now, or whose rows have changed just now, is being written. */
async function lookAtManifest(inspector: Inspector, info: ObjectInfo): Promise<Finding | null> {
  const executionId = executionOfKey(info.key) ?? '';
  const [state] = await inspector.rows.findExecutions([executionId]);
  const quietSinceMs = Date.now() - inspector.patience.quietRowsMs;
  if (state?.isListed === true || Math.max(state?.changedAtMs ?? 0, info.lastModifiedMs) > quietSinceMs) return null;
  const finding = await found(inspector, 'manifest_differs', info, { row: 'nothing to list', store: 'present' });
  return { ...finding, subject: executionId, artifactId: null };
}

async function found(
  { records }: Inspector,
  kind: DriftKind,
  info: ObjectInfo,
  detail: Record<string, unknown>,
): Promise<Finding> {
  const { key, versionId, sizeBytes, lastModifiedMs, owner, storageClass } = info;
  const executionId = executionOfKey(key);
  const execution = executionId === null ? null : await records.getExecution(executionId);
  return {
    ...{ kind, subject: subjectOf(info), artifactId: owner?.artifactId ?? null, executionId, key, versionId },
    ...{ tenantId: execution?.tenantId ?? null, uploadId: null, sizeBytes, sinceMs: lastModifiedMs },
    detail: { owner, storageClass, ...detail },
  };
}

const subjectOf = ({ key, versionId }: ObjectInfo): string => `${key}@${versionId ?? 'null'}`;
