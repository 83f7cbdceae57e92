/** What of a bucket is configured, in the order in which it is written: a policy may lock its writer out, so it comes last. */
export const BUCKET_PARTS = [
  'publicAccess',
  'ownership',
  'encryption',
  'versioning',
  'cors',
  'lifecycle',
  'policy',
] as const;
export type BucketPart = (typeof BUCKET_PARTS)[number];

/** The configuration of one part as S3 and its command line take it, plain JSON; dates are ISO texts. */
export type BucketDocument = Record<string, unknown>;

/** One rule or statement of a part, or the whole of a part that is of one piece. */
export interface BucketEntry {
  /** `ID` of a rule, `Sid` of a statement; of a part that is of one piece: `default`. */
  name: string;
  value: BucketDocument;
}

/** What we want of one part. */
export interface WantedPart {
  part: BucketPart;
  entries: BucketEntry[];
  /** What cannot be said without a value that nobody gave: left as it is. */
  withheld: { name: string; why: string }[];
  /** What is there will do as well, although it is not what would be written. */
  accepts?: (found: BucketDocument) => boolean;
}

/** What holds a part's entries, and what names them; null for a part that is of one piece. */
const LISTS: Record<BucketPart, { list: string; name: string; frame: BucketDocument } | null> = {
  publicAccess: null,
  ownership: null,
  encryption: null,
  versioning: null,
  cors: { list: 'CORSRules', name: 'ID', frame: {} },
  lifecycle: { list: 'Rules', name: 'ID', frame: {} },
  policy: { list: 'Statement', name: 'Sid', frame: { Version: '2012-10-17' } },
};

/** Nobody else's rules have these names. */
export const OUR_PREFIX = 'durable-artifacts/';
export const SPEC_RULES = ['TransitionToIA', 'TransitionToGlacier', 'ExpireOldArtifacts'] as const;
const OUR_STATEMENTS = /^(AllowAgentAccess|DurableArtifacts[A-Za-z]*)$/;

/** Is a rule or statement of this name ours to change? A part of one piece is. */
export function isOurs(part: BucketPart, name: string): boolean {
  if (LISTS[part] === null) return true;
  if (part === 'policy') return OUR_STATEMENTS.test(name);
  return name.startsWith(OUR_PREFIX) || (part === 'lifecycle' && SPEC_RULES.some((id) => id === name));
}

/** The rules or statements of a part; those without a name are told by their place: `#2`. */
export function entriesOf(part: BucketPart, document: BucketDocument | null): BucketEntry[] {
  if (document === null) return [];
  const shape = LISTS[part];
  if (shape === null) return [{ name: 'default', value: document }];
  const list = document[shape.list];
  // IAM takes a single statement without its brackets.
  const values = Array.isArray(list) ? (list as BucketDocument[]) : list === undefined ? [] : [list as BucketDocument];
  return values.map((value, index) => {
    const name = value[shape.name];
    return { name: typeof name === 'string' && name !== '' ? name : `#${index + 1}`, value };
  });
}

/** The other way round. @param before what else stands around the list stays as it is there. */
export function documentOf(part: BucketPart, entries: BucketEntry[], before: BucketDocument | null): BucketDocument {
  const shape = LISTS[part];
  if (shape === null) return entries[0]?.value ?? {};
  return { ...shape.frame, ...before, [shape.list]: entries.map(({ value }) => value) };
}
