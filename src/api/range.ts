import type { ByteRange } from '../storage/object-store.js';

/** What a Range header asks for: everything, one part, or something that is not there. */
export type RangeDecision = { kind: 'all' } | { kind: 'part'; range: ByteRange } | { kind: 'unsatisfiable' };

const ALL: RangeDecision = { kind: 'all' };
const UNSATISFIABLE: RangeDecision = { kind: 'unsatisfiable' };

/**
 * RFC 9110, section 14: `bytes=a-b`, `bytes=a-` or `bytes=-n`. Other units and several ranges at once are ignored, as the RFC
 * allows; what is malformed or lies outside the file is unsatisfiable.
 */
export function decideRange(header: string | undefined, sizeBytes: number): RangeDecision {
  if (header === undefined) return ALL;
  const ranges = /^bytes=(.*)$/i.exec(header.trim())?.[1];
  if (ranges === undefined || ranges.includes(',')) return ALL;
  const [, first, last] = /^\s*(\d*)-(\d*)\s*$/.exec(ranges) ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return UNSATISFIABLE;
  const start = first === '' ? Math.max(0, sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  const reversed = first !== '' && last !== '' && Number(last) < Number(first);
  if (reversed || start > end) return UNSATISFIABLE;
  return { kind: 'part', range: { start, end } };
}

/** Does an If-None-Match header name this entity tag? Weak comparison (RFC 9110, section 13.1.2). */
export function namesEtag(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header.trim() === '*') return true;
  return header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === etag);
}
