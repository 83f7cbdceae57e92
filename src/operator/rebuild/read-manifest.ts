import { createInterface } from 'node:readline';
import type { ArtifactRecord } from '../../domain/artifact-record.js';
import { manifestKey } from '../../domain/keys.js';
import { recordOfEntry, toManifestHead } from '../../domain/manifest-records.js';
import { isEndLine, parseEntryLine, parseHeadLine } from '../../domain/manifest-lines.js';
import type { ManifestHead } from '../../domain/manifest.js';
import type { ObjectStore } from '../../storage/object-store.js';

export interface ReadManifest {
  head: ManifestHead;
  /** Those that were asked for. */
  records: ArtifactRecord[];
  /** Lines that were asked for and are no entries, and a missing end. */
  unreadable: number;
}

/** What a line says of itself, unseen whether it is an entry; empty when it does not. */
export interface ListedAs {
  id: string;
  filePath: string;
}

/**
 * Line by line, of which only those stay in memory that are asked for.
 * @returns null when there is none; `unreadable` when what is there is no manifest of this execution.
 */
export async function readManifest(
  store: ObjectStore,
  executionId: string,
  isWanted: (entry: ListedAs) => boolean,
): Promise<ReadManifest | 'unreadable' | null> {
  const key = manifestKey(executionId);
  const info = await store.head({ key });
  const body = info === null ? null : await store.read({ key, versionId: info.versionId });
  if (info === null || body === null) return null;
  let manifest: ReadManifest | null = null;
  for await (const line of createInterface({ input: body, crlfDelay: Infinity })) {
    if (manifest === null) {
      const head = toManifestHead(parseHeadLine(line), executionId);
      if (head === null || info.owner?.artifactId !== executionId) break;
      manifest = { head, records: [], unreadable: 0 };
    } else if (isEndLine(line)) {
      return manifest;
    } else {
      const entry = parseEntryLine(line);
      if (!isWanted(listedAs(entry))) continue;
      const record = recordOfEntry(manifest.head, entry);
      if (record === null) manifest.unreadable += 1;
      else manifest.records.push(record);
    }
  }
  body.destroy();
  // One without its end was cut off: what is there of it is told no less truly.
  if (manifest !== null && isWanted(listedAs(null))) manifest.unreadable += 1;
  return manifest ?? 'unreadable';
}

function listedAs(json: unknown): ListedAs {
  const { id, filePath } = { ...(json as { id?: unknown; filePath?: unknown } | null) };
  return { id: typeof id === 'string' ? id : '', filePath: typeof filePath === 'string' ? filePath : '' };
}
