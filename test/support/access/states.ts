import { randomUUID } from 'node:crypto';
import { objectAtCreation } from '../../../src/domain/stored-object.js';
import { sha256Of, type TestApi } from '../api.js';
import { changeOf } from '../new-artifact.js';

/** The states of an artifact that make a difference to somebody who asks for it. */
export const STATES = [
  'uploading',
  'uploading in parts',
  'active',
  'held',
  'of wrong bytes',
  'archived',
  'restoring',
  'deleted, window open',
  'purged',
  'awaiting its publication',
] as const;
export type State = (typeof STATES)[number];

/** An artifact, with everything that a request about it can name. */
export interface Place {
  state: State;
  tenantId: string;
  executionId: string;
  artifactId: string;
  /** Of the artifact; nothing else has it. */
  path: string;
  sizeBytes: number;
  sha256: string;
  /** Of its hold; one that it never had unless it is held. */
  holdId: string;
  /** Of a publication of its execution. */
  publicationId: string;
}

const PART_BYTES = 8 * 1024 ** 2;

/** Makes an artifact of tenant `acme` that is in a state, in an execution of its own. */
export async function placeIn({ records, store, lifecycle, publications }: TestApi, state: State): Promise<Place> {
  const artifactId = randomUUID();
  const bytes = Buffer.from(`the bytes of ${artifactId}`);
  const inParts = state === 'uploading in parts';
  const place: Place = {
    state,
    tenantId: 'acme',
    executionId: randomUUID(),
    artifactId,
    path: `output/of-${artifactId}.txt`,
    sizeBytes: inParts ? 2 * PART_BYTES : bytes.length,
    sha256: sha256Of(bytes),
    holdId: randomUUID(),
    publicationId: randomUUID(),
  };
  const { executionId, tenantId, publicationId, holdId } = place;
  const request = { executionId, publicationId, tenantId, actor: 'agent-7', hostId: 'host-1', folder: 'f' };
  await publications.startPublication(request, 1_000);
  await records.beginPublication({ executionId, id: publicationId, tenantId, actor: 'agent-7', atMs: Date.now() });
  const record = await lifecycle.beginUpload({
    ...{ artifactId, executionId, tenantId, path: place.path, sizeBytes: place.sizeBytes, sha256: place.sha256 },
    ...{ mimeType: 'text/plain', type: 'document', tags: {}, retentionDays: null, actor: 'agent-7' },
    publicationId: state === 'awaiting its publication' ? publicationId : null,
  });
  if (inParts || state === 'uploading') return place;
  await store.put(objectAtCreation(record), bytes);
  const { sizeBytes, sha256 } = place;
  const actor = 'agent-7';
  const completed = await lifecycle.completeUpload(artifactId, { sizeBytes, sha256, actor });
  switch (state) {
    case 'active':
    case 'awaiting its publication':
      break;
    case 'held':
      await lifecycle.addHold(artifactId, { hold: { id: holdId, reason: 'case 17', untilMs: null }, actor });
      break;
    case 'of wrong bytes':
      await records.change(changeOf(artifactId, completed.revision + 1, { checksumState: 'mismatch' }));
      break;
    case 'archived':
      await lifecycle.archiveArtifact(artifactId, { actor });
      break;
    case 'restoring':
      await lifecycle.archiveArtifact(artifactId, { actor });
      await lifecycle.restoreArtifact(artifactId, { tier: 'Standard', actor });
      break;
    case 'deleted, window open':
      await lifecycle.deleteArtifact(artifactId, { actor });
      break;
    case 'purged':
      await lifecycle.purgeArtifact(artifactId, { actor });
  }
  return place;
}

/** The same names of things that do not exist. */
export const nowhere = (place: Place): Place => ({
  ...place,
  executionId: randomUUID(),
  artifactId: randomUUID(),
  publicationId: randomUUID(),
  holdId: randomUUID(),
});

/** Everything a request could have done to it, or asked others to do, as text. */
export async function tracesOf(
  { records, shares, store, lifecycle, publications }: TestApi,
  { artifactId, executionId, publicationId }: Place,
): Promise<string> {
  return JSON.stringify([
    await records.get(artifactId),
    await records.history(artifactId),
    await shares.shareHistory(artifactId),
    await records.getExecution(executionId),
    await records.list({ executionId, limit: 200 }),
    await records.getPublication({ executionId, id: publicationId }),
    [...store.calls],
    lifecycle.calls.length,
    publications.started.length,
    publications.cancelled.length,
  ]);
}
