import { createHash } from 'node:crypto';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { mapConcurrently } from '../../domain/concurrency.js';
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
import { byKey, type ExecutionVersions, type KeyVersions } from './bucket-walk.js';
import type { RebuildDeps, RebuildOptions } from './deps.js';
import {
  askLives,
  AT_ONCE,
  gather,
  idsListed,
  idsThere,
  isClaimed,
  manifestOf,
  type Claim,
  type ExecutionEvidence,
} from './evidence.js';
import type { ReadManifest } from './read-manifest.js';

const PAGE = 500;
/** Of one key, far more than anybody keeps. */
const VERSIONS_OF_KEY = 1_000;
const NOTHING_LED = { executionId: null, claims: [], tenantId: null };

/** Makes missing rows again, from the most trusted evidence of each, or only counts them. */
export class RowRestorer {
  /** Lives whose row was missing and, after all that could be done, still is. */
  readonly #handled = new Set<string>();
  /** What those of the execution that is being looked at say of their bytes, and whose they are. */
  #led: { executionId: string | null; claims: Claim[]; tenantId: string | null } = NOTHING_LED;
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

  /** Everything of one execution of which the bucket has something, or of a part of it: of the first part first. */
  async execution(part: ExecutionVersions): Promise<void> {
    const { executionId } = part;
    if (executionId === null) {
      for (const version of part.versions) if (!version.isDeleteMarker) this.#leaveOut('foreign', version);
      return;
    }
    await this.#pause();
    const read = await manifestOf(this.#deps, executionId, part);
    const manifest = read === 'unreadable' ? null : read;
    if (part.afterKey === null) {
      if (read === 'unreadable') this.#unreadable(executionId);
      await this.#livesOf(executionId, manifest);
    }
    for (let entry = 0; entry < (manifest?.unreadable ?? 0); entry += 1) this.#unreadable(executionId);
    const evidence = await gather(this.#deps, { ...part, executionId }, manifest);
    evidence.tenantId ??= this.#led.tenantId;
    for (const claim of this.#led.claims) if (evidence.keys.has(claim.key)) addClaim(evidence, claim);
    const known = new Set(evidence.there);
    const missing = (manifest?.records ?? []).filter(({ id }) => {
      const isKnown = known.has(id) || this.#handled.has(id);
      known.add(id);
      return !isKnown;
    });
    await mapConcurrently(missing, AT_ONCE, (record) => this.#listed(evidence, record, part));
    await mapConcurrently([...evidence.keys.values()], AT_ONCE, (versions) => this.#object(evidence, versions, known));
  }

  /** Lives of which the bucket has nothing, as of an upload that has just begun. */
  async livesAlone(ids: readonly string[]): Promise<void> {
    await this.#missingLives(ids, null, null);
  }

  async #livesOf(executionId: string, manifest: ReadManifest | null): Promise<void> {
    this.#led = { ...NOTHING_LED, executionId, claims: [] };
    const execution = await this.#deps.records.getExecution(executionId);
    const days = execution === null ? (manifest?.head.retentionDays ?? null) : execution.retentionDays;
    for await (const ids of inPages(this.#deps.running.list(executionId)))
      await this.#missingLives(ids, executionId, days);
  }

  /** @param executionId of which all of them are; null: of any, of which the bucket has no manifest. */
  async #missingLives(ids: readonly string[], executionId: string | null, days: number | null): Promise<void> {
    const there = await idsThere(this.#deps, ids);
    const missing = ids.filter((id) => !there.has(id) && !this.#handled.has(id));
    const listed = (waiting: Set<string>): Promise<Set<string>> =>
      executionId === null ? Promise.resolve(new Set()) : idsListed(this.#deps, executionId, waiting);
    const { lives, silent } = await askLives(this.#deps, missing, listed, this.#pause);
    for (const subject of silent) {
      this.#handled.add(subject);
      leaveOut(this.#report, { reason: 'silent', subject, sizeBytes: 0 });
    }
    for (const { awaitsPublication, ...record } of lives)
      if (awaitsPublication !== null) await this.#openPublication(record, awaitsPublication, days);
    await mapConcurrently(lives, AT_ONCE, async (record) => {
      const isThere = await this.#restore(record, 'workflow', days);
      if (isThere) return;
      this.#handled.add(record.id);
      if (record.executionId !== this.#led.executionId) return;
      const { key, versionId, etag } = record;
      this.#led.claims.push({ key, versionId, etag });
      this.#led.tenantId ??= record.tenantId;
    });
  }

  /** So that it can still be committed, or is given up as a whole. */
  async #openPublication(
    record: Pick<ArtifactRecord, 'executionId' | 'tenantId' | 'createdAtMs'>,
    id: string,
    days: number | null,
  ): Promise<void> {
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
  async #listed(evidence: ExecutionEvidence, record: ArtifactRecord, part: ExecutionVersions): Promise<void> {
    const versions = evidence.keys.get(record.key) ?? (await this.#elsewhere(record.key, part));
    const found = versions === undefined ? 'bytes_gone' : await this.#bytesOf(record, versions);
    if (typeof found === 'string') {
      leaveOut(this.#report, { reason: found, subject: record.id, sizeBytes: record.sizeBytes ?? 0 });
      return;
    }
    addClaim(evidence, found);
    await this.#restore(found, 'manifest', evidence.retentionDays);
  }

  /** Stores list in an order of their own: what is not in its part may still be in another one. */
  async #elsewhere(key: string, { afterKey, throughKey }: ExecutionVersions): Promise<KeyVersions | undefined> {
    if (afterKey === null && throughKey === null) return undefined;
    await this.#pause();
    const { versions } = await this.#deps.store.listInventory({ prefix: key, cursor: null, limit: VERSIONS_OF_KEY });
    return byKey(versions).get(key);
  }

  async #bytesOf(
    record: ArtifactRecord,
    { top, bytes, hiddenAtMs }: KeyVersions,
  ): Promise<ArtifactRecord | 'bytes_gone' | 'deleted'> {
    let isForeignOnTop = false;
    if (!top.isDeleteMarker) {
      if (namesBytes(record, top)) return record;
      const info = await this.#head(top);
      if (info?.owner?.artifactId === record.id) return withCopy(record, info);
      isForeignOnTop = info !== null && info.owner === null;
    }
    for (const version of bytes) {
      // Whoever wrote over it by other means did not delete it: it is read by its version.
      const wasHidden = hiddenAtMs !== null && hiddenAtMs >= version.lastModifiedMs;
      if (isForeignOnTop && !wasHidden && namesBytes(record, version)) return record;
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
    const isKnown = known.has(owner.artifactId) || this.#handled.has(owner.artifactId);
    if (isKnown || (await this.#isThere(owner.artifactId))) return;
    if (top.isDeleteMarker) return this.#leaveOut('deleted', newest);
    const { key, versionId } = newest;
    await this.#pause();
    const tags = (await this.#deps.store.getTags({ key, versionId })) ?? {};
    const facts: StoredFacts = { ...info, owner, tags };
    const path = pathOfObject(facts);
    if (path === null || owner.executionId !== evidence.executionId) return this.#leaveOut('foreign', newest);
    const tenantId = evidence.tenantId ?? this.#options.tenantId;
    if (tenantId === null) return this.#leaveOut('tenant_unknown', newest);
    // Two keys may say the same of themselves, and be looked at together.
    if (known.has(owner.artifactId)) return;
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

  /** @returns whether the row is there now. */
  async #restore(record: ArtifactRecord, from: Evidence, retentionDays: number | null): Promise<boolean> {
    const { apply } = this.#options;
    if (apply) {
      await this.#pause();
      try {
        await this.#deps.records.restoreRow(record, { actor: RESTORER, detail: { from }, retentionDays });
      } catch (error) {
        const code = error instanceof ArtifactError ? error.code : null;
        if (code !== 'path_taken' && code !== 'execution_not_found') throw error;
        leaveOut(this.#report, { reason: code, subject: record.id, sizeBytes: record.sizeBytes ?? 0 });
        return false;
      }
    }
    this.#report.rows[from].artifacts += 1;
    this.#report.rows[from].bytes += record.sizeBytes ?? 0;
    return apply;
  }

  async #head({ key, versionId }: ListedVersion): Promise<ObjectInfo | null> {
    await this.#pause();
    return this.#deps.store.head({ key, versionId });
  }

  #isThere = async (id: string): Promise<boolean> => (await this.#deps.rows.findByIds([id])).length > 0;

  #unreadable(subject: string): void {
    leaveOut(this.#report, { reason: 'unreadable', subject, sizeBytes: 0 });
  }

  #leaveOut(reason: ReasonLeftOut, { key, sizeBytes }: ListedVersion): void {
    leaveOut(this.#report, { reason, subject: key, sizeBytes });
  }
}

function addClaim({ claims }: ExecutionEvidence, claim: Claim): void {
  claims.set(claim.key, [...(claims.get(claim.key) ?? []), claim]);
}

/** The ids, so many at a time. */
export async function* inPages(ids: AsyncIterable<string>): AsyncGenerator<string[]> {
  let page: string[] = [];
  for await (const id of ids) {
    page.push(id);
    if (page.length < PAGE) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}
