import { createHash, randomUUID } from 'node:crypto';
import { MockActivityEnvironment } from '@temporalio/testing';
import { changeRecord } from '../../../src/activities/change-record.js';
import { createActivities, type ActivityDeps, type ArtifactLives } from '../../../src/activities/index.js';
import { MemoryArtifactRecords } from '../../../src/db/memory/memory-artifact-records.js';
import type { Announcement } from '../../../src/domain/announcements.js';
import type { ArtifactRecord, AuditKind, RecordPatch } from '../../../src/domain/artifact-record.js';
import { byOf, type ByActor } from '../../../src/domain/commands.js';
import { ArtifactError } from '../../../src/domain/errors.js';
import { held } from '../../../src/domain/holds.js';
import { canonicalPath } from '../../../src/domain/keys.js';
import type {
  FileToUpload,
  FoundFile,
  HostActivities,
  PublicationReport,
  PublishRequest,
  ScanPage,
  ScanQuery,
  UploadedFile,
  UploadFilesQuery,
} from '../../../src/domain/publish.js';
import { MIB_BYTES } from '../../../src/domain/units.js';
import { FakeWebhookSender } from '../fake-webhook-sender.js';
import { newArtifact } from '../new-artifact.js';
import { NO_OTHERS, QUIET, START_MS } from './virtual-artifact.js';
import { VirtualRun, type Sandbox, type VirtualRunOptions } from './virtual-run.js';

export const TENANT = 'acme';
const WEBHOOKS = { sender: new FakeWebhookSender(['a']), giveUpMs: 1 };
const hashOf = (content: string): string => createHash('sha256').update(content).digest('hex');

/** A file of the folder. Its content is a word; its size is of no other interest. */
interface VirtualFile {
  content: string;
  sizeBytes: number;
}

/**
 * A folder on a host, the rows of its execution, and lives that do as they are told at once: everything around `publishOutputs`. The
 * activities of the main worker are the real ones, those of the host are fakes.
 */
export class VirtualPublication implements HostActivities {
  readonly executionId = randomUUID();
  readonly records = new MemoryArtifactRecords();
  readonly files = new Map<string, VirtualFile>();
  /** By name of an activity: runs before it, and may throw. */
  readonly before = new Map<string, (argument: unknown) => unknown>();
  /** By name of an activity: runs after it, and may throw: its answer is lost then. */
  readonly after = new Map<string, (argument: unknown) => unknown>();
  /** What the host says of a file instead of uploading it. */
  readonly verdicts = new Map<string, Pick<UploadedFile, 'code' | 'message'>>();
  /** Sizes of the batches that the host was given. */
  readonly batches: number[] = [];
  /** Paths that were sent. */
  readonly sent: string[] = [];
  readonly announced: Announcement[] = [];
  manifestsTold = 0;
  /** What lives were told, and in whose name. */
  readonly messages: ['purge' | 'abort' | 'remove' | 'upload', ByActor][] = [];
  /** Requests whose guard was started. */
  readonly guarded: PublishRequest[] = [];
  /** Whether the workflow of the publication runs, as Temporal says. */
  isRunning = true;
  #runs = 0;

  readonly lives: ArtifactLives = {
    ...NO_OTHERS,
    executionChanged: () => {
      this.manifestsTold += 1;
      return Promise.resolve();
    },
    announce: (announcement) => {
      this.announced.push(announcement);
      return Promise.resolve();
    },
    guardPublication: (request) => {
      this.guarded.push(request);
      return Promise.resolve();
    },
    isPublishing: () => Promise.resolve(this.isRunning),
    purgeArtifact: (id, by) =>
      this.#tell(
        'purge',
        by,
        this.#end(id, () => true),
      ),
    abortUpload: (id, by) =>
      this.#tell(
        'abort',
        by,
        this.#end(id, ({ status }) => status === 'UPLOADING'),
      ),
    removeArtifact: async (id, by) => {
      this.messages.push(['remove', by]);
      const row = await this.records.get(id);
      if (row !== null && row.holds.length > 0) throw held(row);
      await this.#end(id, () => true);
    },
  };

  put(file: string, content = file, sizeBytes = content.length): void {
    this.files.set(file, { content, sizeBytes });
  }

  putMany(count: number): void {
    for (let i = 0; i < count; i += 1) this.put(`${String(i).padStart(5, '0')}.txt`);
  }

  request(change: Partial<PublishRequest> = {}): PublishRequest {
    const { executionId } = this;
    const ids = { publicationId: randomUUID(), executionId, tenantId: TENANT, actor: 'agent' };
    return { ...ids, hostId: 'host-1', folder: 'turn', ...change };
  }

  start(sandbox: Sandbox, input: object, run: Partial<VirtualRunOptions> = {}): Promise<VirtualRun> {
    const { records, lives } = this;
    const deps = { records, lives, webhooks: WEBHOOKS } as unknown as ActivityDeps;
    const host: HostActivities = {
      scanFolder: (query) => this.scanFolder(query),
      uploadFiles: (query) => this.uploadFiles(query),
    };
    const activities = { ...createActivities(deps), ...host } as unknown as Record<
      string,
      (...args: unknown[]) => Promise<unknown>
    >;
    return VirtualRun.start({
      sandbox,
      workflowType: 'publishOutputs',
      input,
      startMs: START_MS,
      seed: (this.#runs += 1),
      runActivity: async (name, args) => {
        await this.before.get(name)?.(args[0]);
        const call = (...given: unknown[]): Promise<unknown> => activities[name]!(...given);
        const answer = await new MockActivityEnvironment({}, { logger: QUIET }).run(call, ...args);
        await this.after.get(name)?.(args[0]);
        return answer;
      },
      ...run,
    });
  }

  /** Runs it to its end. */
  async publish(sandbox: Sandbox, change: Partial<PublishRequest> = {}): Promise<PublicationReport> {
    const run = await this.start(sandbox, this.request(change));
    const { ending } = run;
    await run.dispose();
    if (ending !== null && 'failed' in ending) throw ending.failed;
    if (ending === null || !('completed' in ending)) throw new Error(`it did not complete: ${JSON.stringify(ending)}`);
    return ending.completed as PublicationReport;
  }

  scanFolder({ after, limit }: ScanQuery): Promise<ScanPage> {
    const names = [...this.files.keys()].sort().filter((file) => after === null || file > after);
    const page = names.slice(0, limit);
    const found = page.map((file): FoundFile => {
      const { content, sizeBytes } = this.files.get(file)!;
      const sha256 = sizeBytes < 16 * MIB_BYTES ? hashOf(content) : null;
      return { file, path: canonicalPath(file), sizeBytes, modifiedAtMs: START_MS, sha256 };
    });
    return Promise.resolve({ files: found, refused: [], next: names.length > limit ? page.at(-1)! : null });
  }

  async uploadFiles(query: UploadFilesQuery): Promise<UploadedFile[]> {
    this.batches.push(query.files.length);
    this.messages.push(['upload', byOf(query)]);
    const results: UploadedFile[] = [];
    for (const file of query.files) results.push(await this.#upload(query, file));
    return results;
  }

  /** What anybody can see of the execution: paths and contents. */
  async seen(): Promise<string[]> {
    const { items } = await this.records.list({ executionId: this.executionId, limit: 20_000 });
    return items.map(({ path }) => path).sort();
  }

  /** All rows that are not gone, hidden ones too: their status by path. */
  async living(): Promise<Record<string, string>> {
    const paths = [...this.files.keys()].map((file) => canonicalPath(file));
    const rows = await this.records.listByPaths(this.executionId, paths);
    return Object.fromEntries(rows.map(({ path, status }) => [path, status]));
  }

  async begin({ publicationId, ...query }: UploadFilesQuery, file: FileToUpload): Promise<ArtifactRecord> {
    const { path, sizeBytes, sha256, artifactId: id } = file;
    const { executionId, tenantId } = query;
    return this.records.register(newArtifact({ executionId, tenantId, path, sizeBytes, sha256, id, publicationId }));
  }

  async #upload(query: UploadFilesQuery, file: FileToUpload): Promise<UploadedFile> {
    const { existing, path, artifactId } = file;
    const sha256 = hashOf(this.files.get(file.file)!.content);
    const facts = { file: file.file, path, sizeBytes: file.sizeBytes, sha256, artifactId };
    if (existing?.sha256 === sha256) return { ...facts, artifactId: existing.artifactId, outcome: 'unchanged' };
    if (existing !== undefined) return { ...facts, outcome: 'failed', code: 'path_taken', message: 'other content' };
    try {
      const row = await this.begin(query, file);
      const verdict = this.verdicts.get(file.file);
      if (verdict !== undefined) return { ...facts, outcome: 'failed', ...verdict };
      if (row.status === 'DELETED') throw new ArtifactError('artifact_deleted', 'it was given up');
      if (row.status === 'UPLOADING') await this.change(row, 'upload_completed', { status: 'ACTIVE', sha256 });
      this.sent.push(path);
      return { ...facts, outcome: 'uploaded' };
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      return { ...facts, outcome: 'failed', code: error.code, message: error.message };
    }
  }

  #tell(what: 'purge' | 'abort', by: ByActor, ended: Promise<boolean>): Promise<boolean> {
    this.messages.push([what, by]);
    return ended;
  }

  async #end(id: string, mayEnd: (row: ArtifactRecord) => boolean): Promise<boolean> {
    const row = await this.records.get(id);
    if (row === null || row.status === 'DELETED' || !mayEnd(row)) return false;
    await this.change(row, 'deleted', { status: 'DELETED', deletionReason: 'requested' });
    return true;
  }

  /** As an artifact's own workflow changes its row. */
  async change(row: ArtifactRecord, kind: AuditKind, patch: RecordPatch): Promise<void> {
    const event = { kind, actor: 'agent', detail: {} };
    const changeNumber = row.revision + 1;
    const change = { artifactId: row.id, changeNumber, atMs: Date.now(), patch, event };
    await changeRecord({ records: this.records, lives: this.lives, webhooks: WEBHOOKS }, change);
  }
}
