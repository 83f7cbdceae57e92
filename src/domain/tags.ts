import type { Tags } from './artifact.js';
import { SHA256 } from './checksum.js';
import { ArtifactError } from './errors.js';
import { utf8Bytes } from './text.js';

/** S3 allows so many per object. */
const MAX_TAGS = 10;
/** Two are ours; a third one, which nothing depends on, is left out when there is no room. */
export const MAX_USER_TAGS = MAX_TAGS - 2;
/** UTF-8. S3 counts characters, some stores bytes: the smaller of the two is accepted by all. */
export const MAX_TAG_KEY_BYTES = 128;
export const MAX_TAG_VALUE_BYTES = 256;

/** Our tags begin with this; users' must not. */
const RESERVED_PREFIX = 'artifact-';
/** The bucket's expiry rule matches only this tag, so an object that lost it is kept (never the other way round). */
export const RETENTION_TAG = 'artifact-retention';
/** After how many days it becomes WARM and COLD: the bucket's own transitions match only the days they are made for. */
export const TIERS_TAG = 'artifact-tiers';
/** Whole-file SHA-256, set when it was not known before the first byte (streams): metadata cannot be added later, tags can. */
const CHECKSUM_TAG = 'artifact-sha256';

/** S3 user guide, "object tagging": letters, digits and spaces of UTF-8 and + - = . _ : / @. */
const ALLOWED = /^[\p{L}\p{N}\p{Z}+\-=._:/@]*$/u;

/** @throws `invalid_tags` for anything S3 would refuse, and for names that are reserved. */
export function requireTags(tags: Tags): Tags {
  const refuse = (why: string): never => {
    throw new ArtifactError('invalid_tags', why);
  };
  const entries = Object.entries(tags);
  if (entries.length > MAX_USER_TAGS) refuse(`${entries.length} tags given, at most ${MAX_USER_TAGS} are allowed`);
  for (const [key, value] of entries) {
    if (!ALLOWED.test(key) || !ALLOWED.test(value)) refuse(`tag "${key.slice(0, 40)}" has characters that S3 refuses`);
    if (key.length === 0 || utf8Bytes(key) > MAX_TAG_KEY_BYTES)
      refuse(`tag key "${key.slice(0, 40)}" must have 1 to ${MAX_TAG_KEY_BYTES} bytes`);
    if (utf8Bytes(value) > MAX_TAG_VALUE_BYTES)
      refuse(`the value of tag "${key}" has more than ${MAX_TAG_VALUE_BYTES} bytes`);
    if (key.startsWith(RESERVED_PREFIX) || key.toLowerCase().startsWith('aws:')) refuse(`tag key "${key}" is reserved`);
  }
  return tags;
}

/** Tags to set; null: the tag goes. */
export type TagChanges = Record<string, string | null>;

/** The tags after a change. @param change `merge`: what it does not name stays, as in a JSON merge patch. @throws `invalid_tags`. */
export function tagsAfter(before: Tags, { tags, merge }: { tags: TagChanges; merge: boolean }): Tags {
  const wished = new Map<string, string | null>([...(merge ? Object.entries(before) : []), ...Object.entries(tags)]);
  return requireTags(Object.fromEntries([...wished].filter((tag): tag is [string, string] => tag[1] !== null)));
}

/** In whatever order. */
export const isSameTags = (a: Tags, b: Tags): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([key, value]) => b[key] === value);

/**
 * Tags travel in a header when an object is created, percent-encoded; stores refuse what is long then (versitygw counts the
 * encoded form against the limits, S3 allows 8 KiB for all headers). Longer ones are set when the upload is complete.
 */
const MAX_HEADER_CHARACTERS = 1_500;

/** May all of these be given with the first byte? */
export function fitHeader(tags: Tags): boolean {
  const encoded = Object.entries(tags).map(([key, value]) => [encodeURIComponent(key), encodeURIComponent(value)]);
  const total = encoded.reduce((sum, [key = '', value = '']) => sum + key.length + value.length + 2, 0);
  return (
    total <= MAX_HEADER_CHARACTERS &&
    encoded.every(([key = '', value = '']) => key.length <= MAX_TAG_KEY_BYTES && value.length <= MAX_TAG_VALUE_BYTES)
  );
}

/** What the retention tag says: only `expiring` is left to the bucket's own expiry rule. */
const RETENTION_TAGS = ['expiring', 'long', 'held', 'permanent'] as const;
export type RetentionTag = (typeof RETENTION_TAGS)[number];

/** What our tags say, besides the retention; what is undefined has no tag. */
export interface OwnTags {
  lateSha256?: string | undefined;
  tiers?: string | undefined;
}

/** The tag set of an object: the user's, and ours. */
export function objectTags(user: Tags, retention: RetentionTag, { lateSha256, tiers }: OwnTags = {}): Tags {
  const needed = {
    ...user,
    [RETENTION_TAG]: retention,
    ...(lateSha256 === undefined ? {} : { [CHECKSUM_TAG]: lateSha256 }),
  };
  // Without it the bucket moves nothing, and the workflow does.
  return tiers === undefined || Object.keys(needed).length >= MAX_TAGS ? needed : { ...needed, [TIERS_TAG]: tiers };
}

/** `30-90`, `never-90`: the value of the tag for days from the creation. */
export const tiersTagValue = ({ warmAfterDays, coldAfterDays }: TierDays): string =>
  `${warmAfterDays ?? 'never'}-${coldAfterDays ?? 'never'}`;

interface TierDays {
  warmAfterDays: number | null;
  coldAfterDays: number | null;
}

/** What the tags of an object say, whoever wrote them: the other way round. Null: nothing that we know. */
export function splitTags(tags: Tags): { user: Tags; retention: RetentionTag | null; sha256: string | null } {
  const sha256 = tags[CHECKSUM_TAG] ?? '';
  return {
    user: Object.fromEntries(Object.entries(tags).filter(([key]) => !key.startsWith(RESERVED_PREFIX))),
    retention: RETENTION_TAGS.find((tag) => tag === tags[RETENTION_TAG]) ?? null,
    sha256: SHA256.test(sha256) ? sha256 : null,
  };
}
