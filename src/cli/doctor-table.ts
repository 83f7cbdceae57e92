import type { DoctorProgress, DoctorReport } from '../operator/doctor/doctor.js';
import type { Area, CheckResult } from '../operator/doctor/verdicts.js';
import { fit, printable, shorten, wrap } from './text-width.js';

const TITLES: Record<Area, string> = {
  configuration: 'Configuration',
  store: 'Object store',
  database: 'Database',
  temporal: 'Temporal',
  api: 'API',
};

const STATUS_COLUMNS = 8;
const MAX_NAME_COLUMNS = 30;
const INDENT = '  ';
/** Where nobody says how wide it is, and on terminals that are wider than lines are read. */
const DEFAULT_COLUMNS = 80;
const MAX_COLUMNS = 110;
const LEAST_FACT_COLUMNS = 24;

/** What was found, area by area; below what is not ok, what it means and what to do. @param maxColumns width of the terminal. */
export function doctorTable(report: DoctorReport, maxColumns: number): string {
  const columns = maxColumns === Infinity ? DEFAULT_COLUMNS : Math.min(maxColumns, MAX_COLUMNS);
  const areas = report.areas.map(
    ({ area, target, checks }) =>
      `${shorten(`${TITLES[area]}: ${printable(target)}`, columns)}\n${checksText(checks, columns)}`,
  );
  return `${[...areas, ...wrap(doctorSummary(report), columns)].join('\n')}\n`;
}

function checksText(checks: CheckResult[], columns: number): string {
  const room = columns - STATUS_COLUMNS - 2 * INDENT.length;
  const nameColumns = Math.min(MAX_NAME_COLUMNS, room, Math.max(0, ...checks.map(({ check }) => check.length)));
  return together(checks)
    .map((check) => checkText(check, { nameColumns, columns }))
    .join('');
}

/** Those that were skipped one after the other for the same reason, as one. */
function together(checks: CheckResult[]): CheckResult[] {
  const groups: CheckResult[][] = [];
  for (const check of checks) {
    const group = groups.at(-1);
    const isSame = check.status === 'skipped' && group?.[0]?.status === 'skipped' && group[0].fact === check.fact;
    if (isSame) group.push(check);
    else groups.push([check]);
  }
  return groups.flatMap((group) => {
    const [first] = group;
    if (first === undefined || group.length === 1) return group;
    const names = group.map(({ check }) => check).join(', ');
    return [{ ...first, check: `${group.length} checks`, fact: `${first.fact}: ${names}` }];
  });
}

function checkText(
  { status, check, fact, effect, remedy }: CheckResult,
  { nameColumns, columns }: { nameColumns: number; columns: number },
): string {
  const margin = INDENT.length + STATUS_COLUMNS + nameColumns + 2 * INDENT.length;
  const narrow = columns - margin < LEAST_FACT_COLUMNS;
  const head = `${INDENT}${fit(status, STATUS_COLUMNS)}${INDENT}${fit(check, nameColumns)}${INDENT}`;
  const body = narrow ? ' '.repeat(2 * INDENT.length) : ' '.repeat(margin);
  const lines = [
    ...wrap(printable(fact), Math.max(1, columns - body.length)),
    ...(effect === undefined ? [] : hanging('so: ', effect, columns - body.length)),
    ...(remedy === undefined ? [] : hanging('do: ', remedy, columns - body.length)),
  ];
  const [first = '', ...rest] = narrow ? ['', ...lines] : lines;
  return [`${head}${first}`, ...rest.map((line) => `${body}${line}`)].map((line) => `${line.trimEnd()}\n`).join('');
}

const hanging = (mark: string, text: string, columns: number): string[] =>
  wrap(printable(text), Math.max(1, columns - mark.length)).map(
    (line, index) => `${index === 0 ? mark : ' '.repeat(mark.length)}${line}`,
  );

/** `31 ok, 2 degraded, 1 skipped, 0 failed, in 3.4 s.` */
const doctorSummary = ({ counts, durationMs }: DoctorReport): string =>
  `${counts.ok} ok, ${counts.degraded} degraded, ${counts.skipped} skipped, ${counts.failed} failed, in ${(durationMs / 1_000).toFixed(1)} s.`;

/** `12 of 40: Object store (expiry of URLs), Temporal (clock)`, in one line. */
export function progressText({ done, total, running }: DoctorProgress, columns: number): string {
  const now = running.map(({ area, check }) => `${TITLES[area]} (${check})`).join(', ');
  const text = `${done} of ${total}${now === '' ? '' : `: ${now}`}`;
  return text.length > columns ? `${text.slice(0, Math.max(0, columns - 1))}…` : text;
}
