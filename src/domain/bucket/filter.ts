import type { Tags } from '../artifact.js';
import type { BucketDocument } from './parts.js';

/** Which objects a lifecycle rule is about: all of these must hold. */
export interface RuleFilter {
  prefix: string;
  tags: Tags;
  /** Only larger ones; null: any. */
  largerThanBytes: number | null;
  smallerThanBytes: number | null;
}

/** Reads the filter of a rule in any of the forms that S3 has had: `Filter.And`, a single condition, or `Prefix` of the rule itself. */
export function filterOf(rule: BucketDocument): RuleFilter {
  const filter = objectIn(rule['Filter']);
  const all = { ...filter, ...objectIn(filter['And']) };
  const tags = [...(Array.isArray(all['Tags']) ? (all['Tags'] as unknown[]) : []), all['Tag']].map(objectIn);
  return {
    prefix: textIn(all['Prefix']) ?? textIn(rule['Prefix']) ?? '',
    tags: Object.fromEntries(
      tags.flatMap(({ Key, Value }) => (typeof Key === 'string' ? [[Key, textIn(Value) ?? '']] : [])),
    ),
    largerThanBytes: numberIn(all['ObjectSizeGreaterThan']),
    smallerThanBytes: numberIn(all['ObjectSizeLessThan']),
  };
}

export const objectIn = (value: unknown): BucketDocument =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as BucketDocument) : {};
export const listIn = (value: unknown): BucketDocument[] => (Array.isArray(value) ? value.map(objectIn) : []);
export const numberIn = (value: unknown): number | null => (typeof value === 'number' ? value : null);
const textIn = (value: unknown): string | null => (typeof value === 'string' ? value : null);
