import type { ArtifactRecord } from './artifact-record.js';
import type { Tags } from './artifact.js';
import { HOUR_MS } from './units.js';

/** A version of its object that is the artifact's own, as the store tells of it. */
export interface SeenVersion {
  versionId: string | null;
  sizeBytes: number;
  etag: string;
  storageClass: string;
  /** As computed by a store that checks what it is sent; null: it has not. */
  sha256: string | null;
  /** Its metadata has the SHA-256. */
  bornWithHash: boolean;
  /** By the clock of the store. */
  modifiedMs: number;
}

/** What store and database have of an artifact, in one look. Plain JSON. */
export interface Seen {
  /** Null: there is none. */
  row: ArtifactRecord | null;
  /** Of a row that is gone: whether its execution is still there. */
  hasExecution: boolean;
  /** Told by workers of before: the audit knows changes that the row does not have any more. */
  isRowSetBack?: boolean;
  /** The version that it should have, by the row or by the workflow, whichever knows more; null: it is gone. */
  named: SeenVersion | null;
  /** Others of its own, newest first. */
  others: SeenVersion[];
  /** Of the version that is named; null when there is none, or the store does not tell. */
  tags: Tags | null;
  /** The newest under its key is a delete marker. */
  isHidden: boolean;
  /** Bytes of somebody else lie above its own. */
  isCovered: boolean;
  /** There are bytes under its key, and the store does not say whose. */
  isUnclear: boolean;
  /** Objects can be moved between classes, and back. */
  hasClasses: boolean;
}

/** What is younger may be on its way still: nothing of it is removed. */
export const YOUNG_MS = HOUR_MS;

/** Of the bytes that the artifact should have, as far as can be told without reading them. */
export const isWhole = ({ sizeBytes, etag, sha256 }: ArtifactRecord, version: SeenVersion): boolean =>
  version.sizeBytes === sizeBytes && (isSameEtag(etag, version.etag) || isProven(sha256, version));

/** Stores write the marks around it or do not. A row of which none is known is not contradicted by any. */
export const isSameEtag = (known: string | null, seen: string): boolean => known === null || bare(known) === bare(seen);
const bare = (etag: string): string => etag.replaceAll('"', '');

/** The store itself has seen that they are. */
export const isProven = (sha256: string | null, version: SeenVersion): boolean =>
  sha256 !== null && version.sha256 === sha256;
