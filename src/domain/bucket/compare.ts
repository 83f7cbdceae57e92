import { dangerOf } from './danger.js';
import { documentOf, entriesOf, isOurs, type BucketDocument, type BucketPart, type WantedPart } from './parts.js';

/**
 * What is found about one rule, statement or part: `as_wanted`; ours and `missing`, `differs` or `superfluous` (an apply adds, changes,
 * removes it); somebody else's, which stays (`foreign`), even if it may harm artifacts (`dangerous`); left alone because a value was
 * not given (`not_given`) or the store does not know such a thing (`not_supported`); or the store does not let us (`refused`).
 */
export type BucketState =
  | 'as_wanted'
  | 'missing'
  | 'differs'
  | 'superfluous'
  | 'foreign'
  | 'dangerous'
  | 'not_given'
  | 'not_supported'
  | 'refused';

export interface BucketFinding {
  part: BucketPart;
  name: string;
  state: BucketState;
  wanted?: BucketDocument;
  found?: BucketDocument;
  note?: string;
}

const DRIFT: readonly BucketState[] = ['missing', 'differs', 'superfluous', 'dangerous', 'refused'];

/** Is the bucket not as it should be? */
export const isDrift = ({ state }: BucketFinding): boolean => DRIFT.includes(state);
/** Does an apply put it right? */
export const isChange = ({ state }: BucketFinding): boolean =>
  state === 'missing' || state === 'differs' || state === 'superfluous';

export interface ComparedPart {
  findings: BucketFinding[];
  /** What is to be written: everything foreign as it was, ours as wanted. Null: nothing is to be changed. */
  document: BucketDocument | null;
}

/** Holds what a bucket has against what we want. Rules are ours by their name alone; all others stay, in their order. */
export function comparePart(wanted: WantedPart, found: BucketDocument | null): ComparedPart {
  const { part } = wanted;
  const withheld = new Map(wanted.withheld.map(({ name, why }) => [name, why]));
  const open = new Map(wanted.entries.map((entry) => [entry.name, entry]));
  const findings: BucketFinding[] = [];
  const entries: typeof wanted.entries = [];
  for (const entry of entriesOf(part, found)) {
    const { name, value } = entry;
    const wish = open.get(name);
    const why = withheld.get(name);
    if (wish !== undefined) {
      open.delete(name);
      entries.push(wish);
      findings.push(
        isSame(wish.value, value) || wanted.accepts?.(value) === true
          ? { part, name, state: 'as_wanted', found: value }
          : { part, name, state: 'differs', wanted: wish.value, found: value },
      );
    } else if (why !== undefined) {
      withheld.delete(name);
      entries.push(entry);
      findings.push({ part, name, state: 'not_given', found: value, note: `stays as it is: ${why}` });
    } else if (isOurs(part, name)) findings.push({ part, name, state: 'superfluous', found: value });
    else {
      entries.push(entry);
      const danger = part === 'lifecycle' ? dangerOf(value) : null;
      findings.push({
        ...{ part, name, state: danger === null ? 'foreign' : 'dangerous', found: value },
        ...(danger === null ? {} : { note: danger }),
      });
    }
  }
  for (const entry of open.values()) {
    entries.push(entry);
    findings.push({ part, name: entry.name, state: 'missing', wanted: entry.value });
  }
  for (const [name, why] of withheld) findings.push({ part, name, state: 'not_given', note: `left out: ${why}` });
  return { findings, document: findings.some(isChange) ? documentOf(part, entries, found) : null };
}

/** The same to S3: order means nothing in any of its lists, a list of one text is that text, and what is false may be left out. */
export const isSame = (a: unknown, b: unknown): boolean =>
  JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));

function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(canonical);
    if (items.length === 1 && typeof items[0] === 'string') return items[0];
    return items.map((item) => JSON.stringify(item)).sort();
  }
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined && field !== null && field !== false);
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, canonical(field)]));
}
