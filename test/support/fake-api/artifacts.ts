import { createHash, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { ListQuerystring } from '../../../src/api/schemas/artifact.js';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import { ARTIFACT_TYPES, type ArtifactType } from '../../../src/domain/artifact.js';
import { artifactKey, canonicalPath, fileNameOf } from '../../../src/domain/keys.js';
import { planParts } from '../../../src/domain/part-plan.js';
import { requireReplaceable, requireSameUpload } from '../../../src/domain/same-upload.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { progressOf } from '../../../src/domain/upload-progress.js';
import type { ArtifactJson, UploadJson } from '../../../src/sdk/wire.js';
import { Refusal, iso, isRecord, orRefuse, textOf, type Answer } from './answers.js';
import { FakeHolds, requireNotHeld, retention, setTags } from './keeping.js';
import type { FakeStore } from './store.js';

interface Entry {
  json: ArtifactJson;
  upload: Pick<ArtifactRecord, 'sizeBytes' | 'sha256' | 'idempotencyKey' | 'sourceModifiedAtMs'>;
}

const artifactTypeOf = (type: unknown): ArtifactType => ARTIFACT_TYPES.find((known) => known === type) ?? 'other';
const sha256Of = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** The rows and the rules of the contract. */
export class FakeArtifacts {
  readonly entries = new Map<string, Entry>();
  /** Page size of lists. */
  pageSize = 50;
  /** Every content answer gets these bytes instead of the stored ones. */
  contentOverride: Buffer | undefined;
  /** The content answer is cut after so many bytes, once. */
  cutContentAfterBytes: number | undefined;
  /** Parts of this size whatever the domain plans; for tests with small files. */
  partSizeBytes: number | undefined;
  /** So often, a deletion of an execution is answered as not finished. */
  unfinishedDeletions = 0;
  /** What each deletion of an execution has deleted. */
  readonly #deletions = new Map<string, number>();
  readonly #holds = new FakeHolds();
  /** Bytes of what is deleted and can be brought back, by object path. */
  readonly #hidden = new Map<string, Map<number, Buffer>>();
  readonly #store: FakeStore;
  readonly #url: () => string;

  constructor(store: FakeStore, url: () => string) {
    this.#store = store;
    this.#url = url;
  }

  only(): ArtifactJson {
    const [entry] = this.entries.values();
    if (entry === undefined || this.entries.size !== 1) throw new Error(`${this.entries.size} artifacts, not one`);
    return entry.json;
  }

  paths(): string[] {
    return [...this.entries.values()].map(({ json }) => json.path);
  }

  ofExecution(verb: string, executionId: string, query: URLSearchParams, body: unknown): Answer {
    const all = [...this.entries.values()].map(({ json }) => json).filter((json) => json.executionId === executionId);
    if (verb === 'POST artifacts')
      return this.#begin(executionId, isRecord(body) ? body : {}, query.get('idempotencyKey'));
    if (all.length === 0) throw new Refusal('execution_not_found', `no execution ${executionId}`);
    if (verb === 'DELETE artifacts') {
      const live = all.filter((json) => json.status !== 'DELETED');
      for (const json of live) this.#delete(json, false);
      const deletionId = query.get('deletionId') ?? randomUUID();
      const known = this.#deletions.get(deletionId) ?? live.length;
      this.#deletions.set(deletionId, known);
      const body = { deletionId, deleted: known, held: 0, underWay: 0, orphaned: 0 };
      if (this.unfinishedDeletions === 0) return { status: 200, body: { ...body, finished: true } };
      this.unfinishedDeletions -= 1;
      return { status: 202, body: { ...body, finished: false } };
    }
    const start = Number(query.get('cursor') ?? 0);
    const unknown = [...query.keys()].find((name) => !Object.hasOwn(ListQuerystring.properties, name));
    if (unknown !== undefined) throw new Refusal('invalid_request', `${unknown} is no parameter of a list`);
    const [type, path = ''] = [query.get('type'), query.get('path') ?? undefined];
    const wanted = all.filter((json) => (type ?? json.type) === json.type && json.path.startsWith(path));
    const next = start + this.pageSize;
    const items = wanted.slice(start, next);
    return { status: 200, body: { items, nextCursor: next < wanted.length ? String(next) : null } };
  }

  ofArtifact(verb: string, id: string, { query, body }: { query: URLSearchParams; body: unknown }): Answer {
    const entry = this.#entry(id);
    const { json } = entry;
    const input = isRecord(body) ? body : {};
    const artifact = { status: 200, body: { artifact: json } };
    if (verb === 'GET ') return artifact;
    if (verb === 'GET upload') return this.#status(entry);
    if (verb === 'GET history')
      return { status: 200, body: { items: [{ kind: 'upload_begun', actor: 'tester', at: iso(), detail: {} }] } };
    if (verb === 'POST upload/parts') return this.#signParts(json, input);
    if (verb === 'POST upload/complete') return this.#complete(entry, input);
    const aboutHolds = this.#holds.answer(verb, json, input);
    if (aboutHolds !== null) return aboutHolds;
    if (verb === 'POST upload/abort' && json.status === 'ACTIVE') throw new Refusal('not_uploading', 'it is over');
    if (verb === 'POST upload/abort' || verb === 'DELETE ') {
      this.#delete(json, query.get('purge') === 'true');
      return artifact;
    }
    if (verb === 'POST undelete') {
      this.#undelete(json);
      return artifact;
    }
    if (json.status === 'DELETED') throw new Refusal('artifact_deleted', 'it has been deleted');
    if (verb === 'POST download-url') return this.#downloadUrl(json, input);
    if (verb === 'PUT tags' || verb === 'PATCH tags') setTags(json, input, verb === 'PATCH tags');
    else if (verb === 'PUT retention') Object.assign(json, retention(input));
    else if (verb === 'POST archive') json.status = 'ARCHIVED';
    else if (verb === 'POST restore') restore(json, input['tier'] === 'Bulk');
    else throw new Refusal('route_not_found', verb);
    return artifact;
  }

  content(id: string, response: ServerResponse): void {
    const { json } = this.#entry(id);
    if (json.status === 'DELETED') throw new Refusal('artifact_deleted', 'it has been deleted');
    if (json.status === 'ARCHIVED') throw new Refusal('not_downloadable', 'it is in the archive');
    const isForced = response.req.url?.endsWith('?force=true') === true;
    if (json.checksumState === 'mismatch' && !isForced) throw new Refusal('content_mismatch', 'it was read back');
    const bytes = this.contentOverride ?? this.#store.body(pathOf(json));
    const range = /^bytes=(\d+)-(\d*)$/.exec(String(response.req.headers.range ?? ''));
    const start = Number(range?.[1] ?? 0);
    const part = bytes.subarray(start, range?.[2] ? Number(range[2]) + 1 : bytes.length);
    const etag = isForced ? {} : { etag: `"${json.checksum}"` };
    response.writeHead(range === null ? 200 : 206, { ...etag, 'content-length': part.length });
    const cut = this.cutContentAfterBytes;
    this.cutContentAfterBytes = undefined;
    if (cut === undefined) response.end(part);
    else response.write(part.subarray(0, cut), () => setTimeout(() => response.destroy(), 20));
  }

  #entry(id: string): Entry {
    const entry = this.entries.get(id);
    if (entry === undefined) throw new Refusal('artifact_not_found', `no artifact ${id}`);
    return entry;
  }

  #begin(executionId: string, body: Record<string, unknown>, idempotencyKey: string | null): Answer {
    const path = canonicalPath(String(body['fileName']));
    const sizeBytes = typeof body['sizeBytes'] === 'number' ? body['sizeBytes'] : null;
    const sha256 = typeof body['sha256'] === 'string' ? body['sha256'] : null;
    const modifiedAt = body['sourceModifiedAt'];
    const sourceModifiedAtMs = typeof modifiedAt === 'string' ? Date.parse(modifiedAt) : null;
    const wanted = { sizeBytes, sha256, idempotencyKey, sourceModifiedAtMs };
    for (const { json, upload } of this.entries.values()) {
      if (json.executionId !== executionId || json.path !== path || json.status === 'DELETED') continue;
      const { id, status, checksumState } = json;
      const existing = { ...upload, id, path, status, checksumState, deletionReason: null, awaitsPublication: null };
      try {
        orRefuse(() => requireSameUpload(existing, wanted));
      } catch (error) {
        const isTaken = error instanceof Refusal && error.code === 'path_taken';
        if (!isTaken || body['replace'] !== true) throw error;
        orRefuse(() => requireReplaceable(existing, wanted));
        this.#delete(json, false);
        continue;
      }
      const running = json.status === 'UPLOADING' ? this.#upload(json, sizeBytes, sha256) : null;
      return { status: 200, body: { artifact: json, created: false, upload: running } };
    }
    const json = newArtifact(executionId, path, body);
    this.entries.set(json.id, { json, upload: wanted });
    return { status: 201, body: { artifact: json, created: true, upload: this.#upload(json, sizeBytes, sha256) } };
  }

  #upload(json: ArtifactJson, sizeBytes: number | null, sha256: string | null): UploadJson {
    const plan = planParts(sizeBytes);
    if (plan.kind === 'single') return { kind: 'single', request: this.#request(json, 0, { sha256: sha256 ?? '' }) };
    return { ...plan, partSizeBytes: this.partSizeBytes ?? plan.partSizeBytes };
  }

  #request(
    json: ArtifactJson,
    partNumber: number,
    checksum: { sha256: string } | { crc32: string },
  ): { method: 'PUT' } & Record<string, unknown> & {
      url: string;
      headers: Record<string, string>;
      expiresAt: string;
    } {
    const url = `${this.#url()}${pathOf(json)}${partNumber === 0 ? '' : `?partNumber=${partNumber}`}`;
    const headers = Object.fromEntries(
      Object.entries(checksum).map(([name, hex]) => [
        `x-amz-checksum-${name}`,
        Buffer.from(hex, 'hex').toString('base64'),
      ]),
    );
    return { method: 'PUT', url, headers, expiresAt: iso(60_000) };
  }

  #signParts(json: ArtifactJson, body: Record<string, unknown>): Answer {
    if (json.status !== 'UPLOADING') throw new Refusal('not_uploading', 'it is over');
    const parts = Array.isArray(body['parts']) ? body['parts'].filter(isRecord) : [];
    const signed = parts.map((part) => {
      const partNumber = Number(part['partNumber']);
      return { partNumber, request: this.#request(json, partNumber, { crc32: String(part['crc32']) }) };
    });
    return { status: 200, body: { parts: signed } };
  }

  #status({ json, upload }: Entry): Answer {
    const receivedParts = this.#store.parts(pathOf(json));
    const { sizeBytes } = upload;
    const parts = receivedParts.map((part) => ({ ...part, lastModifiedMs: Date.now() }));
    const progress = progressOf({ sizeBytes, partSizeBytes: null, createdAtMs: Date.now() }, parts, Date.now());
    return { status: 200, body: { artifact: json, upload: null, receivedParts, ...progress } };
  }

  #complete({ json, upload }: Entry, body: Record<string, unknown>): Answer {
    const stored = this.#store.body(pathOf(json));
    const sha256 = sha256Of(stored);
    if (body['sizeBytes'] !== stored.length) throw new Refusal('size_mismatch', `${stored.length} bytes are stored`);
    if (body['sha256'] !== sha256) throw new Refusal('checksum_mismatch', 'other bytes are stored');
    Object.assign(json, { status: 'ACTIVE', fileSize: stored.length, checksum: sha256, checksumState: 'verified' });
    const { retention } = json;
    Object.assign(json, { expiresAt: retention.rule === 'date' ? retention.expiresAt : iso(30 * DAY_MS) });
    json.uploadDeadline = null;
    Object.assign(upload, { sizeBytes: stored.length, sha256 });
    return { status: 200, body: { artifact: json } };
  }

  #downloadUrl(json: ArtifactJson, body: Record<string, unknown>): Answer {
    const { fileName, fileSize, checksum, checksumState } = json;
    if (checksumState === 'mismatch' && body['force'] !== true)
      throw new Refusal('content_mismatch', 'it was read back');
    const seconds = typeof body['expiresIn'] === 'number' ? body['expiresIn'] : 300;
    const url = `${this.#url()}${pathOf(json)}`;
    return { status: 200, body: { url, expiresAt: iso(seconds * 1_000), fileName, fileSize, checksum } };
  }

  /** As in a bucket with versions: hidden for a week, unless it never was complete. */
  #delete(json: ArtifactJson, purge: boolean): void {
    requireNotHeld(json);
    const bytes = this.#store.objects.get(pathOf(json));
    if (json.status !== 'DELETED') {
      const isComplete = json.status !== 'UPLOADING';
      json.deletionReason = isComplete ? 'requested' : 'upload_aborted';
      json.purgeAt = isComplete ? iso(7 * DAY_MS) : null;
      Object.assign(json, { status: 'DELETED', deletedAt: iso(), expiresAt: null, uploadDeadline: null });
      if (bytes !== undefined) this.#hidden.set(pathOf(json), bytes);
      this.#store.objects.delete(pathOf(json));
    }
    if (purge) json.purgeAt = null;
  }

  #undelete(json: ArtifactJson): void {
    if (json.status !== 'DELETED') return;
    if (json.purgeAt === null)
      throw new Refusal('artifact_deleted', `${json.path} cannot be brought back: it was purged`);
    this.#store.objects.set(pathOf(json), this.#hidden.get(pathOf(json)) ?? new Map<number, Buffer>());
    Object.assign(json, { status: 'ACTIVE', deletedAt: null, deletionReason: null, purgeAt: null });
    json.expiresAt = iso(30 * DAY_MS);
  }
}

/** Only what is asked for in bulk takes its time here. */
const restore = (json: ArtifactJson, isSlow: boolean): ArtifactJson =>
  isSlow
    ? Object.assign(json, { restoreState: 'in_progress', restoreEta: iso(DAY_MS / 2) })
    : Object.assign(json, { status: 'ACTIVE', restoreState: null, restoreEta: null });

const retentionAtBegin = ({ retentionDays, expiresAt }: Record<string, unknown>): ArtifactJson['retention'] =>
  retentionDays === undefined && expiresAt === undefined
    ? { rule: 'default', days: 30 }
    : retention({ days: retentionDays, expiresAt }).retention;

const pathOf = (json: ArtifactJson): string => `/store/${json.id}`;

function newArtifact(executionId: string, path: string, body: Record<string, unknown>): ArtifactJson {
  const id = randomUUID();
  return {
    ...{ id, executionId, path, fileName: fileNameOf(path), filePath: artifactKey(executionId, path) },
    ...{ fileSize: Number(body['sizeBytes'] ?? 0), checksum: textOf(body['sha256'], ''), checksumState: 'claimed' },
    ...{
      mimeType: textOf(body['mimeType'], 'application/octet-stream'),
      type: artifactTypeOf(body['type']),
      status: 'UPLOADING',
    },
    ...{ tier: 'HOT', storageClass: 'STANDARD', retention: retentionAtBegin(body) },
    tags: isRecord(body['tags'])
      ? Object.fromEntries(Object.entries(body['tags']).map(([key, value]) => [key, String(value)]))
      : {},
    ...{ createdAt: iso(), updatedAt: iso(), expiresAt: null, archivedAt: null, deletedAt: null, deletionReason: null },
    ...{
      purgeAt: null,
      warnedAt: null,
      restoreState: null,
      restoreEta: null,
      holds: [],
      tiering: {
        by: 'age',
        warmAfterDays: 30,
        coldAfterDays: 90,
        ...(isRecord(body['tiering']) ? body['tiering'] : {}),
      },
      downloads: 0,
      lastDownloadedAt: null,
      uploadDeadline: iso(DAY_MS),
      workflowId: `artifact/${id}`,
    },
  };
}
