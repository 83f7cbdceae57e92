import { createHash } from 'node:crypto';
import type { ArtifactReads, ListQuery } from '../../db/artifact-records.js';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { ArtifactError, errorKind } from '../../domain/errors.js';
import { requireDownloadable } from '../content.js';
import type { ZipEntry } from './zip.js';

/** Rows that are read at a time. */
const PAGE = 200;
/** No artifact can have this path: theirs begin with `output/` or `logs/`. */
const MISSING_NAME = 'MISSING.txt';

/** Which artifacts of an execution go into a bundle. All filters that are given must match. */
export type BundleFilters = Pick<ListQuery, 'executionId' | 'type' | 'tags' | 'path'>;

/** A file of a bundle: an artifact, or a text of our own. */
export type BundleEntry = ZipEntry & ({ artifactId: string; sha256: string | null } | { text: Buffer });

/**
 * What goes into a bundle: all artifacts that can be downloaded now, by path, and last a list of those that cannot, with what to do. Of a
 * bundle that would be refused for one archived file nobody has anything, and of one that leaves it out in silence somebody believes
 * that it is complete.
 */
export async function bundleContents(records: ArtifactReads, filters: BundleFilters): Promise<BundleEntry[]> {
  const entries: BundleEntry[] = [];
  const missing: { path: string; why: string }[] = [];
  let newestMs = 0;
  for await (const record of listed(records, filters)) {
    const { id: artifactId, path, sha256, createdAtMs: modifiedAtMs } = record;
    newestMs = Math.max(newestMs, modifiedAtMs);
    try {
      const { sizeBytes } = requireDownloadable(record);
      entries.push({ artifactId, path, sizeBytes, sha256, modifiedAtMs });
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      missing.push({ path, why: `${error.message}.\n  ${errorKind(error.code).remedy}` });
    }
  }
  entries.sort(byPath);
  if (missing.length === 0) return entries;
  const lines = missing.sort(byPath).map(({ path, why }) => `${path}\n  ${why}\n`);
  const text = Buffer.from(`Not in this archive, as they could not be downloaded:\n\n${lines.join('\n')}`);
  return [...entries, { path: MISSING_NAME, text, sizeBytes: text.length, modifiedAtMs: newestMs }];
}

/** The same for the same bytes: the contents are named by their hash, and their places follow from their sizes. */
export function bundleEtag(entries: readonly BundleEntry[]): string {
  const hash = createHash('sha256');
  for (const entry of entries) {
    const content = 'text' in entry ? entry.text.toString() : (entry.sha256 ?? entry.artifactId);
    hash.update(JSON.stringify([entry.path, entry.sizeBytes, entry.modifiedAtMs, content]));
  }
  return `"${hash.digest('hex')}"`;
}

async function* listed(
  records: ArtifactReads,
  filters: BundleFilters,
): AsyncGenerator<ArtifactRecord, void, undefined> {
  let cursor: string | null = null;
  do {
    const page: Awaited<ReturnType<ArtifactReads['list']>> = await records.list({
      ...filters,
      limit: PAGE,
      ...(cursor === null ? {} : { cursor }),
    });
    yield* page.items;
    cursor = page.nextCursor;
  } while (cursor !== null);
}

/** By UTF-16 units: the same on every machine, whatever its language. */
const byPath = (a: { path: string }, b: { path: string }): number => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
