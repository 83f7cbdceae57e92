import { describe, expect, test } from 'vitest';
import {
  matchesFilters,
  requireRanges,
  statusesOf,
  type ArtifactFilters,
} from '../../../src/domain/artifact-filters.js';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import { aRecord, BORN_MS } from '../../support/records.js';

const matches = (filters: ArtifactFilters, record: Partial<ArtifactRecord> = {}): boolean =>
  matchesFilters(aRecord({ path: 'output/charts/report-2026.final.pdf', ...record }), filters);

describe('filters', () => {
  test.each([
    ['report-2026.final.pdf', true],
    ['report-2026.final.pd', false],
    ['report', false],
    ['charts/report-2026.final.pdf', false],
    ['*', true],
    ['*.pdf', true],
    ['report*', true],
    ['*2026*', true],
    ['*final*2026*', false],
    ['r*2*f*pdf', true],
    ['report-2026.final.pdf*', true],
    ['*report-2026.final.pdf', true],
    ['report-2026.final*final.pdf', false],
    ['Report*', false],
    ['%', false],
    ['report?2026.final.pdf', false],
  ])('the name "%s" matches: %s', (name, expected) => {
    expect(matches({ name })).toBe(expected);
  });

  test('a name of many stars is decided at once', () => {
    const startedMs = performance.now();
    expect(matches({ name: `${'a*'.repeat(400)}b` }, { path: `output/${'a'.repeat(255)}` })).toBe(false);
    // Tried out star by star, it would not end.
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  test('ranges have their lower end, sizes their upper end too', () => {
    expect(matches({ minBytes: 10, maxBytes: 10 })).toBe(true);
    expect(matches({ minBytes: 11 })).toBe(false);
    expect(matches({ maxBytes: 9 })).toBe(false);
    expect(matches({ maxBytes: 0 }, { sizeBytes: null })).toBe(true);
    expect(matches({ createdAfterMs: BORN_MS, createdBeforeMs: BORN_MS + 1 })).toBe(true);
    expect(matches({ createdBeforeMs: BORN_MS })).toBe(false);
    expect(matches({ expiresBeforeMs: Number.MAX_SAFE_INTEGER })).toBe(true);
    expect(matches({ expiresBeforeMs: Number.MAX_SAFE_INTEGER }, { expiresAtMs: null })).toBe(false);
  });

  test('leave DELETED out unless it is asked for', () => {
    expect(statusesOf({})).toEqual(['UPLOADING', 'ACTIVE', 'ARCHIVED']);
    expect(statusesOf({ status: [] })).toEqual(['UPLOADING', 'ACTIVE', 'ARCHIVED']);
    expect(statusesOf({ status: ['DELETED', 'DELETED'] })).toEqual(['DELETED']);
    expect(matches({}, { status: 'DELETED' })).toBe(false);
  });

  test('that nothing can match are refused', () => {
    const refused = (filters: ArtifactFilters) => expect(() => requireRanges(filters)).toThrow(/must/);
    refused({ minBytes: 2, maxBytes: 1 });
    refused({ createdAfterMs: 5, createdBeforeMs: 5 });
    requireRanges({ minBytes: 1, maxBytes: 1, createdAfterMs: 4, createdBeforeMs: 5 });
  });
});
