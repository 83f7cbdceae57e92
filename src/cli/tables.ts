import { DAY_MS } from '../domain/units.js';
import { STORAGE_TIERS } from '../sdk/index.js';
import type { Artifact, ArtifactHold, ArtifactRetention, Plan, StorageUsage } from '../sdk/index.js';
import { dateAndRelative, humanBytes, relativeTime } from './format.js';
import { columnsOf, fit, printable, wrap } from './text-width.js';

const GAP = '  ';
/** Paths are not shortened below this: rather a column less, then rather a long line. */
const MIN_PATH_COLUMNS = 20;
const LEAST_PATH_COLUMNS = 12;

export interface Column<T> {
  head: string;
  text: (row: T) => string;
  align?: 'left' | 'right';
  /** At most so many columns; what is longer is shortened in its middle. */
  maxColumns?: number;
}

/** Rows under headings, columns as wide as they need, no lines: easy to read, to copy and to cut. */
export function table<T>(columns: Column<T>[], rows: T[]): string {
  const cells = columns.map(({ head, text, align = 'left', maxColumns = Infinity }) => {
    const texts = [head, ...rows.map(text)].map(printable);
    const width = Math.min(maxColumns, Math.max(...texts.map(columnsOf)));
    return texts.map((cell) => fit(cell, width, align));
  });
  const lines = ['', ...rows].map((_, index) => cells.map((column) => column[index] ?? '').join(GAP));
  return lines.map((line) => `${line.trimEnd()}\n`).join('');
}

/** A table that fits a terminal by going on in further lines of its last column, or below the row when there is no room beside it. */
export function wrappedTable<T>(columns: Column<T>[], rows: T[], maxColumns: number): string {
  const [last, ...others] = columns.toReversed();
  if (last === undefined || maxColumns === Infinity) return table(columns, rows);
  const [head = '', ...lines] = table(others.toReversed(), rows).split('\n').slice(0, -1);
  const beside = Math.max(columnsOf(head), ...lines.map(columnsOf)) + GAP.length;
  const isBeside = maxColumns - beside >= MIN_PATH_COLUMNS;
  const indent = isBeside ? beside : 2 * GAP.length;
  const textOf = (row: T): string[] => wrap(printable(last.text(row)), maxColumns - indent);
  const all = [
    isBeside ? fit(head, beside) + last.head : head,
    ...rows.flatMap((row, index) => {
      const [first = '', ...rest] = isBeside ? textOf(row) : ['', ...textOf(row)];
      const line = lines[index] ?? '';
      return [isBeside ? fit(line, beside) + first : line, ...rest.map((text) => ' '.repeat(indent) + text)];
    }),
  ];
  return all
    .map((line) => line.trimEnd())
    .filter((line) => line !== '')
    .map((line) => `${line}\n`)
    .join('');
}

/** A table without as many of the spare columns as it must be to fit, the first one first. */
export function narrowedTable<T>(
  columns: Column<T>[],
  rows: T[],
  { maxColumns, spare }: { maxColumns: number; spare: string[] },
): string {
  const all = [0, ...spare.keys()].map((_, count) =>
    table(
      columns.filter(({ head }) => !spare.slice(0, count).includes(head)),
      rows,
    ),
  );
  const fits = (text: string): boolean => text.split('\n').every((line) => columnsOf(line) <= maxColumns);
  const fewest = table(
    columns.filter(({ head }) => !spare.includes(head)),
    rows,
  );
  return all.find(fits) ?? fewest;
}

/** What the list says about how long it stays: `in 30 days`; `in 2 days !` once its expiry was told of. */
export function keptUntil({
  status,
  retention,
  expiresAt,
  uploadDeadline,
  holds,
  purgeAt,
  warnedAt,
}: Artifact): string {
  if (status === 'DELETED') return purgeAt === undefined ? '—' : `gone ${relativeTime(purgeAt)}`;
  if (uploadDeadline !== undefined) return `upload ends ${relativeTime(uploadDeadline)}`;
  if (retention.rule === 'permanent') return 'for ever';
  if (holds.length > 0) return 'held';
  if (expiresAt === undefined) return '';
  return `${relativeTime(expiresAt)}${warnedAt === undefined ? '' : ' !'}`;
}

const hasWrongBytes = ({ status, checksumState }: Artifact): boolean =>
  status !== 'DELETED' && checksumState === 'mismatch';

function statusOf(artifact: Artifact): string {
  const { status, deletionReason } = artifact;
  if (hasWrongBytes(artifact)) return `${status} (WRONG BYTES)`;
  return status === 'DELETED' && deletionReason !== undefined ? `${status} (${deletionReason})` : status;
}

const COLUMNS: Column<Artifact>[] = [
  { head: 'ID', text: ({ id }) => id },
  { head: 'PATH', text: ({ path }) => path },
  { head: 'TYPE', text: ({ type }) => type },
  { head: 'SIZE', text: ({ fileSize }) => humanBytes(fileSize), align: 'right' },
  { head: 'STATUS', text: statusOf },
  { head: 'TIER', text: ({ tier }) => tier },
  { head: 'KEPT', text: keptUntil },
];

/** @param maxColumns width of the terminal: paths are shortened to fit, and when that is not enough TIER and TYPE are left out. */
export const artifactTable = (artifacts: Artifact[], maxColumns = Infinity): string =>
  fittedTable(COLUMNS, artifacts, { maxColumns, spare: ['TIER', 'TYPE'] });

/**
 * A table with a column PATH that fits a terminal: paths are shortened, and when that is not enough spare columns are left out, the first
 * one first.
 */
export function fittedTable<T>(
  columns: Column<T>[],
  rows: T[],
  { maxColumns, spare }: { maxColumns: number; spare: string[] },
): string {
  const widthOf = ({ head, text }: Column<T>): number =>
    Math.max(columnsOf(head), ...rows.map((row) => columnsOf(text(row))));
  const leftFor = (shown: Column<T>[]): number =>
    shown.reduce((left, column) => (column.head === 'PATH' ? left : left - widthOf(column) - GAP.length), maxColumns);
  const narrower = [0, ...spare.keys()].map((_, count) =>
    columns.filter(({ head }) => !spare.slice(0, count).includes(head)),
  );
  const shown = narrower.find((some) => leftFor(some) >= MIN_PATH_COLUMNS) ?? narrower.at(-1) ?? columns;
  const pathColumns = Math.max(LEAST_PATH_COLUMNS, leftFor(shown));
  return table(
    shown.map((column) => (column.head === 'PATH' ? { ...column, maxColumns: pathColumns } : column)),
    rows,
  );
}

/** `30 days (default)`, `for ever, by ann: evidence`. */
export const retentionText = (retention: ArtifactRetention): string =>
  retention.rule === 'permanent'
    ? `for ever, by ${retention.by} ${relativeTime(retention.at)}: ${retention.reason}`
    : retention.rule === 'date'
      ? `until ${retention.expiresAt.toISOString()}`
      : `${retention.days} ${retention.days === 1 ? 'day' : 'days'} (${retention.rule})`;

/** `by ann 2 days ago, until 2030-01-01 00:00:00 UTC (in 4 years): case 17`. */
export const holdText = ({ by, at, until, reason }: ArtifactHold): string =>
  `by ${by} ${relativeTime(at)}${until === undefined ? '' : `, until ${dateAndRelative(until)}`}: ${reason}`;

export const holdTable = (holds: ArtifactHold[]): string =>
  table(
    [
      { head: 'ID', text: ({ id }) => id },
      { head: 'BY', text: ({ by }) => by },
      { head: 'SINCE', text: ({ at }) => relativeTime(at) },
      { head: 'UNTIL', text: ({ until }) => (until === undefined ? 'somebody ends it' : dateAndRelative(until)) },
      { head: 'REASON', text: ({ reason }) => reason },
    ],
    holds,
  );

/** When age moves it; nothing when it never does, or will not live that long. */
function tiersText({ tiering, status, createdAt, expiresAt }: Artifact): string | undefined {
  if (status === 'DELETED') return undefined;
  const lifeMs = expiresAt === undefined ? Infinity : expiresAt.getTime() - createdAt.getTime();
  const steps: [string, number | null][] = [
    ['WARM', tiering.warmAfterDays],
    ['COLD', tiering.coldAfterDays],
  ];
  const texts = steps.flatMap(([tier, days]) =>
    days === null || days * DAY_MS >= lifeMs ? [] : [`${tier} after ${days} ${days === 1 ? 'day' : 'days'}`],
  );
  const unused = tiering.by === 'last_access' ? ', from its last use' : '';
  return texts.length === 0 ? undefined : `${texts.join(', ')}${unused}`;
}

/** @param maxColumns width of the terminal: what is longer goes on below; ids and keys stay whole, to be copied. */
export function artifactSheet(artifact: Artifact, maxColumns = Infinity): string {
  const { retention, tags } = artifact;
  const dates: [string, Date | undefined][] = [
    ['Created', artifact.createdAt],
    ['Expires', artifact.expiresAt],
    ['Warned', artifact.warnedAt],
    ['Archived', artifact.archivedAt],
    ['Restored by', artifact.restoreEta],
    ['Deleted', artifact.deletedAt],
    ['Undelete by', artifact.purgeAt],
    ['Upload ends', artifact.uploadDeadline],
  ];
  const facts: [string, string | undefined][] = [
    ['Id', artifact.id],
    ['Execution', artifact.executionId],
    ['Path', artifact.path],
    ['Status', artifact.status],
    [
      'PROBLEM',
      hasWrongBytes(artifact)
        ? 'WRONG BYTES: what is stored is not what was claimed. Delete it and upload it again; nobody gets it without --wrong-bytes'
        : undefined,
    ],
    ['Type', `${artifact.type} (${artifact.mimeType})`],
    ['Size', `${humanBytes(artifact.fileSize)} (${artifact.fileSize} bytes)`],
    ['SHA-256', artifact.checksum === '' ? undefined : `${artifact.checksum} (${artifact.checksumState})`],
    ['Stored', `${artifact.filePath} (${artifact.tier}, ${artifact.storageClass})`],
    ['Retention', retentionText(retention)],
    ...artifact.holds.map((hold): [string, string] => ['Held', `${holdText(hold)} (hold ${hold.id})`]),
    ['Tiers', tiersText(artifact)],
    ...dates.map(([name, date]): [string, string | undefined] => [name, date && dateAndRelative(date)]),
    ['Downloads', downloadsText(artifact)],
    ['Because', artifact.deletionReason],
    ['Restore', artifact.restoreState],
    [
      'Tags',
      Object.entries(tags)
        .map(([key, value]) => `${key}=${value}`)
        .join(', ') || undefined,
    ],
    ['Workflow', artifact.workflowId],
  ];
  return pairs(facts, maxColumns);
}

const downloadsText = ({ downloads, lastDownloadedAt }: Artifact): string =>
  lastDownloadedAt === undefined ? 'never' : `${downloads}, last ${dateAndRelative(lastDownloadedAt)}`;

/** What comes next, for people. */
export const planSheet = ({ action, at, because, wouldChange }: Plan, maxColumns = Infinity): string =>
  pairs(
    [
      ['next', at === undefined ? 'nothing' : `${action} ${dateAndRelative(at)}`],
      ['because', because],
      ['would change it', wouldChange.length === 0 ? 'nothing' : wouldChange.join(', ')],
    ],
    maxColumns,
  );

/** Names and values below each other; what is undefined is left out. */
export function pairs(facts: [string, string | undefined][], maxColumns = Infinity): string {
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
  const width = Math.max(...known.map(([name]) => name.length)) + GAP.length;
  const linesOf = ([name, value]: [string, string]): string[] =>
    wrap(printable(value), maxColumns - width, { wholeWords: true }).map(
      (line, index) => `${(index === 0 ? name : '').padEnd(width)}${line}\n`,
    );
  return known.flatMap(linesOf).join('');
}

/** A line for each tier and one for all, then what is left. */
export function usageTable({ tiers, total, quotas }: StorageUsage): string {
  const rows = [...STORAGE_TIERS.map((tier) => ({ tier: tier, ...tiers[tier] })), { tier: 'all', ...total }];
  const text = table(
    [
      { head: 'TIER', text: ({ tier }) => tier },
      { head: 'ARTIFACTS', text: ({ artifacts }) => String(artifacts), align: 'right' },
      { head: 'SIZE', text: ({ bytes }) => humanBytes(bytes), align: 'right' },
    ],
    rows,
  );
  if (quotas === null) return text;
  const left = ({ limit, left: room }: { limit: number | null; left: number | null }, show: (n: number) => string) =>
    limit === null || room === null ? 'any' : `${show(room)} of ${show(limit)}`;
  return `${text}\nLeft: ${left(quotas.artifacts, String)} artifacts, ${left(quotas.bytes, humanBytes)}\n`;
}
