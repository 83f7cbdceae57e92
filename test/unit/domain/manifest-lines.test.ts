import { describe, expect, it } from 'vitest';
import { manifestEntry, type ManifestHead } from '../../../src/domain/manifest.js';
import {
  endLine,
  entryLine,
  headLine,
  isEndLine,
  parseEntryLine,
  parseHeadLine,
} from '../../../src/domain/manifest-lines.js';
import { aRecord, EXECUTION_ID } from '../../support/records.js';

const head: ManifestHead = {
  version: 1,
  executionId: EXECUTION_ID,
  tenantId: 'has ,"artifacts":[ in it',
  retentionDays: 7,
  generatedAt: '2026-01-01T00:00:00.000Z',
};
const entries = ['a', 'b'].map((name) => manifestEntry(aRecord({ path: `output/${name},` })));
const totals = { artifactCount: 2, totalBytes: 20 };
const text = headLine(head) + entries.map((entry, index) => entryLine(entry, index === 0)).join('') + endLine(totals);
const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('the lines of a manifest', () => {
  it('are JSON as a whole', () => {
    expect(JSON.parse(text)).toEqual(asJson({ ...head, artifacts: entries, ...totals }));
  });

  it('say by themselves what they were written from', () => {
    const [first = '', ...others] = text.split('\n');
    expect(parseHeadLine(first)).toEqual(head);
    expect(others.slice(0, 2).map(parseEntryLine)).toEqual(asJson(entries));
    expect(others.map(isEndLine)).toEqual([false, false, true, false]);
  });

  it.each(['', '{"version":1}', '{"version":1,"artifacts":[]', 'x,"artifacts":['])('%j is no head', (line) => {
    expect(parseHeadLine(line)).toBeNull();
  });

  it.each(['', '{"id":"half', '],'])('%j is no entry', (line) => {
    expect(parseEntryLine(line)).toBeNull();
  });
});
