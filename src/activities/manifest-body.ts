import type { ArtifactReads, Page } from '../db/artifact-records.js';
import type { ArtifactRecord } from '../domain/artifact-record.js';
import { LISTED_STATUSES, manifestEntry, type ManifestHead } from '../domain/manifest.js';

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

  /** What a line says that {@link chunks} begins with; null when none of ours does. */
  static parseHead(line: string): Partial<ManifestHead> | null {
    try {
      const { artifacts: _none, ...head } = JSON.parse(`${line}]}`) as Partial<ManifestHead> & { artifacts: unknown };
      return head;
    } catch {
      return null;
    }
  }

  /** The head, without the end of its line; then each page; then the end. */
  async *chunks(pages: AsyncIterable<ArtifactRecord[]>): AsyncGenerator<Buffer> {
    // Without its closing brace: it goes on.
    yield Buffer.from(`${JSON.stringify(this.#head).slice(0, -1)},"artifacts":[`);
    for await (const page of pages) {
      const lines = page.map((record) => this.#line(record));
      yield Buffer.from(lines.join(''));
    }
    yield Buffer.from(`\n],"artifactCount":${this.artifactCount},"totalBytes":${this.totalBytes}}\n`);
  }

  #line(record: ArtifactRecord): string {
    const separator = this.artifactCount === 0 ? '' : ',';
    this.artifactCount += 1;
    this.totalBytes += record.sizeBytes ?? 0;
    return `${separator}\n${JSON.stringify(manifestEntry(record))}`;
  }
}
