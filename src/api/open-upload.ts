import type { ArtifactRecord } from '../domain/artifact-record.js';
import { ArtifactError } from '../domain/errors.js';
import { requireWish, type NewUpload } from '../domain/new-upload.js';
import { requireReplaceable, requireSameUpload } from '../domain/same-upload.js';
import { requireUsableExecution } from './access.js';
import { changeArtifact } from './change-artifact.js';
import type { ApiContext } from './context.js';
import type { Sender } from './sender.js';

/** The artifact of an upload, and whether this request has begun it. */
export interface OpenedUpload {
  created: boolean;
  record: ArtifactRecord;
}

/**
 * Registers an upload, or joins the one that is there: same path and same request or content answers with the artifact that exists.
 * Everything is checked before the first side effect.
 * @throws `invalid_retention`, `invalid_id`, `execution_not_found` (foreign tenant), `path_taken`, `source_changed`, `bucket_not_found`, and what the
 * workflow refuses with.
 */
export async function openUpload(context: ApiContext, { caller }: Sender, upload: NewUpload): Promise<OpenedUpload> {
  requireWish(upload, context.nowMs());
  await requireUsableExecution(context.records, caller, upload.executionId);
  await context.requireBucket();
  const existing = await context.records.findByPath(upload.executionId, upload.path);
  if (existing !== null) return { created: false, record: requireSameUpload(existing, upload) };
  const record = await context.lifecycle
    .beginUpload(upload)
    .catch((error: unknown) => winnerOf(context, upload, error));
  if (record.id !== upload.artifactId) return { created: false, record: requireSameUpload(record, upload) };
  return { created: true, record };
}

/** Another request registered the same path between our look and our begin: it is judged like one that was there before. */
async function winnerOf(context: ApiContext, upload: NewUpload, error: unknown): Promise<ArtifactRecord> {
  if (!(error instanceof ArtifactError) || error.code !== 'path_taken') throw error;
  const winner = await context.records.findByPath(upload.executionId, upload.path);
  if (winner === null) throw error;
  return winner;
}

/**
 * As {@link openUpload}, but other content that has the path is deleted first, as by `deleteArtifact`: when nothing comes in its place after
 * all, it can be undeleted, and it is when a quota refuses what was to come. The same content is not replaced by itself.
 * @throws as {@link openUpload}; `held`; `path_taken` for what must not be replaced now, or when somebody else was faster.
 */
export async function openInPlace(context: ApiContext, sender: Sender, upload: NewUpload): Promise<OpenedUpload> {
  try {
    return await openUpload(context, sender, upload);
  } catch (error) {
    const existing = await refusedFor(context, error);
    if (existing === null) throw error;
    requireReplaceable(existing, upload);
    await changeArtifact(context, sender, {
      verb: 'deleteArtifact',
      artifactId: existing.id,
      message: {},
      send: (message) => context.lifecycle.deleteArtifact(existing.id, message),
    });
    return openUpload(context, sender, upload).catch((refusal: unknown) => keepOld(context, sender, existing, refusal));
  }
}

/** Only what is there no more makes room in a quota, so this is known too late. @throws the refusal. */
async function keepOld(
  { lifecycle }: ApiContext,
  { caller, requestId }: Sender,
  { id }: ArtifactRecord,
  refusal: unknown,
): Promise<never> {
  if (refusal instanceof ArtifactError && refusal.code === 'quota_exceeded')
    // Where deletions cannot be undone it is gone, and the refusal is the answer all the same.
    await lifecycle.undeleteArtifact(id, { actor: caller.subject, requestId }).catch(() => undefined);
  throw refusal;
}

/** What has the path, when that is why an upload was refused: just this one is judged and deleted, whatever is there by then. */
async function refusedFor({ records }: ApiContext, error: unknown): Promise<ArtifactRecord | null> {
  if (!(error instanceof ArtifactError) || error.code !== 'path_taken') return null;
  const { artifactId } = error.details;
  return typeof artifactId === 'string' ? records.get(artifactId) : null;
}
