import { createHash } from 'node:crypto';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { ArtifactError } from '../../domain/errors.js';
import {
  pathOfObject,
  recordOfObject,
  RESTORER,
  sha256OfObject,
  type Assumptions,
  type StoredFacts,
} from '../../domain/object-records.js';
import { leaveOut, type Evidence, type ReasonLeftOut, type RebuildReport } from '../../domain/rebuild.js';
import { namesBytes, withCopy } from '../../domain/rebuilt-rows.js';
import type { ListedVersion, ObjectInfo } from '../../storage/object-store.js';
import type { ExecutionVersions, KeyVersions } from './bucket-walk.js';
import type { RebuildDeps, RebuildOptions } from './deps.js';
import { askLives, gather, idsThere, isClaimed, type ExecutionEvidence } from './evidence.js';

/** Makes missing rows again, from the most trusted evidence of each, or only counts them. */
export class RowRestorer {
  /** Lives whose row was missing: handled, whatever became of them. */
  readonly #handled = new Set<string>();
  readonly #deps: RebuildDeps;
  readonly #options: RebuildOptions;
  readonly #report: RebuildReport;
  readonly #pause: () => Promise<void>;

  constructor(deps: RebuildDeps, options: RebuildOptions, report: RebuildReport, pause: () => Promise<void>) {
    this.#deps = deps;
    this.#options = options;
    this.#report = report;
    this.#pause = pause;
  }

  /** Everything of one execution of which the bucket has something. */
  async execution(found: ExecutionVersions): Promise<void> {
    const { executionId } = found;
    if (executionId === null) {
      for (const version of found.versions) if (!version.isDeleteMarker) this.#leaveOut('foreign', version);
      return;
    }
    const evidence = await gather(this.#deps, { ...found, executionId }, this.#pause);
    this.#report.rowsThere += evidence.there.size;
    if (evidence.isManifestUnreadable)
      leaveOut(this.#report, { reason: 'unreadable', subject: executionId, sizeBytes: 0 });
    for (let entry = 0; entry < (evidence.manifest?.unreadable ?? 0); entry += 1)
      leaveOut(this.#report, { reason: 'unreadable', subject: executionId, sizeBytes: 0 });
    await this.#lives(evidence);
    const alive = new Set([...evidence.lives.map(({ id }) => id), ...evidence.silent]);
    const known = new Set([...evidence.there, ...alive]);
    for (const record of evidence.manifest?.records ?? []) {
      if (known.has(record.id)) continue;
      known.add(record.id);
      await this.#listed(evidence, record);
    }
    for (const versions of evidence.keys.values()) await this.#object(evidence, versions, known);
  }

  /** Lives of which the bucket has nothing, as of an upload that has just begun. */
  async livesAlone(ids: readonly string[]): Promise<void> {
    const there = await idsThere(this.#deps, ids);
    const missing = ids.filter((id) => !there.has(id) && !this.#handled.has(id));
    const { lives, silent } = await askLives(this.#deps, missing, () => false, this.#pause);
    await this.#lives({ lives, silent, retentionDays: null });
  }

  async #lives({ lives, silent, retentionDays }: Pick<ExecutionEvidence, 'lives' | 'silent' | 'retentionDays'>) {
    for (const subject of silent) {
      this.#handled.add(subject);
      leaveOut(this.#report, { reason: 'silent', subject, sizeBytes: 0 });
    }
    for (const record of lives) {
      this.#handled.add(record.id);
      if (record.awaitsPublication !== null)
        await this.#openPublication(record, record.awaitsPublication, retentionDays);
      await this.#restore(record, 'workflow', retentionDays);
    }
  }

  /** So that it can still be committed, or is given up as a whole. */
  async #openPublication(record: ArtifactRecord, id: string, days: number | null): Promise<void> {
    this.#report.hidden += 1;
    if (!this.#options.apply) return;
    const { executionId, tenantId, createdAtMs: atMs } = record;
    try {
      // It makes the execution, of whose retention it knows nothing.
      if (days !== null) await this.#deps.records.setExecutionRetention({ executionId, tenantId, days });
      await this.#deps.records.beginPublication({ executionId, id, tenantId, atMs, actor: RESTORER });
    } catch (error) {
      // What waits for it meets the same, and is left out.
      if (!(error instanceof ArtifactError) || error.code !== 'execution_not_found') throw error;
    }
  }

  /** One that the manifest lists: only if it has its bytes. */
  async #listed(evidence: ExecutionEvidence, record: ArtifactRecord): Promise<void> {
    const versions = evidence.keys.get(record.key);
    const found = versions === undefined ? 'bytes_gone' : await this.#bytesOf(record, versions);
    if (typeof found === 'string') {
      leaveOut(this.#report, { reason: found, subject: record.id, sizeBytes: record.sizeBytes ?? 0 });
      return;
    }
    const { key } = record;
    evidence.claims.set(key, [...(evidence.claims.get(key) ?? []), found]);
    await this.#restore(found, 'manifest', evidence.retentionDays);
  }

  async #bytesOf(
    record: ArtifactRecord,
    { top, bytes }: KeyVersions,
  ): Promise<ArtifactRecord | 'bytes_gone' | 'deleted'> {
    if (!top.isDeleteMarker) {
      if (namesBytes(record, top)) return record;
      const info = await this.#head(top);
      if (info?.owner?.artifactId === record.id) return withCopy(record, info);
    }
    for (const version of bytes) {
      const isOwn = namesBytes(record, version) || (await this.#head(version))?.owner?.artifactId === record.id;
      if (isOwn) return 'deleted';
    }
    return 'bytes_gone';
  }

  /** What lies on top of a key, if no row names it. */
  async #object(evidence: ExecutionEvidence, { top, bytes }: KeyVersions, known: Set<string>): Promise<void> {
    const [newest] = top.isDeleteMarker ? bytes : [top];
    if (newest === undefined || isClaimed(evidence, newest)) return;
    const info = await this.#head(newest);
    if (info === null) return;
    const { owner } = info;
    if (owner === null) return this.#leaveOut('foreign', newest);
    if (known.has(owner.artifactId) || (await this.#isThere(owner.artifactId))) return;
    if (top.isDeleteMarker) return this.#leaveOut('deleted', newest);
    const { key, versionId } = newest;
    const tags = (await this.#deps.store.getTags({ key, versionId })) ?? {};
    const facts: StoredFacts = { ...info, owner, tags };
    const path = pathOfObject(facts);
    if (path === null || owner.executionId !== evidence.executionId) return this.#leaveOut('foreign', newest);
    const tenantId = evidence.tenantId ?? this.#options.tenantId;
    if (tenantId === null) return this.#leaveOut('tenant_unknown', newest);
    known.add(owner.artifactId);
    const record = recordOfObject(facts, path, await this.#sha256(facts), {
      ...this.#assumptions(),
      tenantId,
      executionDays: evidence.retentionDays,
    });
    await this.#restore(record, 'object', evidence.retentionDays);
  }

  #assumptions(): Omit<Assumptions, 'tenantId' | 'executionDays'> {
    const { policy, defaultRetentionDays } = this.#options;
    return { policy, defaultRetentionDays, nowMs: Date.now() };
  }

  /** Rarely nowhere, and then it is computed from the bytes, once they are needed. */
  async #sha256(facts: StoredFacts): Promise<string> {
    const told = sha256OfObject(facts);
    if (told !== null || !this.#options.apply) return told ?? '';
    const hash = createHash('sha256');
    const body = await this.#deps.store.read(facts, { signal: this.#options.signal });
    if (body !== null) for await (const chunk of body) hash.update(chunk as Buffer);
    return hash.digest('hex');
  }

  async #restore(record: ArtifactRecord, from: Evidence, retentionDays: number | null): Promise<void> {
    const { apply } = this.#options;
    if (apply) {
      await this.#pause();
      try {
        await this.#deps.records.restoreRow(record, { actor: RESTORER, detail: { from }, retentionDays });
      } catch (error) {
        const code = error instanceof ArtifactError ? error.code : null;
        if (code !== 'path_taken' && code !== 'execution_not_found') throw error;
        leaveOut(this.#report, { reason: code, subject: record.id, sizeBytes: record.sizeBytes ?? 0 });
        return;
      }
    }
    this.#report.rows[from].artifacts += 1;
    this.#report.rows[from].bytes += record.sizeBytes ?? 0;
  }

  async #head({ key, versionId }: ListedVersion): Promise<ObjectInfo | null> {
    await this.#pause();
    return this.#deps.store.head({ key, versionId });
  }

  #isThere = async (id: string): Promise<boolean> => (await this.#deps.rows.findByIds([id])).length > 0;

  #leaveOut(reason: ReasonLeftOut, { key, sizeBytes }: ListedVersion): void {
    leaveOut(this.#report, { reason, subject: key, sizeBytes });
  }
}
