import * as wf from '@temporalio/workflow';
import { TimeoutFailure } from '@temporalio/common';
import { byOf } from '../domain/commands.js';
import { mapConcurrently } from '../domain/concurrency.js';
import { ArtifactError } from '../domain/errors.js';
import {
  MAX_PUBLISHED_FILES,
  SCAN_PAGE_FILES,
  withFound,
  withRefused,
  withUploaded,
  type FileToUpload,
  type HostActivities,
  type PublishRequest,
  type RefusedFile,
  type ScanPage,
  type UploadedFile,
} from '../domain/publish.js';
import { BATCHES_AT_ONCE, batchesOf, type FilePlan } from '../domain/publish-plan.js';
import { abandonUploads, hostActivities, planPublication, removeReplaced } from './activity-proxies.js';
import { errorOf } from './failures.js';
import type { publishOutputs } from './publish-outputs.js';
import { note, type Publishing } from './publishing.js';

type Host = wf.ActivityInterfaceFor<HostActivities>;

/**
 * One page after the other: what is there, what is to be done with it, and that. The next page is looked at while one is sent.
 * @throws what concerns all: `host_unreachable`, `too_many_files`, `source_unreadable`, …; of all or nothing the first file that fails.
 */
export async function publishFolder(publishing: Publishing): Promise<void> {
  const { request, hostTimeoutMs, state } = publishing;
  const host = hostActivities(request.hostId, hostTimeoutMs);
  let ahead = scan(host, request, state.after);
  for (;;) {
    const page = await ahead;
    note(publishing, withFound(state.report, page));
    if (state.report.counts.found > MAX_PUBLISHED_FILES)
      throw new ArtifactError('too_many_files', `${request.folder} has more than ${MAX_PUBLISHED_FILES} files`);
    const { next } = page;
    const handsOver = wf.workflowInfo().continueAsNewSuggested;
    if (next !== null && !handsOver) {
      ahead = scan(host, request, next);
      // It is waited for when its turn comes.
      ahead.catch(() => undefined);
    }
    note(publishing, { ...state.report, phase: 'uploading' });
    await publishPage(publishing, host, page);
    if (next === null) return;
    state.after = next;
    if (handsOver) {
      // The next run would not know: what was asked for while the host sent its last file is heard here.
      if (wf.CancellationScope.current().consideredCancelled) throw new wf.CancelledFailure('it was cancelled');
      await wf.continueAsNew<typeof publishOutputs>({ ...request, hostTimeoutMs, handedOver: publishing.state });
    }
  }
}

function scan(host: Host, request: PublishRequest, after: string | null): Promise<ScanPage> {
  const { tenantId, folder, include = [], exclude = [] } = request;
  return host.scanFolder({ tenantId, folder, include, exclude, after, limit: SCAN_PAGE_FILES });
}

async function publishPage(publishing: Publishing, host: Host, page: ScanPage): Promise<void> {
  const { request, state } = publishing;
  const { executionId, allOrNothing = false, replace = false } = request;
  if (page.files.length === 0) return requireAll(publishing);
  const plans = await planPublication({ executionId, files: page.files, allOrNothing, replace });
  const planned = page.files.map((found, index) => ({ found, plan: plans[index] ?? { kind: 'upload' as const } }));
  note(publishing, withUploaded(state.report, planned.flatMap(unchangedOf)));
  note(publishing, withRefused(state.report, planned.flatMap(refusedOf)));
  requireAll(publishing);
  const uploads = new Map(planned.flatMap(toUpload).map((upload) => [upload.file.artifactId, upload]));
  await mapConcurrently(batchesOf([...uploads.values()].map(({ file }) => file)), BATCHES_AT_ONCE, async (batch) => {
    // Batch by batch: when the host goes away, only what it was sending then is without its old content.
    const left = await removeOld(
      publishing,
      batch.flatMap(({ artifactId }) => uploads.get(artifactId) ?? []),
    );
    if (left.length > 0)
      await uploadBatch(
        publishing,
        host,
        left.map(({ file }) => file),
      );
  });
  requireAll(publishing);
}

interface Planned {
  found: ScanPage['files'][number];
  plan: FilePlan;
}

interface Upload {
  file: FileToUpload;
  replaces: string | null;
}

const unchangedOf = ({ found, plan }: Planned): UploadedFile[] =>
  plan.kind === 'unchanged' ? [{ ...found, artifactId: plan.artifactId, outcome: 'unchanged' }] : [];

const refusedOf = ({ found, plan }: Planned): RefusedFile[] =>
  plan.kind === 'refused' ? [{ file: found.file, code: plan.code, message: plan.message }] : [];

function toUpload({ found, plan }: Planned): Upload[] {
  if (plan.kind !== 'upload') return [];
  const { artifactId = wf.uuid4(), existing, replaces = null } = plan;
  const joined = plan.artifactId === undefined ? {} : { isJoined: true };
  return [{ file: { ...found, artifactId, ...joined, ...(existing === undefined ? {} : { existing }) }, replaces }];
}

/** Of all or nothing, one that failed is the end. */
function requireAll({ request, state }: Publishing): void {
  const [first] = state.report.failures;
  if (request.allOrNothing === true && first !== undefined)
    throw new ArtifactError(first.code, `${first.file}: ${first.message}`);
}

/** Deletes what is replaced, just before; what cannot be is noted, and its file left out. @returns what is left to upload. */
async function removeOld(publishing: Publishing, uploads: Upload[]): Promise<Upload[]> {
  const artifactIds = uploads.flatMap(({ replaces }) => (replaces === null ? [] : [replaces]));
  if (artifactIds.length === 0) return uploads;
  const by = byOf(publishing.request);
  const failed = new Map((await removeReplaced({ artifactIds, ...by })).map((one) => [one.artifactId, one]));
  const refused = uploads.flatMap(({ file, replaces }) => {
    const reason = failed.get(replaces ?? '');
    return reason === undefined ? [] : [{ file: file.file, code: reason.code, message: reason.message }];
  });
  note(publishing, withRefused(publishing.state.report, refused));
  return uploads.filter(({ replaces }) => !failed.has(replaces ?? ''));
}

async function uploadBatch(publishing: Publishing, host: Host, files: FileToUpload[]): Promise<void> {
  const { underWay, request } = publishing;
  for (const { artifactId, isJoined } of files) if (isJoined !== true) underWay.add(artifactId);
  const results = await sendBatch(publishing, host, files);
  const changed = request.replace === true ? results.filter((result) => isChanged(files, result)) : [];
  const settled = results.filter((result) => !changed.includes(result));
  note(publishing, withUploaded(publishing.state.report, settled));
  // Before they are forgotten: what failed may have been begun.
  const failed = settled.filter(({ outcome, artifactId }) => outcome === 'failed' && underWay.has(artifactId));
  if (failed.length > 0 && request.allOrNothing !== true)
    await abandonUploads({ artifactIds: failed.map(({ artifactId }) => artifactId), ...byOf(request) });
  for (const { artifactId } of files) underWay.delete(artifactId);
  requireAll(publishing);
  if (changed.length > 0) await replaceChanged(publishing, host, { files, changed });
}

/** One of the size of what is at its path that turned out to be other content, once it was read. */
const isChanged = (files: FileToUpload[], { file, code }: UploadedFile): boolean =>
  code === 'path_taken' && files.some((one) => one.file === file && one.existing !== undefined);

async function replaceChanged(
  publishing: Publishing,
  host: Host,
  { files, changed }: { files: FileToUpload[]; changed: UploadedFile[] },
): Promise<void> {
  const names = new Set(changed.map(({ file }) => file));
  const again = files
    .filter(({ file }) => names.has(file))
    .map(({ existing, ...file }) => ({
      file: { ...file, artifactId: wf.uuid4() },
      replaces: existing?.artifactId ?? null,
    }));
  const left = await removeOld(publishing, again);
  if (left.length > 0)
    await uploadBatch(
      publishing,
      host,
      left.map(({ file }) => file),
    );
}

/** What became of each. What concerns only these files is what became of all of them. */
async function sendBatch({ request }: Publishing, host: Host, files: FileToUpload[]): Promise<UploadedFile[]> {
  const { tenantId, executionId, folder, tags = {}, retentionDays = null, allOrNothing } = request;
  const publicationId = allOrNothing === true ? request.publicationId : null;
  const query = { tenantId, executionId, ...byOf(request), folder, tags, retentionDays, publicationId, files };
  try {
    return await host.uploadFiles(query);
  } catch (error) {
    if (wf.isCancellation(error)) throw error;
    const known = publicationErrorOf(error);
    if (known === null || known.code === 'host_unreachable') throw error;
    const { code, message } = known;
    return files.map((file) => ({ ...file, outcome: 'failed', code, message }));
  }
}

/** As `errorOf`, but a host's worker that was waited for in vain is told as that. */
export function publicationErrorOf(error: unknown): ArtifactError | null {
  if (error instanceof wf.ActivityFailure && error.cause instanceof TimeoutFailure) {
    const isHost = error.activityType === 'scanFolder' || error.activityType === 'uploadFiles';
    if (isHost)
      return new ArtifactError('host_unreachable', `the upload worker of the host did not answer in time`, {
        cause: error,
      });
  }
  return errorOf(error);
}
