import { DRIFT_KINDS, type DriftKind, type Outcome } from '../domain/drift.js';
import { isDriftLeft, type ReconciliationProgress, type ReconciliationStage } from '../domain/reconcile.js';
import { MINUTE_MS, SECOND_MS } from '../domain/units.js';
import type { NumberedFinding, ReconciliationReport, ReconciliationResult } from '../operator/reconcile/reconcile.js';
import { dateAndRelative, humanBytes, relativeTime } from './format.js';
import { fittedTable, table } from './tables.js';
import { printable } from './text-width.js';

/** What a repair does about each kind. */
const HEALED_BY: Record<DriftKind, string> = {
  object_missing: 'deleted (bytes_lost), if the bytes cannot be found',
  object_hidden: 'brought back from behind its delete marker',
  object_unknown: 'quarantined, then removed for good',
  object_left: 'removed for good',
  upload_unknown: 'aborted',
  life_missing: 'workflow started from the row',
  row_missing: 'row made again by its workflow',
  row_differs: 'row written as its workflow knows it',
  class_differs: 'moved to the class of its row',
  tags_differ: 'given the tags of its row',
  bytes_differ: 'row told the truth, or told as wrong bytes',
  expired_present: 'deleted, as was due',
  manifest_differs: 'written again from the rows',
};

interface KindTotal {
  kind: DriftKind;
  findings: number;
  bytes: number;
  outcomes: [Outcome, number][];
}

function byKind({ totals }: Pick<ReconciliationReport, 'totals'>): KindTotal[] {
  return DRIFT_KINDS.flatMap((kind) => {
    const own = totals.filter((total) => total.kind === kind && total.findings > 0);
    if (own.length === 0) return [];
    const sum = (value: (one: (typeof own)[number]) => number): number => own.reduce((all, one) => all + value(one), 0);
    const outcomes = own.map(({ outcome, findings }): [Outcome, number] => [outcome, findings]);
    return [{ kind, findings: sum((one) => one.findings), bytes: sum((one) => one.bytes), outcomes }];
  });
}

/** A report for people: what was looked at, a line for each kind of drift, then findings. */
export function reconciliationText(
  { report, findings }: ReconciliationResult,
  { maxColumns, isRunning }: { maxColumns: number; isRunning: boolean },
): string {
  const kinds = byKind(report);
  const parts = [headText(report, isRunning)];
  if (kinds.length > 0) parts.push(kindTable(report, kinds, findings));
  if (findings.length > 0) parts.push(findingTable(findings, maxColumns));
  const all = kinds.reduce((sum, kind) => sum + kind.findings, 0);
  if (all > findings.length) parts.push(`${all - findings.length} more findings: --all shows them.\n`);
  for (const note of notesOf(findings)) parts.push(`${note}\n`);
  parts.push(endText(report, { kinds: kinds.length, isRunning }));
  return parts.join('\n');
}

function headText({ mode, startedAtMs, finishedAtMs, inspected, failure }: ReconciliationReport, isRunning: boolean) {
  const what = mode === 'repair' ? 'Repair' : 'Dry run';
  const took =
    finishedAtMs === null
      ? isRunning
        ? 'still running'
        : 'ended from outside before it was done'
      : `took ${durationText(finishedAtMs - startedAtMs)}`;
  const { rows, objects, bytes, lives, uploads, manifests } = inspected;
  return [
    `${what} of ${dateAndRelative(new Date(startedAtMs))}, ${took}`,
    `Looked at ${rows} rows, ${objects} objects (${humanBytes(bytes)}), ${lives} workflows, ${uploads} uploads, ${manifests} manifests`,
    ...(failure === null ? [] : [`NOT COMPLETE: ${failure}`]),
    '',
  ].join('\n');
}

const durationText = (ms: number): string =>
  ms < MINUTE_MS ? `${(ms / SECOND_MS).toFixed(1)} s` : `${(ms / MINUTE_MS).toFixed(1)} minutes`;

function kindTable({ mode }: ReconciliationReport, kinds: KindTotal[], findings: NumberedFinding[]): string {
  return table<KindTotal>(
    [
      { head: 'KIND', text: ({ kind }) => kind },
      { head: 'FINDINGS', text: (total) => String(total.findings), align: 'right' },
      { head: 'SIZE', text: ({ bytes }) => (bytes === 0 ? '' : humanBytes(bytes)), align: 'right' },
      { head: 'OLDEST', text: ({ kind }) => oldestOf(kind, findings) },
      {
        head: mode === 'repair' ? 'DONE' : 'A REPAIR WOULD',
        text: ({ kind, outcomes }) => {
          const settled = outcomes.filter(([outcome]) => mode === 'repair' || outcome !== 'open');
          const counts = settled.map(([outcome, count]) => `${count} ${outcome}`).join(', ');
          if (mode === 'repair' || settled.length === 0) return mode === 'repair' ? counts : HEALED_BY[kind];
          return settled.length === outcomes.length ? counts : `${HEALED_BY[kind]}; ${counts}`;
        },
      },
    ],
    kinds,
  );
}

function oldestOf(kind: DriftKind, findings: NumberedFinding[]): string {
  const since = findings.flatMap((finding) => (finding.kind === kind ? (finding.sinceMs ?? []) : []));
  return since.length === 0 ? '' : relativeTime(new Date(Math.min(...since)));
}

const findingTable = (findings: NumberedFinding[], maxColumns: number): string =>
  fittedTable<NumberedFinding>(
    [
      { head: 'KIND', text: ({ kind }) => kind },
      { head: 'SINCE', text: ({ sinceMs }) => (sinceMs === null ? '' : relativeTime(new Date(sinceMs))) },
      { head: 'SIZE', text: ({ sizeBytes }) => (sizeBytes === null ? '' : humanBytes(sizeBytes)), align: 'right' },
      { head: 'OUTCOME', text: ({ outcome }) => outcome },
      { head: 'PATH', text: ({ key, subject }) => key ?? subject },
      { head: 'ID', text: ({ artifactId, uploadId, versionId }) => artifactId ?? uploadId ?? versionId ?? '' },
    ],
    findings,
    { maxColumns, spare: ['ID', 'SIZE'] },
  );

const OUTCOMES_WITH_REASON: readonly Outcome[] = ['open', 'lost', 'withheld', 'failed'];

const MAX_NOTES = 20;

/** Why something is left as it is, or lost; each reason once, also where it names the artifact. */
function notesOf(findings: NumberedFinding[]): string[] {
  const notes = new Map<string, Set<string>>();
  for (const { kind, outcome, note, artifactId } of findings) {
    if (note === null || !OUTCOMES_WITH_REASON.includes(outcome)) continue;
    const reason = `${kind}: ${artifactId === null ? note : note.replaceAll(artifactId, '<id>')}`;
    const same = notes.get(reason) ?? new Set();
    notes.set(reason, same.add(`${kind}: ${note}`));
  }
  return [...notes].flatMap(([reason, same]) => (same.size === 1 ? [...same] : reason)).slice(0, MAX_NOTES);
}

function endText(
  { mode, totals, failure, finishedAtMs }: ReconciliationReport,
  { kinds, isRunning }: { kinds: number; isRunning: boolean },
): string {
  if (finishedAtMs === null && isRunning) return 'It still runs, so there may be more: artifacts reconcile joins it.\n';
  if (failure !== null || finishedAtMs === null) return 'What it has not looked at may differ as well.\n';
  if (kinds === 0) return 'Bucket, rows and workflows agree.\n';
  if (!isDriftLeft(totals))
    return totals.some(({ outcome }) => outcome === 'lost')
      ? 'Nothing is left to repair. What is lost cannot be had again, unless its bytes come back.\n'
      : 'Nothing is left to repair.\n';
  return mode === 'repair' ? 'Some of it is left: see the outcomes.\n' : 'To heal it: artifacts reconcile --repair\n';
}

const LOOKS_AT: Record<ReconciliationStage, (inspected: ReconciliationProgress['inspected']) => [string, number]> = {
  bucket: ({ objects }) => ['objects', objects],
  lives: ({ lives }) => ['workflows', lives],
  uploads: ({ uploads }) => ['uploads', uploads],
  manifests: ({ manifests }) => ['manifests', manifests],
  findings: () => ['findings settled', 0],
};

/** `objects: 1200 (400 per second), 3 findings so far`; or why it stands still. */
export function reconcileProgressText(
  progress: ReconciliationProgress | null,
  found: number,
  problem: string | null,
  nowMs = Date.now(),
): string {
  if (problem !== null) return `it failed, and is tried again: ${printable(problem)}`;
  if (progress === null) return 'waiting for a worker';
  const { stage, stageStartedAtMs, inspected, settled, mode } = progress;
  if (stage === null) return 'about to begin';
  const settledCount = Object.values(settled).reduce((sum, count) => sum + count, 0);
  const [what, count] = LOOKS_AT[stage](inspected);
  if (stage === 'findings')
    return `${mode === 'repair' ? 'repairing' : 'settling'}: ${settledCount} of ${found} findings`;
  const rate = Math.round((count * SECOND_MS) / Math.max(SECOND_MS, nowMs - stageStartedAtMs));
  return `${what}: ${count} (${rate} per second), ${found} ${found === 1 ? 'finding' : 'findings'} so far`;
}
