import type { ArtifactReads, Page } from '../db/artifact-records.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { LISTED_STATUSES, manifestEntry, type ManifestHead } from '../domain/manifest.js';
import { endLine, entryLine, headLine } from '../domain/manifest-lines.js';

/** A page of the artifacts that the manifest of an execution lists, in its order. */
export const readListed = (
  records: Pick<ArtifactReads, 'list'>,
  page: { executionId: string; limit: number; cursor?: string },
): Promise<Page<ArtifactRecord>> => records.list({ ...page, status: LISTED_STATUSES, sort: 'oldest' });

/** A manifest as text, one artifact to a line, while it is read. */
export class ManifestBody {
  readonly #head: ManifestHead;
  artifactCount = 0;
  totalBytes = 0;

  constructor(head: ManifestHead) {
    this.#head = head;
  }

  /** The head, without the end of its line; then each page; then the end. */
  async *chunks(pages: AsyncIterable<ArtifactRecord[]>): AsyncGenerator<Buffer> {
    yield Buffer.from(headLine(this.#head));
    for await (const page of pages) {
      const lines = page.map((record) => this.#line(record));
      yield Buffer.from(lines.join(''));
    }
    const { artifactCount, totalBytes } = this;
    yield Buffer.from(endLine({ artifactCount, totalBytes }));
  }

  #line(record: ArtifactRecord): string {
    const line = entryLine(manifestEntry(record), this.artifactCount === 0);
    this.artifactCount += 1;
    this.totalBytes += record.sizeBytes ?? 0;
    return line;
  }
}
