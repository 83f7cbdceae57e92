import { filterOf, listIn, numberIn, objectIn } from './filter.js';
import type { BucketDocument, BucketPart } from './parts.js';

/** A rule or statement in words, on one line; JSON where there are none for it. */
export function describeEntry(part: BucketPart, value: BucketDocument): string {
  switch (part) {
    case 'lifecycle':
      return describeRule(value);
    case 'policy':
      return describeStatement(value);
    default:
      return JSON.stringify(value);
  }
}

function describeRule(rule: BucketDocument): string {
  const expiration = objectIn(rule['Expiration']);
  const old = objectIn(rule['NoncurrentVersionExpiration']);
  const abort = objectIn(rule['AbortIncompleteMultipartUpload']);
  const actions = [
    ...listIn(rule['Transitions']).map(
      ({ Days, Date, StorageClass }) => `to ${show(StorageClass)} ${whenOf(Days, Date)}`,
    ),
    'Days' in expiration || 'Date' in expiration ? `expires ${whenOf(expiration['Days'], expiration['Date'])}` : '',
    expiration['ExpiredObjectDeleteMarker'] === true ? 'removes delete markers that hide nothing' : '',
    'NoncurrentDays' in old ? `removes noncurrent versions ${whenOf(old['NoncurrentDays'])}` : '',
    'DaysAfterInitiation' in abort ? `ends uploads ${whenOf(abort['DaysAfterInitiation'])}` : '',
  ].filter((text) => text !== '');
  const { prefix, tags, largerThanBytes, smallerThanBytes } = filterOf(rule);
  const conditions = [
    prefix === '' ? 'everything' : prefix,
    ...Object.entries(tags).map(([key, tag]) => `${key}=${tag}`),
    ...(largerThanBytes === null ? [] : [`> ${largerThanBytes} bytes`]),
    ...(smallerThanBytes === null ? [] : [`< ${smallerThanBytes} bytes`]),
  ];
  const status = rule['Status'] === 'Enabled' ? '' : ' (disabled)';
  return `${actions.length === 0 ? JSON.stringify(rule) : actions.join(', ')}: ${conditions.join(' ')}${status}`;
}

const whenOf = (days: unknown, date?: unknown): string =>
  numberIn(days) === null ? `on ${show(date)}` : `after ${show(days)} days`;

function describeStatement({ Effect, Principal, Action, Resource, Condition }: BucketDocument): string {
  const principal = objectIn(Principal)['AWS'] ?? Principal;
  const condition = Condition === undefined ? '' : ` if ${JSON.stringify(Condition)}`;
  return `${show(Effect)} ${show(principal)}${condition}: ${show(Action)} on ${show(Resource)}`;
}

const show = (value: unknown): string =>
  Array.isArray(value) ? value.map(show).join(' ') : typeof value === 'string' ? value : JSON.stringify(value);
