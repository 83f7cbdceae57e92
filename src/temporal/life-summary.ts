import type { ArtifactRecord } from '../domain/artifact-record.js';

/** What the Temporal UI calls the workflow of an artifact; it allows 200 characters. */
export const lifeSummary = ({ path, sizeBytes }: Pick<ArtifactRecord, 'path' | 'sizeBytes'>): string =>
  `${path} (${sizeBytes === null ? 'size unknown' : `${sizeBytes} bytes`})`.slice(0, 200);
