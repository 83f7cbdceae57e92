import { describe, expect, it } from 'vitest';
import { databasesText } from '../../../src/cli/bucket-databases-table.js';
import type { BucketDatabase, BucketDatabases } from '../../../src/domain/bucket-databases.js';
import { MINUTE_MS } from '../../../src/domain/units.js';
import { verdictOf } from '../../../src/operator/doctor/areas/bucket-databases.js';

const NOW_MS = Date.UTC(2026, 0, 10);
const database = (id: string, given: Partial<BucketDatabase> = {}): BucketDatabase => ({
  ...{ id, name: `artifacts at ${id}:5432`, sinceMs: NOW_MS - 60 * MINUTE_MS, seenMs: NOW_MS - 3 * MINUTE_MS },
  ...given,
});
const ours: BucketDatabases = { id: 'ours', own: database('ours'), isCopy: false, others: [] };

describe('of the databases of a bucket the doctor', () => {
  it('is content with one, and with none yet', () => {
    expect(verdictOf(ours, NOW_MS)).toMatchObject({ status: 'ok', fact: expect.stringContaining('(ours)') as string });
    expect(verdictOf({ ...ours, own: null }, NOW_MS)).toMatchObject({ status: 'ok' });
  });

  it('names another one, when it was seen, and what to do', () => {
    const verdict = verdictOf({ ...ours, others: [database('staging')] }, NOW_MS);
    expect(verdict.status).toBe('failed');
    expect(verdict.fact).toContain('staging (artifacts at staging:5432), seen 3 min ago');
    expect(verdict.remedy).toContain('artifacts bucket databases --forget');
  });

  it('tells a copy', () => {
    expect(verdictOf({ ...ours, isCopy: true }, NOW_MS)).toMatchObject({ status: 'failed' });
  });
});

describe('artifacts bucket databases', () => {
  it('has a line for each, this one first', () => {
    const text = databasesText('b', { ...ours, others: [database('staging')] });
    expect(text).toMatch(/ours +this one +artifacts at ours:5432.*\nstaging +another +artifacts at staging:5432/);
    expect(text).toContain('No repair removes what one of them does not know.');
  });

  it('says that there is no other, and that this one was not there yet', () => {
    expect(databasesText('b', ours)).toContain('No other works with the bucket b.');
    expect(databasesText('b', { ...ours, own: null })).toBe(
      'This one (ours) has not said anything yet: no worker of it was here.\nNo other works with the bucket b.\n',
    );
  });

  it('says that it is a copy', () => {
    const text = databasesText('b', { ...ours, isCopy: true });
    expect(text).toContain('what this one is a copy of');
    expect(text).toContain('gives it an id of its own');
  });
});
