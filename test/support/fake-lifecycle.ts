import type { ArtifactRecord } from '../../src/domain/artifact-record.js';
import {
  archived,
  byRequest,
  holdAdded,
  holdEnded,
  restored,
  restoreRequested,
  retentionOnceBack,
  undeleted,
  retentionChanged,
  tagsChanged,
  uploadCompleted,
  type Change,
} from '../../src/domain/changes.js';
import type { ByActor, Verb } from '../../src/domain/commands.js';
import { ArtifactError } from '../../src/domain/errors.js';
import { artifactKey } from '../../src/domain/keys.js';
import { ownRetention } from '../../src/domain/retention.js';
import { tagsAfter } from '../../src/domain/tags.js';
import { longestRestoreMs } from '../../src/domain/tiers.js';
import { choosePolicy, DEFAULT_POLICY } from '../../src/domain/policy.js';
import { planParts } from '../../src/domain/part-plan.js';
import { objectAtCreation } from '../../src/domain/stored-object.js';
import { DAY_MS } from '../../src/domain/units.js';
import {
  requireClaimKept,
  requireFutureExpiry,
  requireRoomForHold,
  requireSameContent,
  ruleOn,
} from '../../src/domain/verbs.js';
import type { MemoryArtifactRecords } from '../../src/db/memory/memory-artifact-records.js';
import type { MemoryObjectStore } from '../../src/storage/memory/index.js';
import type { LifecycleClient } from '../../src/temporal/lifecycle-client.js';
import { aState } from './records.js';

type Message<V extends Exclude<keyof LifecycleClient, 'beginUpload' | 'describe' | 'ping'>> = Parameters<
  LifecycleClient[V]
>[1];

const UPLOAD_DEADLINE_MS = 3_600_000;
const DEFAULT_RETENTION_DAYS = 30;

/** A lifecycle without workflows: rules by the domain's tables, writes rows at once, and remembers what it was asked. */
export class FakeLifecycle implements LifecycleClient {
  /** Every verb that was sent, in order. */
  readonly calls: { verb: string; artifactId: string; message: unknown }[] = [];
  /** While set, every verb is answered with it. */
  failure: Error | null = null;
  /** Runs before a verb is worked on: for races. */
  before: (verb: string) => Promise<void> = async () => {};
  readonly #records: MemoryArtifactRecords;
  readonly #store: MemoryObjectStore;
  readonly #nowMs: () => number;
  /** Of the last request, by artifact. */
  readonly #requestIds = new Map<string, string | undefined>();
  /** By the key of their request. */
  readonly #outcomes = new Map<string, Promise<ArtifactRecord>>();

  constructor(deps: { records: MemoryArtifactRecords; store: MemoryObjectStore; nowMs: () => number }) {
    this.#records = deps.records;
    this.#store = deps.store;
    this.#nowMs = deps.nowMs;
  }

  async beginUpload(upload: Parameters<LifecycleClient['beginUpload']>[0]): Promise<ArtifactRecord> {
    const { artifactId, ...facts } = upload;
    await this.#enter('beginUpload', artifactId, upload);
    const running = await this.#records.get(artifactId);
    if (running !== null) return running;
    const plan = planParts(upload.sizeBytes);
    const record = await this.#records.register({
      ...facts,
      id: artifactId,
      key: artifactKey(upload.executionId, upload.path),
      defaultRetentionDays: DEFAULT_RETENTION_DAYS,
      policy: choosePolicy(DEFAULT_POLICY, upload.tiering ?? {}),
      partSizeBytes: plan.kind === 'multipart' ? plan.partSizeBytes : null,
      createdAtMs: this.#nowMs(),
      uploadDeadlineMs: this.#nowMs() + UPLOAD_DEADLINE_MS,
    });
    if (plan.kind === 'single') return record;
    await this.#records.attachUpload(artifactId, await this.#store.createUpload(objectAtCreation(record)));
    return this.#get(artifactId);
  }

  completeUpload(artifactId: string, message: Message<'completeUpload'>, requestKey?: string): Promise<ArtifactRecord> {
    return this.#once(requestKey, async () => {
      const record = await this.#rule('completeUpload', artifactId, message);
      if (record.status !== 'UPLOADING') {
        requireSameContent(record, message);
        return record;
      }
      requireClaimKept(record, message);
      await this.#join(record);
      const object = await this.#store.head({ key: record.key });
      if (object === null) throw new ArtifactError('upload_incomplete', 'nothing was sent');
      return this.#write(record, uploadCompleted(record, message, { ...object, verifiedBy: 'store' }));
    });
  }

  abortUpload(artifactId: string, message: Message<'abortUpload'>, requestKey?: string): Promise<ArtifactRecord> {
    return this.#once(requestKey, async () => {
      return this.#delete(await this.#rule('abortUpload', artifactId, message), 'upload_aborted', message.actor, null);
    });
  }

  async setRetention(artifactId: string, message: Message<'setRetention'>): Promise<ArtifactRecord> {
    const record = await this.#rule('setRetention', artifactId, message);
    requireFutureExpiry(record, message, this.#nowMs());
    return this.#write(record, retentionChanged(record, ownRetention(message), message.actor));
  }

  async keepForever(artifactId: string, { reason, actor, ...rest }: Message<'keepForever'>): Promise<ArtifactRecord> {
    const record = await this.#rule('keepForever', artifactId, { reason, actor, ...rest });
    const retention = { rule: 'permanent', by: actor, reason, atMs: this.#nowMs() } as const;
    return this.#write(record, retentionChanged(record, retention, actor));
  }

  addHold(
    artifactId: string,
    { hold, actor, ...rest }: Message<'addHold'>,
    requestKey?: string,
  ): Promise<ArtifactRecord> {
    return this.#once(requestKey, async () => {
      const record = await this.#rule('addHold', artifactId, { hold, actor, ...rest });
      if (requireRoomForHold(record, hold) === 'done') return record;
      return this.#write(record, holdAdded(record, { ...hold, by: actor, atMs: this.#nowMs() }));
    });
  }

  async endHold(artifactId: string, { holdId, actor, ...rest }: Message<'endHold'>): Promise<ArtifactRecord> {
    const record = await this.#rule('endHold', artifactId, { holdId, actor, ...rest });
    const hold = record.holds.find(({ id }) => id === holdId);
    return hold === undefined ? record : this.#write(record, holdEnded(record, hold, actor));
  }

  async setTags(artifactId: string, message: Message<'setTags'>): Promise<ArtifactRecord> {
    const record = await this.#rule('setTags', artifactId, message);
    return this.#write(record, tagsChanged(record, tagsAfter(record.tags, message), message.actor));
  }

  undeleteArtifact(
    artifactId: string,
    { actor, ...rest }: Message<'undeleteArtifact'>,
    requestKey?: string,
  ): Promise<ArtifactRecord> {
    return this.#once(requestKey, async () => {
      const record = await this.#rule('undeleteArtifact', artifactId, { actor, ...rest });
      if (record.status !== 'DELETED') return record;
      const { key, versionId, storageClass } = record;
      for (const version of await this.#store.listVersions(key))
        if (version.isDeleteMarker) await this.#store.deleteVersion(key, version.versionId);
      const retention = retentionOnceBack(record, this.#nowMs());
      return this.#write(record, undeleted(record, retention, { versionId, etag: '', storageClass }, actor));
    });
  }

  async purgeArtifact(artifactId: string, message: Message<'purgeArtifact'>): Promise<ArtifactRecord> {
    const record = await this.#rule('purgeArtifact', artifactId, message);
    if (record.status !== 'DELETED') return this.#delete(record, 'requested', message.actor, null);
    if (record.purgeAtMs === null) return record;
    await this.#removeBytes(record);
    const event = { kind: 'purged', actor: message.actor, detail: {} } as const;
    return this.#write(record, { patch: { purgeAtMs: null }, event });
  }

  async deleteArtifact(artifactId: string, message: Message<'deleteArtifact'>): Promise<ArtifactRecord> {
    const record = await this.#rule('deleteArtifact', artifactId, message);
    const purgeAtMs = record.versionId === null ? null : this.#nowMs() + record.policy.undeleteDays * DAY_MS;
    return this.#delete(record, 'requested', message.actor, purgeAtMs);
  }

  archiveArtifact(
    artifactId: string,
    message: Message<'archiveArtifact'>,
    requestKey?: string,
  ): Promise<ArtifactRecord> {
    return this.#once(requestKey, async () => {
      const record = await this.#rule('archiveArtifact', artifactId, message);
      return this.#write(record, archived(null, message.actor, this.#nowMs()));
    });
  }

  restoreArtifact(
    artifactId: string,
    message: Message<'restoreArtifact'>,
    requestKey?: string,
  ): Promise<ArtifactRecord> {
    return this.#once(requestKey, async () => {
      const record = await this.#rule('restoreArtifact', artifactId, message);
      if (record.status === 'ACTIVE') return record;
      return this.#write(
        record,
        restoreRequested(message.tier, this.#nowMs() + longestRestoreMs(message.tier), message.actor),
      );
    });
  }

  /** Ends a restore that is under way. */
  async finishRestore(artifactId: string): Promise<void> {
    await this.#write(
      await this.#get(artifactId),
      restored({ versionId: null, etag: 'restored', storageClass: 'STANDARD' }, 'worker', this.#nowMs()),
    );
  }

  async setExecutionRetention(executionId: string, message: Message<'setExecutionRetention'>): Promise<void> {
    await this.#enter('setExecutionRetention', executionId, message);
    await this.#records.setExecutionRetention({ executionId, ...message });
  }

  async deleteExecutionArtifacts(
    executionId: string,
    message: Message<'deleteExecutionArtifacts'>,
    waitMs: number,
  ): Promise<void> {
    await this.#enter('deleteExecutionArtifacts', executionId, { ...message, waitMs });
    const { deletionId: id, actor } = message;
    const atMs = this.#nowMs();
    const scope = await this.#records.beginExecutionDeletion({ executionId, id, runId: id, actor, atMs });
    const patch = { status: 'DELETED', deletionReason: 'requested', deletedAtMs: atMs } as const;
    const event = { kind: 'deleted', actor, detail: { executionDeletionId: scope.runId } } as const;
    for (const artifact of await this.#records.listUndeleted({ ...scope, afterOrdinal: 0, limit: 1_000 })) {
      await this.before('deleteOneOfMany');
      await this.#write(await this.#get(artifact.id), { patch, event });
    }
    await this.#records.finishExecutionDeletions({ ...scope, orphaned: 0, atMs: this.#nowMs() });
  }

  async describe(artifactId: string): ReturnType<LifecycleClient['describe']> {
    const record = await this.#get(artifactId);
    return { record, next: { kind: 'none', atMs: null, rule: 'permanent' } };
  }

  ping(): Promise<void> {
    return this.failure === null ? Promise.resolve() : Promise.reject(this.failure);
  }

  /** Like Temporal, by the id of an update; only that here no failure is remembered. */
  async #once(requestKey: string | undefined, work: () => Promise<ArtifactRecord>): Promise<ArtifactRecord> {
    if (requestKey === undefined) return work();
    const outcome = this.#outcomes.get(requestKey) ?? work();
    this.#outcomes.set(requestKey, outcome);
    try {
      return await outcome;
    } catch (error) {
      this.#outcomes.delete(requestKey);
      throw error;
    }
  }

  async #enter(verb: string, artifactId: string, message: unknown): Promise<void> {
    this.calls.push({ verb, artifactId, message });
    this.#requestIds.set(artifactId, (message as ByActor).requestId);
    await this.before(verb);
    if (this.failure !== null) throw this.failure;
  }

  async #rule(verb: Verb, artifactId: string, message: unknown): Promise<ArtifactRecord> {
    await this.#enter(verb, artifactId, message);
    const record = await this.#get(artifactId);
    ruleOn(verb, aState(record));
    return record;
  }

  async #get(artifactId: string): Promise<ArtifactRecord> {
    const record = await this.#records.get(artifactId);
    if (record === null) throw new ArtifactError('artifact_not_found', artifactId);
    return record;
  }

  async #delete(
    record: ArtifactRecord,
    deletionReason: 'requested' | 'upload_aborted',
    actor: string,
    purgeAtMs: number | null,
  ): Promise<ArtifactRecord> {
    if (record.status === 'DELETED') return record;
    if (record.uploadId !== null) await this.#store.abortUpload(record.key, record.uploadId);
    if (purgeAtMs === null) await this.#removeBytes(record);
    else await this.#store.addDeleteMarker(record.key);
    const patch = { status: 'DELETED', deletionReason, deletedAtMs: this.#nowMs(), purgeAtMs } as const;
    return this.#write(record, { patch, event: { kind: 'deleted', actor, detail: { deletionReason } } });
  }

  async #join({ id: artifactId, key, uploadId }: ArtifactRecord): Promise<void> {
    if (uploadId === null) return;
    const parts = (await this.#store.listParts(key, uploadId)) ?? [];
    if (parts.length > 0) await this.#store.completeUpload({ key, uploadId, artifactId, parts });
  }

  async #removeBytes({ key }: ArtifactRecord): Promise<void> {
    for (const { uploadId } of await this.#store.listUploads(key)) await this.#store.abortUpload(key, uploadId);
    for (const { versionId } of await this.#store.listVersions(key)) await this.#store.deleteVersion(key, versionId);
  }

  #write(record: ArtifactRecord, change: Change): Promise<ArtifactRecord> {
    const { patch, event } = byRequest(change, this.#requestIds.get(record.id));
    return this.#records.change({
      artifactId: record.id,
      changeNumber: record.revision + 1,
      atMs: this.#nowMs(),
      patch,
      event,
    });
  }
}
