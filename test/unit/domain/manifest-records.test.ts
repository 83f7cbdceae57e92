import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ArtifactRecord } from '../../../src/domain/artifact-record.js';
import { ARTIFACT_TYPES, CHECKSUM_STATES } from '../../../src/domain/artifact.js';
import { artifactKey } from '../../../src/domain/keys.js';
import { recordOfEntry, toManifestHead } from '../../../src/domain/manifest-records.js';
import { manifestEntry, type ManifestHead } from '../../../src/domain/manifest.js';
import { expiresAtMs, type Retention } from '../../../src/domain/retention.js';
import { STORAGE_TIERS } from '../../../src/domain/tiers.js';
import { aRecord, BORN_MS, EXECUTION_ID, SHA256 } from '../../support/records.js';

const HEAD: ManifestHead = {
  version: 1,
  executionId: EXECUTION_ID,
  tenantId: 'acme',
  retentionDays: 90,
  generatedAt: new Date(BORN_MS).toISOString(),
};

const retentions: fc.Arbitrary<Retention> = fc.oneof(
  fc.record({ rule: fc.constantFrom('default', 'execution', 'artifact'), days: fc.integer({ min: 1, max: 36_500 }) }),
  fc.integer({ min: BORN_MS, max: BORN_MS * 2 }).map((atMs): Retention => ({ rule: 'date', expiresAtMs: atMs })),
  fc.string().map((reason): Retention => ({ rule: 'permanent', by: 'ann', reason, atMs: BORN_MS })),
);
const listed = fc
  .record({
    id: fc.uuid(),
    name: fc.constantFrom('a b.txt', '한국어/é.md', "it's %41.log"),
    status: fc.constantFrom('ACTIVE' as const, 'ARCHIVED' as const),
    tier: fc.constantFrom(...STORAGE_TIERS),
    type: fc.constantFrom(...ARTIFACT_TYPES),
    checksumState: fc.constantFrom(...CHECKSUM_STATES),
    retention: retentions,
    revision: fc.nat(1_000),
    versionId: fc.option(fc.string()),
    createdAtMs: fc.integer({ min: 0, max: BORN_MS * 2 }),
    warnedAtMs: fc.option(fc.nat()),
    tags: fc.dictionary(fc.string(), fc.string(), { maxKeys: 8 }),
  })
  .map(({ name, ...facts }): ArtifactRecord => {
    const path = `output/${name}`;
    const deadlineMs = expiresAtMs(facts.createdAtMs, facts.retention);
    return aRecord({ ...facts, path, key: artifactKey(EXECUTION_ID, path), expiresAtMs: deadlineMs });
  });

const through = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('an entry of a manifest', () => {
  it('is the whole row again, but for what is not told', () => {
    fc.assert(
      fc.property(listed, (record) => {
        const used = { ...record, downloads: 7, lastDownloadedAtMs: BORN_MS, untoldPublication: record.id };
        expect(recordOfEntry(HEAD, through(manifestEntry(used)))).toEqual(through(record));
      }),
    );
  });

  it('of an earlier version is completed', () => {
    const { policy: _policy, holds: _holds, ...before } = through(manifestEntry(aRecord())) as Record<string, unknown>;
    expect(recordOfEntry(HEAD, before)).toMatchObject({ holds: [], policy: { none: true } });
  });

  it.each<[string, object]>([
    ['of another execution', { executionId: '33333333-3333-4333-8333-333333333333' }],
    ['with a key that is not its path', { filePath: `artifacts/${EXECUTION_ID}/output/other.txt` }],
    ['with a path that leads out', { path: 'output/../../x', filePath: `artifacts/${EXECUTION_ID}/output/../../x` }],
    ['that is not listed by us', { status: 'DELETED' }],
    ['without an id', { id: 'x' }],
    ['with a checksum that is none', { checksum: `${SHA256}a` }],
    ['with a size that is no number', { fileSize: '10' }],
    ['with a retention that nobody knows', { retention: { rule: 'until-friday' } }],
    ['that expires sooner than its retention says', { expiresAt: new Date(BORN_MS).toISOString() }],
    ['that is permanent and expires', { retention: { rule: 'permanent', by: 'a', reason: 'b', atMs: 1 } }],
    ['without a retention', { retention: null }],
    ['with a time that is none', { createdAt: 'yesterday' }],
  ])('%s is not believed', (_what, damage) => {
    expect(recordOfEntry(HEAD, { ...(through(manifestEntry(aRecord())) as object), ...damage })).toBeNull();
  });

  it('may be anything at all, and is a row or nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue(), listed, (value, record) => {
        expect(recordOfEntry(HEAD, value)).toBeNull();
        const entry = through(manifestEntry(record)) as Record<string, unknown>;
        for (const key of Object.keys(entry)) recordOfEntry(HEAD, { ...entry, [key]: value });
      }),
    );
  });
});

describe('the head of a manifest', () => {
  it('is believed when it is of the execution whose folder it lies in', () => {
    expect(toManifestHead(HEAD, EXECUTION_ID)).toEqual(HEAD);
    expect(toManifestHead(HEAD, '33333333-3333-4333-8333-333333333333')).toBeNull();
    for (const damage of [{ version: 2 }, { tenantId: null }, { retentionDays: 'x' }])
      expect(toManifestHead({ ...HEAD, ...damage }, EXECUTION_ID)).toBeNull();
    expect(toManifestHead(null, EXECUTION_ID)).toBeNull();
  });
});
