import type { ArtifactRecord } from '../../domain/artifact-record.js';
import type { Tags } from '../../domain/artifact.js';
import type { Finding } from '../../domain/drift.js';
import { ArtifactError } from '../../domain/errors.js';
import { isBehind, isUnended, rowDiffers } from '../../domain/inspection.js';
import { driftOfRow, expectationOf, type DriftRules, type ObjectSight } from '../../domain/row-drift.js';
import type { Inspector } from './slice.js';

/** A row that changes each time while it is looked at is being worked on. */
const TRIES = 3;

export const rulesOf = ({ capabilities, patience }: Inspector): DriftRules => ({
  nowMs: Date.now(),
  classes: capabilities.storageClasses,
  expiryMs: patience.expiryMs,
});

/** Looks at an artifact's object directly. The row is read before and after: what differs under the same revision differs. */
export async function lookAtRow(inspector: Inspector, id: string): Promise<Finding[]> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const row = await inspector.records.get(id);
    if (row === null) return [];
    const sight = await lookAtObject(inspector, row);
    if ((await inspector.records.get(id))?.revision !== row.revision) continue;
    const found = driftOfRow(row, sight, rulesOf(inspector));
    const findings = found.length === 0 ? found : await asKnown(inspector, row, found);
    // Tags may come later than their row, by the hand of its workflow.
    const isTagging = async (): Promise<boolean> => (await inspector.fleet.look(id))?.isUntagged === true;
    const tagsDiffer = findings.some(({ kind }) => kind === 'tags_differ');
    return tagsDiffer && (await isTagging()) ? findings.filter(({ kind }) => kind !== 'tags_differ') : findings;
  }
  return [];
}

/** What differs, by what its workflow knows when that is more than the row says, or another place. */
async function asKnown(inspector: Inspector, row: ArtifactRecord, found: Finding[]): Promise<Finding[]> {
  const known = await inspector.fleet.recall(row.id);
  if (known === null || !(isBehind(row, known) || (row.revision === known.revision && row.key !== known.key)))
    return found;
  const differing = rowDiffers(row, known, { ended: !isUnended(known) });
  const sight = await lookAtObject(inspector, known);
  return [...(differing === null ? [] : [differing]), ...driftOfRow(known, sight, rulesOf(inspector))];
}

async function lookAtObject(inspector: Inspector, row: ArtifactRecord): Promise<ObjectSight> {
  const { store } = inspector;
  const { id, key, versionId } = row;
  const named = await store.head({ key, versionId });
  if (named?.owner?.artifactId !== id) return lookForVersions(inspector, row);
  const isWhole = expectationOf(row, Date.now()) === 'whole';
  const current = versionId === null || !isWhole ? named : await store.head({ key });
  const newest = current === null ? (await store.listVersions(key))[0] : undefined;
  return {
    info: named,
    isHidden: newest?.isDeleteMarker === true,
    tags: isWhole ? await readTags(inspector, row) : null,
    bornWithHash: named.owner.sha256 !== undefined,
    ...(newest === undefined ? {} : { instead: { deleteMarker: newest.versionId } }),
  };
}

/** The version that the row names is not there, or not the artifact's: perhaps another one is, or it has no id and lies below a marker. */
async function lookForVersions({ store }: Inspector, { id, key, versionId }: ArtifactRecord): Promise<ObjectSight> {
  const versions = await store.listVersions(key);
  const own: (string | null)[] = [];
  let named: ObjectSight['info'] = null;
  for (const version of versions) {
    if (version.isDeleteMarker) continue;
    const info = await store.head(version);
    if (info?.owner?.artifactId !== id) continue;
    own.push(info.versionId);
    if (info.versionId === versionId) named = info;
  }
  return {
    ...{ info: named, isHidden: versions[0]?.isDeleteMarker === true, tags: null, bornWithHash: null },
    instead: { ownVersions: own.slice(0, 100), versions: versions.length },
  };
}

/** Null when the object is not there, or the store does not tell the tags of what is archived. */
export async function readTags({ store }: Inspector, { key, versionId }: ArtifactRecord): Promise<Tags | null> {
  try {
    return await store.getTags({ key, versionId });
  } catch (error) {
    if (error instanceof ArtifactError && error.code === 'not_downloadable') return null;
    throw error;
  }
}
