import { describe, expect, it } from 'vitest';
import { nextAction } from '../../../src/domain/lifecycle.js';
import { lifeOfRow } from '../../../src/domain/life-of-row.js';
import {
  pathOfObject,
  recordOfObject,
  sha256OfObject,
  type Assumptions,
  type StoredFacts,
} from '../../../src/domain/object-records.js';
import { DEFAULT_POLICY } from '../../../src/domain/policy.js';
import { retentionTag } from '../../../src/domain/stored-object.js';
import { DAY_MS } from '../../../src/domain/units.js';
import { ARTIFACT_ID, BORN_MS, EXECUTION_ID, SHA256 } from '../../support/records.js';

const PATH = 'output/a b.txt';
const KEY = `artifacts/${EXECUTION_ID}/output/a%20b.txt`;

const anObject = (overrides: Partial<StoredFacts> = {}): StoredFacts => ({
  key: KEY,
  sizeBytes: 10,
  etag: '"e"',
  versionId: 'v1',
  storageClass: 'STANDARD',
  mimeType: 'text/plain',
  lastModifiedMs: BORN_MS,
  owner: { artifactId: ARTIFACT_ID, executionId: EXECUTION_ID, type: 'document', sha256: SHA256 },
  sha256: null,
  restore: null,
  tags: { team: 'blue', 'artifact-retention': 'expiring' },
  ...overrides,
});

const KNOWN: Assumptions = {
  tenantId: 'acme',
  executionDays: null,
  defaultRetentionDays: 30,
  policy: DEFAULT_POLICY,
  nowMs: BORN_MS + DAY_MS,
};

const tagged = (tag: string | null) =>
  anObject({ tags: { team: 'blue', ...(tag === null ? {} : { 'artifact-retention': tag }) } });
const rowOf = (object: StoredFacts, known: Partial<Assumptions> = {}) =>
  recordOfObject(object, PATH, SHA256, { ...KNOWN, ...known });

describe('the row of an artifact of which only the object is left', () => {
  it('has what the object says of it', () => {
    expect(rowOf(anObject())).toMatchObject({
      ...{ id: ARTIFACT_ID, executionId: EXECUTION_ID, tenantId: 'acme', path: PATH, key: KEY, sizeBytes: 10 },
      ...{ sha256: SHA256, mimeType: 'text/plain', type: 'document', tags: { team: 'blue' }, status: 'ACTIVE' },
      ...{ versionId: 'v1', etag: '"e"', storageClass: 'STANDARD', tier: 'HOT', createdAtMs: BORN_MS },
    });
  });

  it('is read back unless the store has checked its bytes', () => {
    const claimed = rowOf(anObject());
    expect(nextAction(lifeOfRow(claimed, KNOWN.nowMs), KNOWN.nowMs).kind).toBe('verify');
    expect(rowOf(anObject({ sha256: SHA256 })).checksumState).toBe('verified');
  });

  it.each([
    ['expiring', 30 * DAY_MS],
    ['long', 36_500 * DAY_MS],
    ['permanent', Infinity],
    ['held', Infinity],
    ['unheard of', 36_500 * DAY_MS],
    [null, 36_500 * DAY_MS],
  ])('tagged as %s lives at least as long as that says, and never less than the default', (tag, leastMs) => {
    const row = rowOf(tagged(tag));
    const endsMs = row.holds.length > 0 ? Infinity : (row.expiresAtMs ?? Infinity);
    expect(endsMs).toBeGreaterThanOrEqual(BORN_MS + leastMs);
    if (tag === 'permanent' || tag === 'held' || tag === 'long') expect(retentionTag(row)).toBe(tag);
  });

  it('inherits from its execution, and is not gone at once when that time is over', () => {
    expect(rowOf(anObject(), { executionDays: 90 }).retention).toEqual({ rule: 'execution', days: 90 });
    const nowMs = BORN_MS + 100 * DAY_MS;
    expect(rowOf(anObject(), { nowMs }).expiresAtMs).toBe(nowMs + 30 * DAY_MS);
  });

  it.each([
    ['GLACIER', 'ARCHIVED', 'COLD'],
    ['DEEP_ARCHIVE', 'ARCHIVED', 'COLD'],
    ['STANDARD_IA', 'ACTIVE', 'WARM'],
  ])('in class %s is %s', (storageClass, status, tier) => {
    expect(rowOf(anObject({ storageClass }))).toMatchObject({ status, tier, storageClass });
  });

  it('goes on being looked at when it was coming back from the archive', () => {
    const row = rowOf(anObject({ storageClass: 'GLACIER', restore: { inProgress: true } }));
    expect(nextAction(lifeOfRow(row, KNOWN.nowMs), KNOWN.nowMs)).toMatchObject({
      kind: 'pollRestore',
      atMs: KNOWN.nowMs,
    });
  });
});

describe('an object', () => {
  it('is an artifact’s only where the artifact would be', () => {
    expect(pathOfObject(anObject())).toBe(PATH);
    expect(pathOfObject(anObject({ key: `artifacts/${EXECUTION_ID}/output/%zz` }))).toBeNull();
    expect(pathOfObject(anObject({ key: `artifacts/${ARTIFACT_ID}/output/a%20b.txt` }))).toBeNull();
    const owner = { ...anObject().owner, artifactId: 'x' };
    expect(pathOfObject(anObject({ owner }))).toBeNull();
  });

  it('tells its SHA-256 in its metadata, or in a tag when it came too late for that', () => {
    const { sha256: _none, ...owner } = anObject().owner;
    const late = 'b'.repeat(64);
    expect(sha256OfObject(anObject())).toBe(SHA256);
    expect(sha256OfObject(anObject({ owner, tags: { 'artifact-sha256': late } }))).toBe(late);
    expect(sha256OfObject(anObject({ owner, sha256: late }))).toBe(late);
    expect(sha256OfObject(anObject({ owner, tags: { 'artifact-sha256': 'x' } }))).toBeNull();
  });
});
