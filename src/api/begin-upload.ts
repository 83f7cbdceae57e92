import { randomUUID } from 'node:crypto';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { guessArtifactType, guessMimeType } from '../domain/artifact-type.js';
import { requireSha256 } from '../domain/checksum.js';
import { ArtifactError } from '../domain/errors.js';
import { canonicalPath } from '../domain/keys.js';
import { requireWish, type NewUpload } from '../domain/new-upload.js';
import { planParts } from '../domain/part-plan.js';
import { requireTiering } from '../domain/policy.js';
import { requireSameUpload } from '../domain/same-upload.js';
import { requireTags } from '../domain/tags.js';
import { requireTime } from '../domain/time.js';
import { MIB_BYTES } from '../domain/units.js';
import { requireUsableExecution, type Caller } from './access.js';
import type { ApiContext } from './context.js';
import { encodeArtifact } from './encode.js';
import { invalidField } from './invalid-field.js';
import { requireMimeType } from './mime-type.js';
import type { BeginUploadBody, BegunUpload } from './schemas/uploads.js';
import type { Sender } from './sender.js';
import { uploadInstructions } from './upload-instructions.js';

/** The answer, and whether this request created the artifact. */
interface Begun {
  created: boolean;
  body: BegunUpload;
}

/** Begins an upload, or joins the one that is there, and says how the bytes are sent. @throws as `newUpload` and `openUpload`. */
export async function beginUpload(
  context: ApiContext,
  { caller, requestId, idempotencyKey }: Sender,
  executionId: string,
  body: BeginUploadBody,
): Promise<Begun> {
  const upload = {
    ...newUpload(caller, executionId, body, requireContent(body)),
    requestId,
    ...(idempotencyKey === null ? {} : { idempotencyKey }),
  };
  const { created, record } = await openUpload(context, caller, upload);
  const instructions = record.status === 'UPLOADING' ? await uploadInstructions(context, record) : null;
  return { created, body: { artifact: encodeArtifact(record), created, upload: instructions } };
}

/**
 * Registers an upload, or joins the one that is there: same path and same request or content answers with the artifact that exists.
 * Everything is checked before the first side effect.
 * @throws `invalid_retention`, `invalid_id`, `execution_not_found` (foreign tenant), `path_taken`, `source_changed`, `bucket_not_found`, and what the
 * workflow refuses with.
 */
export async function openUpload(
  context: ApiContext,
  caller: Caller,
  upload: NewUpload,
): Promise<{ created: boolean; record: ArtifactRecord }> {
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

/** What a caller wishes for a new artifact. @throws `invalid_path`, `invalid_tags`, `invalid_retention`, `invalid_tiering`, `invalid_request`. */
export function newUpload(
  caller: Caller,
  executionId: string,
  body: Omit<BeginUploadBody, 'sizeBytes' | 'sha256'>,
  content: Pick<NewUpload, 'sizeBytes' | 'sha256'>,
): NewUpload {
  const path = canonicalPath(body.fileName);
  const mimeType = body.mimeType === undefined ? guessMimeType(path) : requireMimeType(body.mimeType);
  return {
    artifactId: randomUUID(),
    executionId,
    tenantId: caller.tenant,
    path,
    ...content,
    mimeType,
    type: body.type ?? guessArtifactType(path, mimeType),
    tags: requireTags(body.tags ?? {}),
    retentionDays: body.retentionDays ?? null,
    expiresAtMs: body.expiresAt === undefined ? null : requireTime(body.expiresAt, 'expiresAt', 'invalid_retention'),
    ...(body.sourceModifiedAt === undefined
      ? {}
      : { sourceModifiedAtMs: requireTime(body.sourceModifiedAt, 'sourceModifiedAt', 'invalid_request') }),
    ...(body.tiering === undefined ? {} : { tiering: requireTiering(body.tiering) }),
    actor: caller.subject,
  };
}

/** A single PUT is signed for its bytes, so size and hash must be known; parts carry their own hashes. */
function requireContent({ sizeBytes, sha256 }: BeginUploadBody): { sizeBytes: number | null; sha256: string | null } {
  const plan = planParts(sizeBytes ?? null);
  if (sha256 !== undefined) {
    requireSha256(sha256);
    if (sizeBytes === undefined) throw invalidField('sizeBytes', 'is needed together with sha256');
  } else if (plan.kind === 'single') throw invalidField('sha256', `is needed below ${16 * MIB_BYTES} bytes`);
  return { sizeBytes: sizeBytes ?? null, sha256: sha256 ?? null };
}
