import { filterOf, listIn, numberIn, objectIn } from '../../src/domain/bucket/filter.js';
import type { BucketDocument } from '../../src/domain/bucket/parts.js';
import type { Tags } from '../../src/domain/artifact.js';
import { DAY_MS } from '../../src/domain/units.js';

/** A version of an object as S3's lifecycle looks at it. */
export interface RuledObject {
  key: string;
  tags: Tags;
  sizeBytes: number;
  /** When it was written; of a multipart upload, when that began. */
  bornMs: number;
  /** When something came to lie above it; null: it is the current version. */
  noncurrentSinceMs: number | null;
}

/** What a rule does with a version. An expiry puts a delete marker above it in a versioned bucket, and removes it in another one. */
export type RuleAction =
  | { kind: 'expire'; ruleId: string }
  | { kind: 'remove'; ruleId: string }
  | { kind: 'move'; ruleId: string; to: string };

/** S3 moves nothing smaller, unless a rule names a size itself (S3 user guide, "transition considerations"). */
const SMALLEST_MOVED_BYTES = 128 * 1_024;

/**
 * What the stored lifecycle configuration of a bucket does with a version until `nowMs`, as the S3 user guide tells it: the days of a rule are
 * added to its time, and rounded up to the next midnight UTC; all conditions of a filter must hold.
 */
export function actionsOn(configuration: BucketDocument | null, object: RuledObject, nowMs: number): RuleAction[] {
  const isDue = (sinceMs: number, days: unknown, date?: unknown): boolean => {
    if (typeof date === 'string') return Date.parse(date) <= nowMs;
    const count = numberIn(days);
    return count !== null && Math.ceil((sinceMs + count * DAY_MS) / DAY_MS) * DAY_MS <= nowMs;
  };
  return listIn(configuration?.['Rules']).flatMap((rule): RuleAction[] => {
    if (rule['Status'] !== 'Enabled' || !matches(rule, object)) return [];
    const ruleId = String(rule['ID']);
    const { bornMs, noncurrentSinceMs } = object;
    if (noncurrentSinceMs !== null) {
      const { NoncurrentDays } = objectIn(rule['NoncurrentVersionExpiration']);
      return isDue(noncurrentSinceMs, NoncurrentDays) ? [{ kind: 'remove', ruleId }] : [];
    }
    const { Days, Date: date } = objectIn(rule['Expiration']);
    const moves = listIn(rule['Transitions']).filter((move) => isDue(bornMs, move['Days'], move['Date']));
    return [
      ...(isDue(bornMs, Days, date) ? [{ kind: 'expire' as const, ruleId }] : []),
      ...moves.map(({ StorageClass }) => ({ kind: 'move' as const, ruleId, to: String(StorageClass) })),
    ];
  });
}

function matches(rule: BucketDocument, { key, tags, sizeBytes }: RuledObject): boolean {
  const filter = filterOf(rule);
  const smallest = filter.largerThanBytes ?? (listIn(rule['Transitions']).length > 0 ? SMALLEST_MOVED_BYTES - 1 : -1);
  return (
    key.startsWith(filter.prefix) &&
    Object.entries(filter.tags).every(([name, value]) => tags[name] === value) &&
    sizeBytes > smallest &&
    (filter.smallerThanBytes === null || sizeBytes < filter.smallerThanBytes)
  );
}
