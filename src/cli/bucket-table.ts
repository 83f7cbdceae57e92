import { isChange } from '../domain/bucket/compare.js';
import { describeEntry } from '../domain/bucket/describe.js';
import type { AppliedFinding, RuleProof } from '../operator/bucket/index.js';
import { table } from './tables.js';
import { columnsOf, printable } from './text-width.js';

const NAME_COLUMNS = 42;

const STATES: Record<AppliedFinding['state'], string> = {
  as_wanted: 'as wanted',
  missing: '+ missing',
  differs: '~ differs',
  superfluous: '- superfluous',
  foreign: 'foreign, stays',
  dangerous: '! FOREIGN',
  not_given: 'left alone',
  not_supported: 'not supported',
  refused: '! REFUSED',
};
const OUTCOMES: Record<NonNullable<AppliedFinding['outcome']>, string> = {
  added: '+ added',
  changed: '~ changed',
  removed: '- removed',
  not_kept: '! NOT KEPT',
};

/** What was found, or done, about each rule; below it the details of what is not as wanted. For at least 80 columns. */
export function bucketReport(
  report: { bucket: string; findings: AppliedFinding[]; proofs?: RuleProof[] },
  maxColumns = Infinity,
): string {
  const { bucket, findings, proofs = [] } = report;
  const isNoise = ({ state, found }: AppliedFinding): boolean => state === 'not_given' && found === undefined;
  const shown = findings.filter((finding) => !isNoise(finding));
  const rows = table<AppliedFinding>(
    [
      { head: 'PART', text: ({ part }) => part },
      { head: 'RULE', text: ({ name }) => (name === 'default' ? '' : name), maxColumns: NAME_COLUMNS },
      { head: 'BUCKET', text: ({ state, outcome }) => (outcome === undefined ? STATES[state] : OUTCOMES[outcome]) },
    ],
    shown,
  );
  const paragraphs = [
    rows,
    ...shown.map((finding) => detailOf(finding, maxColumns)),
    proofs.length === 0 ? '' : proofTable(proofs),
    leftOut(findings.filter(isNoise), maxColumns),
    summary(bucket, findings),
  ];
  return paragraphs.filter((text) => text !== '').join('\n');
}

function detailOf(finding: AppliedFinding, maxColumns: number): string {
  const { part, name, state, outcome, wanted, found, note } = finding;
  if (state === 'as_wanted' || state === 'foreign' || state === 'not_supported') return '';
  const lines: [string, string | undefined][] = [
    ['note', note],
    [
      outcome === undefined ? 'now' : 'was',
      isChange(finding) || state === 'dangerous' ? found && describeEntry(part, found) : undefined,
    ],
    [outcome === undefined ? 'wanted' : 'is', wanted && describeEntry(part, wanted)],
  ];
  const known = lines.filter((line): line is [string, string] => line[1] !== undefined);
  const title = name === 'default' || name === 'all' ? part : `${part} ${name}`;
  return `${printable(title)}\n${known.map(([label, text]) => wrapped(`  ${label.padEnd(6)}  `, printable(text), maxColumns)).join('')}`;
}

/** Broken at spaces and after commas of JSON, so that it stays in its column. */
function wrapped(head: string, text: string, maxColumns: number): string {
  const indent = ' '.repeat(head.length);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(/(?<= )|(?<=,)(?=["{])/)) {
    if (line !== '' && columnsOf(line + word.trimEnd()) + indent.length > maxColumns) {
      lines.push(line);
      line = '';
    }
    line += word;
  }
  lines.push(line);
  return lines.map((each, index) => `${index === 0 ? head : indent}${each.trimEnd()}\n`).join('');
}

const PROVEN: Record<RuleProof['outcome'], string> = { as_wanted: 'as wanted', wrong: '! WRONG', untold: 'not told' };

function proofTable(proofs: RuleProof[]): string {
  if (proofs.every(({ outcome }) => outcome === 'untold'))
    return 'Tried on throw-away objects: this store does not tell what it will do with them.\n';
  return table(
    [
      { head: 'TRIED ON', text: ({ object }) => object },
      { head: 'BUCKET', text: ({ outcome }) => PROVEN[outcome] },
      { head: 'WHAT IT SAYS', text: ({ note }) => note },
    ],
    proofs,
  );
}

/** Which values were not given. */
function leftOut(findings: AppliedFinding[], maxColumns: number): string {
  const names = new Map<string, string[]>();
  for (const { part, name, note = '' } of findings) {
    const why = note.replace('left out: ', '');
    names.set(why, [...(names.get(why) ?? []), `${part} ${name}`]);
  }
  return [...names]
    .map(([why, which]) => `Left out, as ${why}:\n${wrapped('  ', which.join(', '), maxColumns)}`)
    .join('\n');
}

function summary(bucket: string, findings: AppliedFinding[]): string {
  const left = findings.filter((finding) => isChange(finding) && finding.outcome === undefined).length;
  const done = findings.filter(({ outcome }) => outcome !== undefined && outcome !== 'not_kept').length;
  const lost = findings.filter(({ outcome }) => outcome === 'not_kept').length;
  const dangers = findings.filter(({ state }) => state === 'dangerous').length;
  const sentences = [
    left > 0
      ? `${left} to change: artifacts bucket apply, with the same options.`
      : done > 0
        ? `${done} changed.`
        : 'Nothing to change.',
    lost > 0 ? `${lost} not kept by the store.` : '',
    dangers > 0
      ? `${dangers} foreign ${dangers === 1 ? 'rule' : 'rules'} may harm artifacts: whoever owns it must change it.`
      : '',
  ];
  return `Bucket ${bucket}: ${sentences.filter((sentence) => sentence !== '').join('\n')}\n`;
}
