import Table from 'cli-table3';
import type { Artifact, HistoryEntry } from '../sdk/index.js';
import { dateAndRelative, humanBytes, relativeTime } from './format.js';

const EDGES = [
  'top',
  'top-mid',
  'top-left',
  'top-right',
  'bottom',
  'bottom-mid',
  'bottom-left',
  'bottom-right',
] as const;
const RULES = ['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'] as const;
/** Columns and space, no lines: easy to read, to copy and to cut. */
const PLAIN = { ...Object.fromEntries([...EDGES, ...RULES].map((name) => [name, ''])), middle: '  ' };

/** Rows under headings, columns as wide as they need. */
export function table(head: string[], rows: string[][], alignRight: string[] = []): string {
  const grid = new Table({
    head,
    chars: PLAIN,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colAligns: head.map((name) => (alignRight.includes(name) ? 'right' : 'left')),
  });
  grid.push(...rows);
  return `${trimLines(grid.toString())}\n`;
}

const trimLines = (text: string): string => text.replace(/ +$/gm, '');

/** What the list says about how long it stays. */
export function keptUntil({ status, retention, expiresAt, deletionReason, uploadDeadline }: Artifact): string {
  if (status === 'DELETED') return deletionReason ?? 'deleted';
  if (uploadDeadline !== undefined) return `upload ends ${relativeTime(uploadDeadline)}`;
  if (retention.rule === 'permanent') return 'for ever';
  return expiresAt === undefined ? '' : relativeTime(expiresAt);
}

export function artifactTable(artifacts: Artifact[]): string {
  const rows = artifacts.map((artifact) => [
    artifact.id,
    artifact.path,
    artifact.type,
    humanBytes(artifact.fileSize),
    artifact.status,
    artifact.tier,
    keptUntil(artifact),
  ]);
  return table(['ID', 'PATH', 'TYPE', 'SIZE', 'STATUS', 'TIER', 'KEPT'], rows, ['SIZE']);
}

export function artifactSheet(artifact: Artifact): string {
  const { retention, tags } = artifact;
  const dates: [string, Date | undefined][] = [
    ['Created', artifact.createdAt],
    ['Expires', artifact.expiresAt],
    ['Archived', artifact.archivedAt],
    ['Deleted', artifact.deletedAt],
    ['Upload ends', artifact.uploadDeadline],
  ];
  const facts: [string, string | undefined][] = [
    ['Id', artifact.id],
    ['Execution', artifact.executionId],
    ['Path', artifact.path],
    ['Status', artifact.status],
    ['Type', `${artifact.type} (${artifact.mimeType})`],
    ['Size', `${humanBytes(artifact.fileSize)} (${artifact.fileSize} bytes)`],
    ['SHA-256', artifact.checksum === '' ? undefined : `${artifact.checksum} (${artifact.checksumState})`],
    ['Stored', `${artifact.filePath} (${artifact.tier}, ${artifact.storageClass})`],
    [
      'Retention',
      retention.rule === 'permanent'
        ? `for ever, by ${retention.by} ${relativeTime(retention.at)}: ${retention.reason}`
        : `${retention.days} ${retention.days === 1 ? 'day' : 'days'} (${retention.rule})`,
    ],
    ...dates.map(([name, date]): [string, string | undefined] => [name, date && dateAndRelative(date)]),
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
  return pairs(facts);
}

/** Names and values below each other; what is undefined is left out. */
export function pairs(facts: [string, string | undefined][]): string {
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

export function historyTable(entries: HistoryEntry[]): string {
  const rows = entries.map(({ at, kind, actor, detail }) => [
    at.toISOString(),
    kind,
    actor,
    Object.entries(detail)
      .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
      .join(' '),
  ]);
  return table(['WHEN', 'WHAT', 'BY', 'DETAIL'], rows);
}
