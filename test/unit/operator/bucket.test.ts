import { beforeEach, describe, expect, it } from 'vitest';
import type { BucketDocument } from '../../../src/domain/bucket/parts.js';
import { wantedBucket, type BucketWishes } from '../../../src/domain/bucket/wanted.js';
import { applyBucket, inspectBucket, verifyRules } from '../../../src/operator/bucket/index.js';
import type { BucketExpiry } from '../../../src/storage/bucket/bucket-settings.js';
import { MemoryBucketSettings } from '../../../src/storage/memory/bucket-settings.js';
import { MemoryObjectStore } from '../../../src/storage/memory/index.js';
import { wishes } from '../../support/bucket-wishes.js';

const FOREIGN = { ID: 'tidy logs', Status: 'Enabled', Filter: { Prefix: 'logs/' }, Expiration: { Days: 7 } };
const AT_ONCE = { waitMs: 0 };

let settings: MemoryBucketSettings;
beforeEach(() => {
  settings = new MemoryBucketSettings();
});

const apply = async (given: Partial<BucketWishes> = {}): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await applyBucket(settings, wantedBucket(wishes(given)), AT_ONCE)).map(({ part, name, state, outcome }) => [
      `${part} ${name}`,
      outcome ?? state,
    ]),
  );

describe('applying what is wanted of a bucket', () => {
  it('writes what is missing, the policy last, and nothing the second time', async () => {
    expect(await apply()).toMatchObject({
      'lifecycle ExpireOldArtifacts': 'added',
      'policy DurableArtifactsTlsOnly': 'added',
    });
    expect(settings.written).toEqual(['publicAccess', 'ownership', 'encryption', 'versioning', 'lifecycle', 'policy']);
    const second = await apply();
    expect(new Set(Object.values(second))).toEqual(new Set(['as_wanted', 'not_given']));
    expect(settings.written).toHaveLength(6);
  });

  it('leaves foreign rules to the byte', async () => {
    await settings.write('lifecycle', { Rules: [FOREIGN] });
    expect(await apply()).toMatchObject({ 'lifecycle tidy logs': 'foreign' });
    const { Rules } = (await settings.read('lifecycle')) as { Rules: BucketDocument[] };
    expect(JSON.stringify(Rules[0])).toBe(JSON.stringify(FOREIGN));
  });

  it('changes what differs and removes what is not wanted any more', async () => {
    await apply();
    const byUse = { ...wishes().policy, tierBy: 'last_access' as const };
    expect(await apply({ policy: byUse, uploadDeadlineMs: 20 * 86_400_000 })).toMatchObject({
      'lifecycle TransitionToIA': 'removed',
      'lifecycle durable-artifacts/abort-incomplete-uploads': 'changed',
    });
    const { Rules } = (await settings.read('lifecycle')) as { Rules: BucketDocument[] };
    expect(Rules.map(({ ID }) => ID)).not.toContain('TransitionToIA');
  });

  it('tells which fields a store has dropped without a word', async () => {
    settings.keeps = (document) =>
      JSON.parse(
        JSON.stringify(document)
          .replaceAll(/"Tags":\[[^\]]*\],?/g, '')
          .replaceAll(',}', '}'),
      ) as BucketDocument;
    const applied = await applyBucket(settings, wantedBucket(wishes()), AT_ONCE);
    expect(applied.find(({ name }) => name === 'ExpireOldArtifacts')).toMatchObject({
      outcome: 'not_kept',
      note: expect.stringContaining('Filter.And.Tags') as string,
    });
  });

  it('tells that a store has changed a foreign rule', async () => {
    await settings.write('lifecycle', { Rules: [FOREIGN] });
    settings.keeps = (document) =>
      JSON.parse(JSON.stringify(document).replace('"Days":7', '"Days":8')) as BucketDocument;
    const applied = await applyBucket(settings, wantedBucket(wishes()), AT_ONCE);
    expect(applied).toContainEqual(
      expect.objectContaining({ state: 'refused', note: expect.stringContaining('tidy logs') as string }),
    );
  });

  it('goes on with the other parts when the store does not know one', async () => {
    settings.unsupported = ['lifecycle', 'encryption'];
    expect(await apply()).toMatchObject({ 'lifecycle all': 'not_supported', 'policy DurableArtifactsTls12': 'added' });
    const found = await inspectBucket(settings, wantedBucket(wishes()));
    expect(found.flatMap(({ findings }) => findings).map(({ state }) => state)).not.toContain('missing');
  });
});

describe('trying the rules on throw-away objects', () => {
  const rule = (ruleId: string): BucketExpiry => ({ ruleId, atMs: Date.UTC(2030, 0, 1) });

  /** A bucket that tells of the objects which are there what it will do with them. */
  async function outcomesWhere(expires: (retention: string | undefined) => BucketExpiry | null): Promise<string[]> {
    const store = new MemoryObjectStore();
    const put = store.put.bind(store);
    const tags = new Map<string, string | undefined>();
    store.put = (object, body) => {
      tags.set(object.key, object.tags['artifact-retention']);
      return put(object, body);
    };
    settings.expiries = (key) =>
      tags.has(key) ? expires(tags.get(key)) : rule('durable-artifacts/abort-incomplete-uploads');
    const proofs = await verifyRules(settings, store);
    for (const key of tags.keys()) expect(await store.listVersions(key)).toEqual([]);
    return proofs.map(({ object, outcome }) => `${object}: ${outcome}`);
  }

  it('finds that what expires is matched, and nothing else, and removes them', async () => {
    expect(await outcomesWhere((tag) => (tag === 'expiring' ? rule('ExpireOldArtifacts') : null))).toEqual([
      ...['expiring: as_wanted', 'long: as_wanted', 'held: as_wanted', 'permanent: as_wanted'],
      'unfinished upload: as_wanted',
    ]);
  });

  it('finds that a foreign rule would take what is permanent', async () => {
    expect(await outcomesWhere(() => rule('ExpireOldArtifacts'))).toContain('permanent: wrong');
    expect(await outcomesWhere((tag) => (tag === 'held' ? rule('somebody') : rule('ExpireOldArtifacts')))).toContain(
      'held: wrong',
    );
  });

  it('says when the store does not tell', async () => {
    expect(await outcomesWhere(() => null)).toContain('permanent: untold');
  });
});
