import { createHash, randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import type { ErrorCode } from '../../../src/domain/errors.js';
import { artifactKey, canonicalPath, fileNameOf } from '../../../src/domain/keys.js';
import { planParts } from '../../../src/domain/part-plan.js';
import type { ArtifactJson, UploadJson } from '../../../src/sdk/wire.js';
import type { FakeStore } from './store.js';

/** A problem to be answered. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly options: { status?: number; retryAfterSeconds?: number };

  constructor(code: ErrorCode, message: string, options: { status?: number; retryAfterSeconds?: number } = {}) {
    super(message);
    this.code = code;
    this.options = options;
  }
}

interface Answer {
  status: number;
  body: unknown;
}

interface Entry {
  json: ArtifactJson;
  upload: { sizeBytes: number | null; sha256: string | null };
}

const DAY_MS = 86_400_000;
const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const textOf = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
const iso = (afterMs = 0): string => new Date(Date.now() + afterMs).toISOString();
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
    if (verb === 'POST artifacts') return this.#begin(executionId, isRecord(body) ? body : {});
    if (all.length === 0) throw new Refusal('execution_not_found', `no execution ${executionId}`);
    if (verb === 'DELETE artifacts') {
      const live = all.filter((json) => json.status !== 'DELETED');
      for (const json of live) this.#delete(json);
      const deletionId = query.get('deletionId') ?? randomUUID();
      const known = this.#deletions.get(deletionId) ?? live.length;
      this.#deletions.set(deletionId, known);
      const body = { deletionId, deleted: known, held: 0, underWay: 0, orphaned: 0 };
      if (this.unfinishedDeletions === 0) return { status: 200, body: { ...body, finished: true } };
      this.unfinishedDeletions -= 1;
      return { status: 202, body: { ...body, finished: false } };
    }
    const start = Number(query.get('cursor') ?? 0);
    const wanted = all.filter((json) => (query.get('type') ?? json.type) === json.type);
    const next = start + this.pageSize;
    const items = wanted.slice(start, next);
    return { status: 200, body: { items, nextCursor: next < wanted.length ? String(next) : null } };
  }

  ofArtifact(verb: string, id: string, body: unknown): Answer {
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
    if (verb === 'POST upload/abort' || verb === 'DELETE ') {
      this.#delete(json);
      return artifact;
    }
    if (json.status === 'DELETED') throw new Refusal('artifact_deleted', 'it has been deleted');
    if (verb === 'POST download-url') return this.#downloadUrl(json, input);
    if (verb === 'PUT retention') Object.assign(json, retention(input));
    else if (verb === 'POST archive') json.status = 'ARCHIVED';
    else if (verb === 'POST restore') json.status = 'ACTIVE';
    else throw new Refusal('route_not_found', verb);
    return artifact;
  }

  content(id: string, response: ServerResponse): void {
    const { json } = this.#entry(id);
    if (json.status === 'DELETED') throw new Refusal('artifact_deleted', 'it has been deleted');
    const bytes = this.contentOverride ?? this.#store.body(pathOf(json));
    const range = /^bytes=(\d+)-(\d*)$/.exec(String(response.req.headers.range ?? ''));
    const start = Number(range?.[1] ?? 0);
    const part = bytes.subarray(start, range?.[2] ? Number(range[2]) + 1 : bytes.length);
    response.writeHead(range === null ? 200 : 206, { etag: `"${json.checksum}"`, 'content-length': part.length });
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

  #begin(executionId: string, body: Record<string, unknown>): Answer {
    const path = canonicalPath(String(body['fileName']));
    const sizeBytes = typeof body['sizeBytes'] === 'number' ? body['sizeBytes'] : null;
    const sha256 = typeof body['sha256'] === 'string' ? body['sha256'] : null;
    for (const { json, upload } of this.entries.values()) {
      if (json.executionId !== executionId || json.path !== path || json.status === 'DELETED') continue;
      if (sha256 === null || upload.sizeBytes !== sizeBytes || upload.sha256 !== sha256)
        throw new Refusal('path_taken', `${path} is taken`);
      const running = json.status === 'UPLOADING' ? this.#upload(json, sizeBytes, sha256) : null;
      return { status: 200, body: { artifact: json, upload: running } };
    }
    const json = newArtifact(executionId, path, body);
    this.entries.set(json.id, { json, upload: { sizeBytes, sha256 } });
    return { status: 201, body: { artifact: json, upload: this.#upload(json, sizeBytes, sha256) } };
  }

  #upload(json: ArtifactJson, sizeBytes: number | null, sha256: string | null): UploadJson {
    const plan = planParts(sizeBytes);
    if (plan.kind === 'single') return { kind: 'single', request: this.#request(json, 0, sha256 ?? '') };
    return { ...plan, partSizeBytes: this.partSizeBytes ?? plan.partSizeBytes };
  }

  #request(
    json: ArtifactJson,
    partNumber: number,
    sha256: string,
  ): { method: 'PUT' } & Record<string, unknown> & {
      url: string;
      headers: Record<string, string>;
      expiresAt: string;
    } {
    const checksum = Buffer.from(sha256, 'hex').toString('base64');
    const url = `${this.#url()}${pathOf(json)}${partNumber === 0 ? '' : `?partNumber=${partNumber}`}`;
    return { method: 'PUT', url, headers: { 'x-amz-checksum-sha256': checksum }, expiresAt: iso(60_000) };
  }

  #signParts(json: ArtifactJson, body: Record<string, unknown>): Answer {
    if (json.status !== 'UPLOADING') throw new Refusal('not_uploading', 'it is over');
    const parts = Array.isArray(body['parts']) ? body['parts'].filter(isRecord) : [];
    const signed = parts.map((part) => {
      const partNumber = Number(part['partNumber']);
      return { partNumber, request: this.#request(json, partNumber, String(part['sha256'])) };
    });
    return { status: 200, body: { parts: signed } };
  }

  #status({ json, upload }: Entry): Answer {
    const receivedParts = this.#store.parts(pathOf(json));
    const receivedBytes = receivedParts.reduce((sum, part) => sum + part.sizeBytes, 0);
    const percent = upload.sizeBytes === null ? null : (100 * receivedBytes) / upload.sizeBytes;
    return { status: 200, body: { artifact: json, upload: null, receivedBytes, receivedParts, percent } };
  }

  #complete({ json, upload }: Entry, body: Record<string, unknown>): Answer {
    const stored = this.#store.body(pathOf(json));
    const sha256 = sha256Of(stored);
    if (body['sizeBytes'] !== stored.length) throw new Refusal('size_mismatch', `${stored.length} bytes are stored`);
    if (body['sha256'] !== sha256) throw new Refusal('checksum_mismatch', 'other bytes are stored');
    Object.assign(json, { status: 'ACTIVE', fileSize: stored.length, checksum: sha256, checksumState: 'verified' });
    Object.assign(json, { expiresAt: iso(30 * DAY_MS), uploadDeadline: null });
    upload.sizeBytes ??= stored.length;
    return { status: 200, body: { artifact: json } };
  }

  #downloadUrl(json: ArtifactJson, body: Record<string, unknown>): Answer {
    const { fileName, fileSize, checksum } = json;
    const seconds = typeof body['expiresIn'] === 'number' ? body['expiresIn'] : 300;
    const url = `${this.#url()}${pathOf(json)}`;
    return { status: 200, body: { url, expiresAt: iso(seconds * 1_000), fileName, fileSize, checksum } };
  }

  #delete(json: ArtifactJson): void {
    json.deletionReason = json.status === 'UPLOADING' ? 'upload_aborted' : 'requested';
    Object.assign(json, { status: 'DELETED', deletedAt: iso(), expiresAt: null, uploadDeadline: null });
    this.#store.objects.delete(pathOf(json));
  }
}

const pathOf = (json: ArtifactJson): string => `/store/${json.id}`;

function newArtifact(executionId: string, path: string, body: Record<string, unknown>): ArtifactJson {
  const id = randomUUID();
  return {
    ...{ id, executionId, path, fileName: fileNameOf(path), filePath: artifactKey(executionId, path) },
    ...{ fileSize: Number(body['sizeBytes'] ?? 0), checksum: textOf(body['sha256'], ''), checksumState: 'claimed' },
    ...{ mimeType: textOf(body['mimeType'], 'application/octet-stream'), type: 'other', status: 'UPLOADING' },
    ...{ tier: 'HOT', storageClass: 'STANDARD', retention: { rule: 'default', days: 30 } },
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
      tiering: { warmAfterDays: 30, coldAfterDays: 90 },
      uploadDeadline: iso(DAY_MS),
      workflowId: `artifact/${id}`,
    },
  };
}

function retention(body: Record<string, unknown>): Partial<ArtifactJson> {
  if (body['permanent'] === true)
    return {
      retention: { rule: 'permanent', by: 'tester', reason: textOf(body['reason'], ''), at: iso() },
      expiresAt: null,
    };
  return { retention: { rule: 'artifact', days: Number(body['days']) }, expiresAt: iso(Number(body['days']) * DAY_MS) };
}
