import { describe, expect, it } from 'vitest';
import { comparePart, isDrift, isSame } from '../../../../src/domain/bucket/compare.js';
import { dangerOf } from '../../../../src/domain/bucket/danger.js';
import type { BucketDocument, BucketPart, WantedPart } from '../../../../src/domain/bucket/parts.js';
import { wantedBucket } from '../../../../src/domain/bucket/wanted.js';
import { wishes } from '../../../support/bucket-wishes.js';

const partOf = (part: BucketPart, given: Parameters<typeof wishes>[0] = {}): WantedPart => {
  const found = wantedBucket(wishes(given)).find((wanted) => wanted.part === part);
  if (found === undefined) throw new Error(`no part ${part}`);
  return found;
};
const statesOf = (wanted: WantedPart, found: BucketDocument | null): Record<string, string> =>
  Object.fromEntries(comparePart(wanted, found).findings.map(({ name, state }) => [name, state]));

/** As FEAT-004 has it. */
const SPEC_EXPIRY = {
  ...{ ID: 'ExpireOldArtifacts', Status: 'Enabled', Prefix: 'artifacts/' },
  Expiration: { Days: 365 },
};
const FOREIGN = { ID: 'tidy logs', Status: 'Enabled', Filter: { Prefix: 'logs/' }, Expiration: { Days: 7 } };

describe('a bucket held against what is wanted', () => {
  it('lacks everything when it has nothing', () => {
    const states = statesOf(partOf('lifecycle'), null);
    expect(Object.values(states)).toEqual(Array(6).fill('missing'));
  });

  it('keeps foreign rules as they are and where they are, takes ours by their names, and drops those of ours that are not wanted', () => {
    const wanted = partOf('lifecycle');
    const old = { ID: 'durable-artifacts/of-before', Status: 'Enabled', Filter: { Prefix: 'artifacts/' } };
    const unnamed = { Status: 'Disabled', Filter: { Prefix: 'tmp/' }, Expiration: { Days: 1 } };
    const found = {
      Rules: [FOREIGN, SPEC_EXPIRY, old, unnamed],
      TransitionDefaultMinimumObjectSize: 'varies_by_storage_class',
    };
    const { findings, document } = comparePart(wanted, found);
    expect(findings.map(({ name, state }) => `${name} ${state}`).slice(0, 4)).toEqual([
      'tidy logs foreign',
      'ExpireOldArtifacts differs',
      'durable-artifacts/of-before superfluous',
      '#4 foreign',
    ]);
    const written = document?.['Rules'] as BucketDocument[];
    expect(written[0]).toEqual(FOREIGN);
    expect(written[1]).toMatchObject({ ID: 'ExpireOldArtifacts', Filter: { And: { Tags: [{ Value: 'expiring' }] } } });
    expect(written[2]).toEqual(unnamed);
    expect(written).toHaveLength(3 + 5);
    expect(document).toMatchObject({ TransitionDefaultMinimumObjectSize: 'varies_by_storage_class' });
    expect(comparePart(wanted, document).document).toBeNull();
  });

  it('has what needs a value left as it is when nobody gives it', () => {
    const arn = 'arn:aws:iam::123456789012:role/w';
    const withRole = comparePart(partOf('policy', { roles: { worker: arn } }), null).document;
    const { findings, document } = comparePart(partOf('policy'), withRole);
    expect(document).toBeNull();
    expect(findings.find(({ name }) => name === 'DurableArtifactsWorker')).toMatchObject({
      state: 'not_given',
      found: { Sid: 'DurableArtifactsWorker' },
    });
    expect(statesOf(partOf('cors'), null)).toEqual({ 'durable-artifacts/direct-upload': 'not_given' });
    expect(findings.some(isDrift)).toBe(false);
  });

  it('keeps a statement of somebody else that stands without brackets, and the version of the policy', () => {
    const foreign = {
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:PutBucketPolicy',
      Resource: 'arn:aws:s3:::artifacts',
    };
    const { document } = comparePart(partOf('policy'), { Version: '2008-10-17', Id: 'theirs', Statement: foreign });
    expect(document).toMatchObject({ Version: '2008-10-17', Id: 'theirs' });
    const statements = document?.['Statement'] as BucketDocument[];
    expect(statements.map(({ Sid }) => Sid)).toEqual([undefined, 'DurableArtifactsTlsOnly', 'DurableArtifactsTls12']);
    expect(statements[0]).toEqual(foreign);
  });

  it('may encrypt by more than is wanted, and must use the key that is given', () => {
    const kms = (key: string): BucketDocument => ({
      Rules: [
        {
          ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: key },
          BucketKeyEnabled: true,
        },
      ],
    });
    expect(statesOf(partOf('encryption'), kms('a'))).toEqual({ default: 'as_wanted' });
    expect(statesOf(partOf('encryption', { kmsKey: 'b' }), kms('a'))).toEqual({ default: 'differs' });
    expect(statesOf(partOf('encryption', { kmsKey: 'a' }), kms('a'))).toEqual({ default: 'as_wanted' });
  });

  it('is not asked to refuse connections without TLS when that is how it is reached', () => {
    expect(statesOf(partOf('policy'), null)['DurableArtifactsTlsOnly']).toBe('missing');
    expect(statesOf(partOf('policy', { overTls: false }), null)['DurableArtifactsTlsOnly']).toBe('not_given');
  });

  it('says the same in other words, as S3 and IAM do', () => {
    expect(isSame({ Action: ['a', 'b'], Resource: ['x'] }, { Resource: 'x', Action: ['b', 'a'] })).toBe(true);
    expect(isSame({ Rules: [{ a: 1, BucketKeyEnabled: false }] }, { Rules: [{ a: 1 }] })).toBe(true);
    expect(isSame({ Days: 1 }, { Days: 2 })).toBe(false);
    expect(isSame({ Tags: [{ Key: 'a', Value: 'b' }] }, { Tags: [] })).toBe(false);
  });

  it.each([
    ['the rule of the spec under another name', { ...SPEC_EXPIRY, ID: 'x' }, /delete/],
    [
      'a rule for the whole bucket',
      { Status: 'Enabled', Filter: {}, Expiration: { Date: '2030-01-01T00:00:00.000Z' } },
      /delete/,
    ],
    [
      'an early end of what expires',
      {
        Status: 'Enabled',
        Filter: { Tag: { Key: 'artifact-retention', Value: 'expiring' } },
        Expiration: { Days: 30 },
      },
      /delete/,
    ],
    [
      'old versions',
      { Status: 'Enabled', Filter: { Prefix: 'art' }, NoncurrentVersionExpiration: { NoncurrentDays: 1 } },
      /delete/,
    ],
    [
      'the archive',
      { Status: 'Enabled', Filter: { Prefix: '' }, Transitions: [{ Days: 1, StorageClass: 'DEEP_ARCHIVE' }] },
      /archive/,
    ],
    [
      'uploads',
      { Status: 'Enabled', Filter: { Prefix: '' }, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } },
      /uploads/,
    ],
  ])('is in danger by foreign rules about artifacts: %s', (_, rule, danger) => {
    expect(dangerOf(rule)).toMatch(danger);
    expect(dangerOf({ ...rule, Status: 'Disabled' })).toBeNull();
    expect(Object.values(statesOf(partOf('lifecycle'), { Rules: [{ ...rule, ID: 'foreign' }] }))).toContain(
      'dangerous',
    );
  });

  it('is in no danger by foreign rules about something else', () => {
    expect(dangerOf(FOREIGN)).toBeNull();
    expect(
      dangerOf({
        Status: 'Enabled',
        Filter: { Prefix: 'artifacts/' },
        Transitions: [{ Days: 60, StorageClass: 'STANDARD_IA' }],
      }),
    ).toBeNull();
  });
});
