import { randomUUID } from 'node:crypto';
import { guessArtifactType, guessMimeType } from '../domain/artifact-type.js';
import { requireSha256 } from '../domain/checksum.js';
import { canonicalPath } from '../domain/keys.js';
import type { NewUpload } from '../domain/new-upload.js';
import { planParts } from '../domain/part-plan.js';
import { requireTiering } from '../domain/policy.js';
import { requireTags } from '../domain/tags.js';
import { requireTime } from '../domain/time.js';
import { MIB_BYTES } from '../domain/units.js';
import type { Caller } from './access.js';
import type { ApiContext } from './context.js';
import { encodeArtifact } from './encode.js';
import { invalidField } from './invalid-field.js';
import { requireMimeType } from './mime-type.js';
import { openInPlace, openUpload } from './open-upload.js';
import type { BeginUploadBody, BegunUpload } from './schemas/uploads.js';
import type { Sender } from './sender.js';
import { uploadInstructions } from './upload-instructions.js';

/** The answer, and whether this request created the artifact. */
interface Begun {
  created: boolean;
  body: BegunUpload;
}

/** Begins an upload, or joins the one that is there, and says how the bytes are sent. @throws as `newUpload` and `openInPlace`. */
export async function beginUpload(
  context: ApiContext,
  sender: Sender,
  executionId: string,
  { replace, ...body }: BeginUploadBody,
): Promise<Begun> {
  const { caller, requestId, idempotencyKey } = sender;
  const upload = {
    ...newUpload(caller, executionId, body, requireContent(body)),
    requestId,
    ...(idempotencyKey === null ? {} : { idempotencyKey }),
  };
  const { created, record } = await (replace ? openInPlace : openUpload)(context, sender, upload);
  const instructions = record.status === 'UPLOADING' ? await uploadInstructions(context, record) : null;
  return { created, body: { artifact: encodeArtifact(record), created, upload: instructions } };
}

/** What a caller wishes for a new artifact. @throws `invalid_path`, `invalid_tags`, `invalid_retention`, `invalid_tiering`, `invalid_request`. */
export function newUpload(
  caller: Caller,
  executionId: string,
  body: Omit<BeginUploadBody, 'sizeBytes' | 'sha256' | 'replace'>,
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
function requireContent({ sizeBytes, sha256 }: Pick<BeginUploadBody, 'sizeBytes' | 'sha256'>): {
  sizeBytes: number | null;
  sha256: string | null;
} {
  const plan = planParts(sizeBytes ?? null);
  if (sha256 !== undefined) {
    requireSha256(sha256);
    if (sizeBytes === undefined) throw invalidField('sizeBytes', 'is needed together with sha256');
  } else if (plan.kind === 'single') throw invalidField('sha256', `is needed below ${16 * MIB_BYTES} bytes`);
  return { sizeBytes: sizeBytes ?? null, sha256: sha256 ?? null };
}
