import type { ArtifactRecord } from './artifact-record.js';
import { MINUTE_MS, SECOND_MS } from './units.js';

/** How far an upload has come, and how fast it goes. */
export interface ArrivalProgress {
  receivedBytes: number;
  /** Null while the size is unknown (a stream), and so are `percent`, `partCount` and `etaSeconds`. */
  totalBytes: number | null;
  /** 0 to 100. */
  percent: number | null;
  /** That have arrived. A small file is one part. */
  parts: number;
  partCount: number | null;
  /** Of the last minute; 0 when nothing came any more, null while nothing can be said. */
  bytesPerSecond: number | null;
  /** Null also while nothing comes. */
  etaSeconds: number | null;
}

/** One part that has arrived, and when by the clock of the store. */
export interface ArrivedPart {
  sizeBytes: number;
  lastModifiedMs: number;
}

/** What of an upload says when it was long ago: a pause, or an earlier try, tells nothing of the speed now. */
const RATE_WINDOW_MS = MINUTE_MS;
/** Clocks of stores tell whole seconds, and may differ from ours. */
const CLOCK_SLACK_MS = 2 * SECOND_MS;

/** Of an upload that is under way, told from the parts that the store has: nothing needs to be written down for it. */
export function progressOf(
  record: Pick<ArtifactRecord, 'sizeBytes' | 'partSizeBytes' | 'createdAtMs'>,
  parts: readonly ArrivedPart[],
  nowMs: number,
): ArrivalProgress {
  const { sizeBytes: totalBytes, partSizeBytes } = record;
  const receivedBytes = parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const bytesPerSecond = rateOf(record.createdAtMs, parts, nowMs);
  const isKnown = totalBytes !== null;
  return {
    receivedBytes,
    totalBytes,
    percent: isKnown ? percentOf(receivedBytes, totalBytes) : null,
    parts: parts.length,
    partCount: isKnown ? Math.max(1, Math.ceil(totalBytes / (partSizeBytes ?? Math.max(1, totalBytes)))) : null,
    bytesPerSecond,
    etaSeconds:
      isKnown && bytesPerSecond !== null && bytesPerSecond > 0
        ? Math.ceil(Math.max(0, totalBytes - receivedBytes) / bytesPerSecond)
        : null,
  };
}

/** Of an upload that is over. */
export function settledProgress({ status, sizeBytes }: Pick<ArtifactRecord, 'status' | 'sizeBytes'>): ArrivalProgress {
  const isThere = status === 'ACTIVE' || status === 'ARCHIVED';
  return {
    receivedBytes: isThere ? (sizeBytes ?? 0) : 0,
    totalBytes: sizeBytes,
    percent: isThere ? 100 : sizeBytes === null ? null : 0,
    ...{ parts: 0, partCount: null, bytesPerSecond: null, etaSeconds: null },
  };
}

const percentOf = (receivedBytes: number, totalBytes: number): number =>
  totalBytes === 0 ? 0 : Math.min(100, Math.floor((receivedBytes / totalBytes) * 100));

/** The parts of the last minute over the time that they took: from the arrival of the first of them, which was sent before. */
function rateOf(createdAtMs: number, parts: readonly ArrivedPart[], nowMs: number): number | null {
  if (parts.length === 0) return null;
  const newestMs = parts.reduce((newest, { lastModifiedMs }) => Math.max(newest, lastModifiedMs), 0);
  const recent = parts.filter(({ lastModifiedMs }) => lastModifiedMs > Math.max(nowMs, newestMs) - RATE_WINDOW_MS);
  if (recent.length === 0) return 0;
  const firstMs = recent.reduce((first, { lastModifiedMs }) => Math.min(first, lastModifiedMs), newestMs);
  const isOneMoment = firstMs === newestMs;
  const sinceMs = isOneMoment ? Math.max(createdAtMs, newestMs - RATE_WINDOW_MS) : firstMs;
  const counted = isOneMoment ? recent : recent.filter(({ lastModifiedMs }) => lastModifiedMs > firstMs);
  const bytes = counted.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  // Between two parts nothing has slowed down; but when the next one is long overdue, something has.
  const paceMs = (newestMs - sinceMs) / counted.length;
  const isOverdue = nowMs - newestMs > 2 * paceMs + CLOCK_SLACK_MS;
  const tookMs = (isOverdue ? nowMs : newestMs) - sinceMs;
  return Math.round(bytes / Math.max(1, tookMs / SECOND_MS));
}
