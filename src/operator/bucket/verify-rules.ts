import { randomUUID } from 'node:crypto';
import { abortRuleId } from '../../domain/bucket/lifecycle-rules.js';
import { artifactKey } from '../../domain/keys.js';
import { objectTags, type RetentionTag } from '../../domain/tags.js';
import type { BucketExpiry, BucketSettings } from '../../storage/bucket/bucket-settings.js';
import type { ObjectStore } from '../../storage/object-store.js';

/** What the bucket says that it will do with a real object. */
export interface RuleProof {
  /** What was tried: an object with this retention tag, or an upload that is never completed. */
  object: RetentionTag | 'unfinished upload';
  /** `untold`: this store does not say what it will do with an object. */
  outcome: 'as_wanted' | 'wrong' | 'untold';
  note: string;
}

const EXPIRY_RULE = 'ExpireOldArtifacts';
const BODY = Buffer.from('a throw-away object');

/**
 * Asks the bucket what its rules will do with throw-away objects of each retention below `artifacts/`, and with an upload; all of them
 * are removed again, also when something fails. S3 tells expiries and the ends of uploads; nobody tells transitions.
 * @throws what the store throws.
 */
export async function verifyRules(settings: BucketSettings, store: ObjectStore): Promise<RuleProof[]> {
  const retentions: RetentionTag[] = ['expiring', 'long', 'held', 'permanent'];
  const told: [RetentionTag, BucketExpiry | null][] = [];
  for (const retention of retentions) told.push([retention, await expiryOf(settings, store, retention)]);
  const tells = told.some(([, expiry]) => expiry !== null);
  const abort = await settings.abortOf(artifactKey(randomUUID(), 'output/bucket-check'));
  return [
    ...told.map(([retention, expiry]): RuleProof => proofOf(retention, expiry, tells)),
    {
      object: 'unfinished upload',
      outcome: abort === null ? 'untold' : abort.ruleId === abortRuleId ? 'as_wanted' : 'wrong',
      note: abort === null ? 'this store does not tell' : describe(abort),
    },
  ];
}

function proofOf(retention: RetentionTag, expiry: BucketExpiry | null, tells: boolean): RuleProof {
  const object = retention;
  if (expiry === null && !tells) return { object, outcome: 'untold', note: 'this store does not tell' };
  const isWanted = retention === 'expiring' ? expiry?.ruleId === EXPIRY_RULE : expiry === null;
  return { object, outcome: isWanted ? 'as_wanted' : 'wrong', note: expiry === null ? 'stays' : describe(expiry) };
}

const describe = ({ ruleId, atMs }: BucketExpiry): string =>
  `goes on ${new Date(atMs).toISOString().slice(0, 10)} by ${ruleId}`;

async function expiryOf(
  settings: BucketSettings,
  store: ObjectStore,
  retention: RetentionTag,
): Promise<BucketExpiry | null> {
  const id = randomUUID();
  const key = artifactKey(id, 'output/bucket-check');
  try {
    await store.put(
      {
        key,
        mimeType: 'text/plain',
        owner: { artifactId: id, executionId: id, type: 'other' },
        tags: objectTags({}, retention),
      },
      BODY,
    );
    return await settings.expiryOf(key);
  } finally {
    for (const { versionId } of await store.listVersions(key)) await store.deleteVersion(key, versionId);
  }
}
