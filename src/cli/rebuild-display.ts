import { databaseText, isAtWork, type BucketDatabase } from '../domain/bucket-databases.js';
import { EVIDENCE, rowsMade, type Interrupted, type ReasonLeftOut, type RebuildReport } from '../domain/rebuild.js';
import { humanBytes, relativeTime } from './format.js';
import { table } from './tables.js';

const FROM: Record<(typeof EVIDENCE)[number], string> = {
  workflow: 'a running workflow',
  manifest: 'metadata.json',
  object: 'its object alone',
};

const WHY: Record<ReasonLeftOut, string> = {
  bytes_gone: 'listed in metadata.json, but its bytes are gone',
  deleted: 'deleted: hidden, and no workflow knows until when it could be brought back',
  path_taken: 'another artifact has its path',
  execution_not_found: "its execution is another tenant's by now",
  tenant_unknown: 'nothing says whose it is: --tenant',
  foreign: 'not an object of ours',
  unreadable: 'metadata.json, or an entry of it, cannot be read',
  silent: 'its workflow did not answer: repeat when the workers are well',
};

interface Line {
  what: string;
  from: string;
  count: number;
  bytes: number | null;
}

/** A table of what was made, or would be, and what is left out; then what only people can do. */
export function rebuildText(report: RebuildReport): string {
  const { applied, rows, lives, livesThere, prepared, hidden, leftOut, named, interrupted, manifests } = report;
  const lines: Line[] = [
    ...EVIDENCE.map((evidence) => ({
      what: 'rows',
      from: FROM[evidence],
      count: rows[evidence].artifacts,
      bytes: rows[evidence].bytes,
    })),
    { what: 'workflows', from: 'rows, with the time they have left', count: lives, bytes: null },
    ...leftOut.map(({ reason, artifacts, bytes }) => ({
      what: 'left out',
      from: WHY[reason],
      count: artifacts,
      bytes,
    })),
  ];
  const text = table<Line>(
    [
      { head: applied ? 'MADE' : 'WOULD MAKE', text: ({ what }) => what },
      { head: 'COUNT', text: ({ count }) => String(count), align: 'right' },
      { head: 'SIZE', text: ({ bytes }) => (bytes === null ? '' : humanBytes(bytes)), align: 'right' },
      { head: 'FROM, OR WHY', text: ({ from }) => from },
    ],
    lines,
  );
  const said = [
    `${livesThere} workflows ran already.`,
    ...prepared.map((line) => `Temporal: ${line}.`),
    ...(hidden === 0 ? [] : [`${hidden} rows wait for their publication, hidden as before.`]),
    ...named.map(({ reason, subject }) => `left out (${reason}): ${subject}`),
    ...interrupted.map((one) => `${applied ? 'taken up' : 'to be taken up'}: ${promiseText(one)}`),
    ...report.otherDatabases.map((other) => otherText(other, report)),
    ...(manifests === 0 ? [] : [`${manifests} metadata.json are written again.`]),
    ...conclusion(report),
  ];
  return `${text}\n${said.map((line) => `${line}\n`).join('')}`;
}

function promiseText(interrupted: Interrupted): string {
  const { kind, executionId, actor } = interrupted;
  const whose = `of execution ${executionId}, by ${actor}`;
  switch (kind) {
    case 'execution_deletion':
      return `deletion ${interrupted.id} ${whose}: it goes on`;
    case 'execution_retention':
      return `retention of ${interrupted.days} days ${whose}: it goes on`;
    case 'publication':
      return `publication ${interrupted.id} ${whose}: ask for it again within 15 minutes, or it is given up`;
  }
}

function otherText(other: BucketDatabase, { applied, takenOver }: RebuildReport): string {
  const text = databaseText(other);
  if (takenOver.includes(other.id)) return `This database is in the place of ${text} now.`;
  const since = `last seen ${relativeTime(new Date(other.seenMs))}`;
  if (!applied) {
    const also = `The bucket is also that of database ${text}, ${since}`;
    if (!isAtWork(other, Date.now())) return `${also}: an apply takes its place, if it is gone.`;
    return `${also}: if it is lost, an apply takes its place with --lost ${other.id}; if it is not, stop its workers.`;
  }
  return `The bucket is still that of database ${text} too, ${since}: see artifacts bucket databases`;
}

function conclusion(report: RebuildReport): string[] {
  const made = rowsMade(report) + report.lives + report.takenUp;
  if (!report.applied) return [made === 0 ? 'Nothing is missing.' : 'Nothing was changed: add --apply.'];
  if (made === 0) return ['Nothing was missing.'];
  const audit =
    'What the audit of these rows told before, who shared them and how often they were downloaded may be lost.';
  return [...(rowsMade(report) === 0 ? [] : [audit]), 'Look what still differs: artifacts reconcile --dry-run'];
}

/** `rows: 120 looked at, 3 made`. */
export const rebuildProgressText = ({ phase, seen, made }: { phase: string; seen: number; made: number }): string =>
  `${phase}: ${seen} looked at, ${made} made`;
