import { comparePart, isSame, type BucketFinding, type ComparedPart } from '../../domain/bucket/compare.js';
import { entriesOf, isOurs, type BucketDocument, type WantedPart } from '../../domain/bucket/parts.js';
import { ArtifactError } from '../../domain/errors.js';
import type { BucketSettings } from '../../storage/bucket/bucket-settings.js';

/** A part of the bucket as it was found; `found` is undefined when it could not be read. */
export interface InspectedPart extends ComparedPart {
  wanted: WantedPart;
  found?: BucketDocument | null;
}

/**
 * Reads one part and holds it against what we want. What the store does not know or does not let us is a finding, no error.
 * @throws `bucket_not_found`, `storage_unavailable`.
 */
export async function inspectPart(settings: BucketSettings, wanted: WantedPart): Promise<InspectedPart> {
  try {
    const found = await settings.read(wanted.part);
    return { wanted, found, ...comparePart(wanted, found) };
  } catch (error) {
    return { wanted, findings: [unreadable(wanted, error)], document: null };
  }
}

/** @throws whatever is not about this part alone. */
export function unreadable({ part }: WantedPart, error: unknown): BucketFinding {
  if (!(error instanceof ArtifactError)) throw error;
  if (error.code === 'not_supported')
    return { part, name: 'all', state: 'not_supported', note: 'this store has no such thing' };
  if (error.code === 'storage_rejected') return { part, name: 'all', state: 'refused', note: error.message };
  throw error;
}

/** All parts, as they are now. @throws `bucket_not_found`, `storage_unavailable`. */
export async function inspectBucket(settings: BucketSettings, wanted: WantedPart[]): Promise<InspectedPart[]> {
  const parts: InspectedPart[] = [];
  for (const part of wanted) parts.push(await inspectPart(settings, part));
  return parts;
}

/** Names of entries that are not ours and are not, to the byte, what they were. */
export function changedForeign(
  { part }: WantedPart,
  before: BucketDocument | null,
  after: BucketDocument | null,
): string[] {
  const foreign = (document: BucketDocument | null): Map<string, string> =>
    new Map(
      entriesOf(part, document)
        .filter(({ name }) => !isOurs(part, name))
        .map(({ value }, index) => [String(index), JSON.stringify(value)]),
    );
  const now = foreign(after);
  return [...foreign(before)].filter(([place, text]) => now.get(place) !== text).map(([, text]) => text);
}

/** What of a rule the store has not kept, as paths: `Filter.And.ObjectSizeGreaterThan`. */
export function lostFields(wanted: unknown, found: unknown, path = ''): string[] {
  if (isSame(wanted, found)) return [];
  if (!isObject(wanted) || !isObject(found)) return [path === '' ? 'all of it' : path];
  return Object.entries(wanted).flatMap(([key, value]) =>
    lostFields(value, found[key], path === '' ? key : `${path}.${key}`),
  );
}

const isObject = (value: unknown): value is BucketDocument =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
