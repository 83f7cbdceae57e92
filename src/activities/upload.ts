import { createHash } from 'node:crypto';
import { cancellationSignal } from '@temporalio/activity';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { ArtifactError } from '../domain/errors.js';
import { artifactKey } from '../domain/keys.js';
import type { NewUpload } from '../domain/new-upload.js';
import { choosePolicy } from '../domain/policy.js';
import { partBytes, planParts } from '../domain/part-plan.js';
import { currentTags, lacksTags, objectAtCreation } from '../domain/stored-object.js';
import type { ByActor } from '../domain/commands.js';
import { byRequest, uploadCompleted, type StoredBytes } from '../domain/changes.js';
import type { ObjectInfo, ObjectRef, UploadedPart } from '../storage/object-store.js';
import { withHeartbeat } from './boundary.js';
import { changeRecord } from './change-record.js';
import type { ActivityDeps } from './deps.js';
import { newestOwnVersion } from './own-object.js';

/** An upload, and when its workflow began. */
export interface UploadToRegister extends NewUpload {
  createdAtMs: number;
}

export interface Claim {
  sizeBytes: number;
  sha256: string;
}

export interface Joined {
  stored: StoredBytes;
  /** Whether the store itself has shown that the bytes have the claimed SHA-256; otherwise they must be read back. */
  verifiedByStore: boolean;
  /**
   * Whether the store has checked every part against the checksum it was signed with: what it has is what was sent. Lives of before do not
   * know it.
   */
  partsEnforced?: boolean;
}

interface Found {
  info: ObjectInfo;
  /** The store keeps no checksums of its parts, or not of all. */
  lacksChecksums: boolean;
}

export interface UploadToActivate {
  record: ArtifactRecord;
  claim: Claim & ByActor;
  atMs: number;
}

export interface Activated {
  joined: Joined;
  /** The row, when it is ACTIVE now. */
  active: ArtifactRecord | null;
}

export function uploadActivities(deps: ActivityDeps) {
  const { records, store, capabilities, settings } = deps;
  return {
    /** Inserts the row and, for a large file, opens the multipart upload. Safe to repeat. */
    async registerUpload(upload: UploadToRegister): Promise<ArtifactRecord> {
      const { artifactId: id, ...facts } = upload;
      const plan = planParts(upload.sizeBytes);
      const record = await records.register({
        ...facts,
        id,
        key: artifactKey(upload.executionId, upload.path),
        policy: choosePolicy(settings.policy, upload.tiering ?? {}),
        ...(settings.quotas === undefined ? {} : { quotas: settings.quotas }),
        partSizeBytes: plan.kind === 'multipart' ? plan.partSizeBytes : null,
        defaultRetentionDays: settings.defaultRetentionDays,
        uploadDeadlineMs: upload.createdAtMs + settings.uploadDeadlineMs,
      });
      if (record.partSizeBytes === null || record.uploadId !== null) return record;
      return { ...record, uploadId: await openUpload(record) };
    },

    joinUpload,

    /**
     * {@link joinUpload}, and in the same step the row ACTIVE, when the store itself has verified the bytes. `active` is null when it
     * has not, and when the database did not answer: then the workflow goes on by itself. Safe to repeat.
     */
    async activateUpload({ record, claim, atMs }: UploadToActivate): Promise<Activated> {
      const joined = await joinUpload(record, claim);
      if (!joined.verifiedByStore) return { joined, active: null };
      const stored = { ...joined.stored, verifiedBy: 'store' } as const;
      const change = byRequest(uploadCompleted(record, claim, stored), claim.requestId);
      try {
        const changeNumber = record.revision + 1;
        const write = { artifactId: record.id, changeNumber, atMs, known: record, ...change };
        return { joined, active: await changeRecord(deps, write) };
      } catch (error) {
        if (error instanceof ArtifactError && error.retryable) return { joined, active: null };
        throw error;
      }
    },

    /** Reads the stored bytes back and hashes them. @throws `checksum_mismatch`. */
    async verifyBytes(record: ArtifactRecord, claim: Claim, stored: StoredBytes): Promise<void> {
      const sha256 = await hashBytes({ key: record.key, versionId: stored.versionId });
      if (sha256 === null) throw new ArtifactError('upload_incomplete', `${record.key} is not in the store`);
      if (sha256 !== claim.sha256) throw mismatch(record, claim, sha256);
    },

    /** The same for an artifact that is ACTIVE already. @returns the SHA-256 of what the store has, lower-case hex. */
    async hashStored(record: ArtifactRecord): Promise<string> {
      const { key, versionId } = record;
      const sha256 = await hashBytes({ key, versionId });
      if (sha256 === null)
        throw new ArtifactError('storage_rejected', `${key} is not in the store any more`, { details: { key } });
      // What this cannot remove, its deletion will.
      await abortStrays(record).catch(() => undefined);
      return sha256;
    },
  };

  /**
   * Joins the parts of a large file, looks the object up and compares its size (and its checksum, where the store tells it)
   * with the claim. Safe to repeat.
   */
  async function joinUpload(record: ArtifactRecord, claim: Claim): Promise<Joined> {
    const isMultipart = record.partSizeBytes !== null;
    const { info, lacksChecksums } = isMultipart ? await joinParts(record, claim) : await findSinglePut(record);
    requireSizeMatch(record, claim, info);
    if (info.sha256 !== null && info.sha256 !== claim.sha256) throw mismatch(record, claim, info.sha256);
    const bornWithHash = info.owner?.sha256 !== undefined;
    if (lacksTags(record, bornWithHash))
      await store.putTags(info, currentTags({ ...record, sha256: claim.sha256 }, bornWithHash), {
        signal: cancellationSignal(),
      });
    const { versionId, etag, storageClass } = info;
    return {
      stored: { versionId, etag, storageClass },
      verifiedByStore: capabilities.enforcesChecksums && info.sha256 === claim.sha256,
      ...(isMultipart ? { partsEnforced: capabilities.enforcesChecksums && !lacksChecksums } : {}),
    };
  }

  /**
   * Uploads to its path that lead nowhere: opened by an attempt that died before it could say so, or made of parts that came when all
   * was joined already, as some stores do.
   */
  async function abortStrays({ id, key }: ArtifactRecord): Promise<void> {
    const strays = await store.listUploads(key);
    if (strays.length === 0) return;
    // Nobody uploads to the path of what lives; once it is deleted, it may be another one's upload.
    const row = await records.get(id);
    if (row?.status !== 'ACTIVE' || row.deletionReason !== null) return;
    for (const { uploadId } of strays) await store.abortUpload(key, uploadId);
  }

  /** Null when there is no such object. */
  function hashBytes(object: ObjectRef): Promise<string | null> {
    return withHeartbeat('reading back', async ({ signal, tell }) => {
      const body = await store.read(object, { signal });
      if (body === null) return null;
      const hash = createHash('sha256');
      let doneBytes = 0;
      for await (const chunk of body as AsyncIterable<Buffer>) {
        hash.update(chunk);
        doneBytes += chunk.length;
        tell({ phase: 'reading back', doneBytes });
      }
      return hash.digest('hex');
    });
  }

  /**
   * Whatever becomes of the row, the multipart upload is either noted in it or gone. Where the database did not answer, it may be noted:
   * it stays, and if it is not, the artifact's deletion finds it.
   */
  async function openUpload(record: ArtifactRecord): Promise<string> {
    const created = await store.createUpload(objectAtCreation(record));
    try {
      const noted = await records.attachUpload(record.id, created);
      if (noted !== created) await store.abortUpload(record.key, created);
      return noted;
    } catch (error) {
      if (!(error instanceof ArtifactError && error.retryable)) await store.abortUpload(record.key, created);
      throw error;
    }
  }

  async function findSinglePut(record: ArtifactRecord): Promise<Found> {
    const info = await newestOwnVersion(store, record);
    if (info !== null) return { info, lacksChecksums: false };
    throw new ArtifactError('upload_incomplete', `${record.path} was not sent yet`, {
      details: { missingParts: ['1'] },
    });
  }

  async function joinParts(record: ArtifactRecord, claim: Claim): Promise<Found> {
    const { key, id: artifactId, uploadId } = record;
    if (uploadId === null) throw new Error(`${artifactId} has a part size but no upload`);
    const parts = await store.listParts(key, uploadId);
    // An attempt that joined them may have died before it could say so.
    const info = parts === null ? await newestOwnVersion(store, record) : await join(parts);
    if (info === null)
      throw new ArtifactError('upload_incomplete', `the parts of ${record.path} are gone from the store`);
    // Of parts that were joined before, nobody can say any more; they were signed as all are.
    return {
      info,
      lacksChecksums: parts?.some(({ crc32, sha256 }) => crc32 === null && sha256 === undefined) ?? false,
    };

    function join(found: UploadedPart[]): Promise<ObjectInfo> {
      requireAllParts(record, claim, found);
      return store.completeUpload({ key, uploadId: uploadId ?? '', artifactId, parts: found });
    }
  }
}

/** S3 would join whatever is there, so gaps and short parts are found before. */
function requireAllParts(record: ArtifactRecord, claim: Claim, parts: UploadedPart[]): void {
  const partSizeBytes = record.partSizeBytes ?? claim.sizeBytes;
  const partCount = Math.max(1, Math.ceil(claim.sizeBytes / partSizeBytes));
  const sizes = new Map(parts.map((part) => [part.partNumber, part.sizeBytes]));
  const missing: string[] = [];
  for (let number = 1; number <= partCount; number++) {
    if (sizes.get(number) !== partBytes(number, partSizeBytes, claim.sizeBytes)) missing.push(String(number));
  }
  if (missing.length > 0)
    throw new ArtifactError(
      'upload_incomplete',
      `${missing.length} of ${partCount} parts of ${record.path} are missing or short`,
      {
        details: { missingParts: missing.slice(0, 100) },
      },
    );
  if (parts.length > partCount)
    throw new ArtifactError(
      'size_mismatch',
      `${record.path} has ${parts.length} parts, its claimed size makes ${partCount}`,
    );
}

function requireSizeMatch(record: ArtifactRecord, claim: Claim, info: ObjectInfo): void {
  if (info.sizeBytes === claim.sizeBytes) return;
  throw new ArtifactError(
    'size_mismatch',
    `${record.path} has ${info.sizeBytes} bytes, ${claim.sizeBytes} were claimed`,
    {
      details: { claimedBytes: claim.sizeBytes, storedBytes: info.sizeBytes },
    },
  );
}

const mismatch = (record: ArtifactRecord, claim: Claim, storedSha256: string): ArtifactError =>
  new ArtifactError('checksum_mismatch', `${record.path} has SHA-256 ${storedSha256}, ${claim.sha256} was claimed`, {
    details: { claimedSha256: claim.sha256, storedSha256 },
  });
