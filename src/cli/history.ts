import { DELETION_REASONS } from '../domain/artifact.js';
import type { HistoryEntry } from '../sdk/index.js';
import { humanBytes } from './format.js';
import { wrappedTable } from './tables.js';

type Detail = HistoryEntry['detail'];

/** `2026-01-31 12:00:00 UTC`. */
const instant = (date: Date): string => `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;

/** Facts for programs only; `--json` has them. */
const NOT_FOR_READERS = new Set(['etag', 'versionId', 'deleteMarker']);

/** Who an entry is by is shortened to these; `--json` has all of it. */
const MAX_ACTOR_COLUMNS = 20;

/** An artifact's audit as a table. @param maxColumns width of the terminal: details go on below. */
export const historyTable = (entries: HistoryEntry[], maxColumns = Infinity): string =>
  wrappedTable<HistoryEntry>(
    [
      { head: 'WHEN', text: ({ at }) => instant(at) },
      { head: 'WHAT', text: ({ kind }) => kind.replaceAll('_', ' ') },
      {
        head: 'BY',
        text: ({ actor }) => actor,
        ...(maxColumns === Infinity ? {} : { maxColumns: MAX_ACTOR_COLUMNS }),
      },
      { head: 'DETAIL', text: ({ detail }) => detailText(detail) },
    ],
    entries,
    maxColumns,
  );

const detailText = (detail: Detail): string =>
  Object.entries(detail)
    .filter(([name, value]) => !NOT_FOR_READERS.has(name) && value !== null)
    // Postgres gives the facts of a row in an order of its own.
    .sort(([a], [b]) => Number(b === 'from') - Number(a === 'from'))
    .map(([name, value]) => factText(name, value))
    .filter((text) => text !== '')
    .join(', ');

/** The kinds of fact that audit rows hold are known by the units in their names. */
function factText(name: string, value: unknown): string {
  const words = name.replace(/(Ms|Bytes)$/, '').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  if (typeof value === 'number' && name.endsWith('Ms')) return `${words} ${instant(new Date(value))}`;
  if (typeof value === 'number' && name.endsWith('Bytes')) return humanBytes(value);
  if (typeof value === 'string' && name === 'sha256') return `SHA-256 ${value.slice(0, 12)}…`;
  if (typeof value === 'string' && /(At|Until)$/.test(name) && !Number.isNaN(Date.parse(value)))
    return `${words} ${instant(new Date(value))}`;
  if (typeof value === 'boolean') return value ? words : '';
  if (Array.isArray(value)) return value.length === 0 ? '' : `${words}: ${value.length}`;
  if (typeof value === 'string' && (isCode(value) || name === 'verifiedBy'))
    return `${words} ${value.replaceAll('_', ' ')}`;
  if (isObject(value)) return `${words} ${'rule' in value ? retentionText(value) : tagsText(value)}`;
  return `${words} ${String(value)}`;
}

/** Not what somebody wrote as a reason. */
const isCode = (value: string): boolean => DELETION_REASONS.some((reason) => reason === value);

const isObject = (value: unknown): value is Detail => typeof value === 'object' && value !== null;

/** A tag called `rule` makes it read like a retention; nothing but this text depends on it. */
const tagsText = (tags: Detail): string =>
  Object.entries(tags)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(' ') || 'none';

/** As it stands in audit rows: without the time of the decision, which is the row's own. */
function retentionText(retention: Detail): string {
  const { rule, days, by, reason, expiresAtMs } = retention;
  if (rule === 'permanent') return `for ever (${String(by)}: ${String(reason)})`;
  if (typeof expiresAtMs === 'number') return `until ${instant(new Date(expiresAtMs))}`;
  return `${String(days)} ${days === 1 ? 'day' : 'days'} (${String(rule)})`;
}
