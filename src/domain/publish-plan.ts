import type { ArtifactRecord } from './artifact-record.js';
import type { ErrorCode } from './errors.js';
import { SINGLE_PUT_MAX_BYTES } from './part-plan.js';
import type { FileToUpload, FoundFile } from './publish.js';
import { MIB_BYTES } from './units.js';

/** What is to be done with one file. Plain JSON, and small: a page has many of them. */
export type FilePlan =
  | {
      kind: 'upload';
      /** An upload of the same content that somebody else has begun: it is joined. */
      artifactId?: string;
      existing?: FileToUpload['existing'];
      /** What it replaces, which is deleted first. */
      replaces?: string;
    }
  | { kind: 'unchanged'; artifactId: string }
  | { kind: 'refused'; code: ErrorCode; message: string };

/** What a plan looks at of the artifact that has a path. */
type Holder = Pick<
  ArtifactRecord,
  'id' | 'path' | 'status' | 'sizeBytes' | 'sha256' | 'checksumState' | 'deletionReason' | 'awaitsPublication' | 'holds'
>;

export interface PlanRules {
  allOrNothing: boolean;
  replace: boolean;
}

/** What is to be done with each file of a page, in their order. @param holders living artifacts at their paths. */
export function planFiles(files: FoundFile[], holders: Holder[], rules: PlanRules): FilePlan[] {
  const holderOf = new Map(holders.map((holder) => [holder.path, holder]));
  const seen = new Map<string, string>();
  return files.map((found) => {
    const { file, path } = found;
    const other = seen.get(path);
    if (other !== undefined) return taken(`${other} would have the same path ${path}`);
    seen.set(path, file);
    const holder = holderOf.get(path);
    return holder === undefined ? { kind: 'upload' } : planTaken(found, holder, rules);
  });
}

function planTaken(found: FoundFile, holder: Holder, { allOrNothing, replace }: PlanRules): FilePlan {
  const { path, sizeBytes, sha256 } = found;
  if (holder.awaitsPublication !== null) return taken(`${path} is being published at the moment`);
  if (holder.deletionReason !== null) return taken(`the artifact at ${path} is being deleted`);
  // Wrong bytes are no content that anything could equal.
  const isSameSize = holder.checksumState !== 'mismatch' && holder.sizeBytes === sizeBytes;
  const isSame = isSameSize && sha256 !== null && holder.sha256 === sha256;
  if (holder.status === 'UPLOADING') {
    // One that everybody sees cannot be part of what nobody must see.
    if (isSame && !allOrNothing) return { kind: 'upload', artifactId: holder.id };
    return taken(`${path} is being uploaded at the moment`);
  }
  if (isSame) return { kind: 'unchanged', artifactId: holder.id };
  if (isSameSize && sha256 === null && holder.sha256 !== null)
    return { kind: 'upload', existing: { artifactId: holder.id, sha256: holder.sha256 } };
  if (!replace) return taken(`${path} already holds other content; with replace it would be replaced`);
  return holder.holds.length > 0 ? isHeld(path) : { kind: 'upload', replaces: holder.id };
}

const taken = (message: string): FilePlan => ({ kind: 'refused', code: 'path_taken', message });
const isHeld = (path: string): FilePlan => ({
  kind: 'refused',
  code: 'held',
  message: `the artifact at ${path} is held, so it is not replaced`,
});

/** Of small files that one activity of the host uploads: few enough to share a page among {@link BATCHES_AT_ONCE}. */
const BATCH_FILES = 125;
const BATCH_BYTES = 64 * MIB_BYTES;
/** Activities of one publication on its host at the same time; the host bounds its memory itself. */
export const BATCHES_AT_ONCE = 4;

/** Files that are uploaded by one activity each: a large one alone, so that its progress is told by itself. */
export function batchesOf(files: FileToUpload[]): FileToUpload[][] {
  const large = files.filter(({ sizeBytes }) => sizeBytes > SINGLE_PUT_MAX_BYTES);
  const batches: FileToUpload[][] = [];
  let bytes = Infinity;
  for (const file of files) {
    if (file.sizeBytes > SINGLE_PUT_MAX_BYTES) continue;
    bytes += file.sizeBytes;
    const last = batches.at(-1);
    if (last === undefined || last.length === BATCH_FILES || bytes > BATCH_BYTES) {
      batches.push([file]);
      bytes = file.sizeBytes;
    } else last.push(file);
  }
  return [...large.map((file) => [file]), ...batches];
}
