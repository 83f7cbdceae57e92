import type { Config } from '../../../config.js';
import { isChange, type BucketFinding } from '../../../domain/bucket/compare.js';
import type { BucketDocument, BucketPart } from '../../../domain/bucket/parts.js';
import { wantedBucket } from '../../../domain/bucket/wanted.js';
import type { BucketSettings } from '../../../storage/bucket/bucket-settings.js';
import { bucketWishes, inspectPart } from '../../bucket/index.js';
import { listText } from '../rules.js';
import type { Check } from '../run-checks.js';
import { degraded, failed, ok, skipped, type Verdict } from '../verdicts.js';

const OTHER_PARTS: BucketPart[] = ['publicAccess', 'ownership', 'encryption', 'versioning', 'policy'];
const PLAN = 'Look at "artifacts bucket plan", then "artifacts bucket apply".';

/** How the bucket itself is configured, held against what `artifacts bucket` would make of it. */
export function bucketChecks(config: Config, settings: BucketSettings): Check[] {
  const wanted = wantedBucket(bucketWishes(config, {}));
  const inspect = async (parts: BucketPart[]): Promise<BucketFinding[]> => {
    const findings: BucketFinding[] = [];
    for (const part of wanted.filter(({ part }) => parts.includes(part)))
      findings.push(...(await inspectPart(settings, part)).findings);
    return findings;
  };
  return [
    { name: 'lifecycle rules', ask: async () => rulesVerdict(config, await inspect(['lifecycle'])) },
    { name: 'CORS', ask: async () => corsVerdict(await inspect(['cors'])) },
    { name: 'bucket settings', ask: async () => settingsVerdict(await inspect(OTHER_PARTS)) },
  ];
}

/** Pure: what the rules of the bucket do beside the workflows. */
export function rulesVerdict(config: Pick<Config, 'TIER_BY'>, findings: BucketFinding[]): Verdict {
  const dangerous = findings.filter(({ state }) => state === 'dangerous');
  if (dangerous.length > 0)
    return failed(
      dangerous.map(({ name, note }) => `the rule ${name} ${note ?? 'is dangerous'}`).join('; '),
      'The bucket does behind the back of the workflows what nobody decided.',
      'Narrow or remove it: it is of somebody else, so no command here changes it.',
    );
  const moving = findings.filter(({ found }) => found !== undefined && movesByAge(found)).map(({ name }) => name);
  if (config.TIER_BY === 'last_access' && moving.length > 0)
    return degraded(
      `TIER_BY=last_access, but by age the bucket moves: ${listText(moving)}`,
      'What is used often becomes WARM or COLD all the same.',
      `Remove these rules, or set TIER_BY=age. ${PLAN}`,
    );
  return (
    unreadVerdict(findings, {
      what: 'lifecycle rules',
      effect: 'When every worker is away for long, nothing is removed in its place; nothing else changes.',
    }) ??
    driftVerdict(findings, 'When every worker is away for long, the bucket does not do in its place what it should.') ??
    ok(countText(findings))
  );
}

const movesByAge = (rule: BucketDocument): boolean =>
  rule['Status'] === 'Enabled' && Array.isArray(rule['Transitions']) && rule['Transitions'].length > 0;

function countText(findings: BucketFinding[]): string {
  const foreign = findings.filter(({ state }) => state === 'foreign').length;
  const ours = findings.filter(({ state }) => state === 'as_wanted').length;
  return `${ours} of ours, as wanted${foreign === 0 ? '' : `; ${foreign} of others, which harm nothing`}`;
}

/** Pure. Only browsers ask for it. */
export function corsVerdict(findings: BucketFinding[]): Verdict {
  const rules = findings.flatMap(({ found }) => (found === undefined ? [] : [found]));
  if (findings.some(({ state }) => state === 'refused')) return skipped(mayNotRead('it'));
  if (rules.length === 0)
    return skipped('none; browsers that upload directly need it: artifacts bucket apply --cors-origin …');
  const has = (field: string, value: string): boolean =>
    rules.some((rule) => textsIn(rule[field]).some((text) => text.toLowerCase() === value));
  if (has('AllowedMethods', 'put') && (has('ExposeHeaders', 'etag') || has('ExposeHeaders', '*')))
    return ok(`for ${listText(rules.flatMap((rule) => textsIn(rule['AllowedOrigins'])))}`);
  return degraded(
    'no rule allows PUT and shows the ETag',
    'Browsers cannot upload directly.',
    'artifacts bucket apply --cors-origin https://…',
  );
}

/** Those of a worker need not. */
const mayNotRead = (what: string): string =>
  `these credentials may not read ${what}: ask "artifacts bucket check" with those of an operator`;

const textsIn = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

/** Pure: public access, ownership, encryption, versioning and policy. */
export function settingsVerdict(findings: BucketFinding[]): Verdict {
  const known = findings.filter(({ state }) => state !== 'not_supported');
  if (known.length === 0) return skipped('this store has no such settings');
  const drift = driftVerdict(known, 'The bucket is less protected than it could be.');
  return (
    drift ??
    unreadVerdict(known, { what: 'the settings', effect: 'Nobody can tell from here how it is protected.' }) ??
    ok(
      `as wanted: ${[...new Set(known.filter(({ state }) => state === 'as_wanted').map(({ part }) => part))].join(', ')}`,
    )
  );
}

function driftVerdict(findings: BucketFinding[], effect: string): Verdict | null {
  const drift = findings.filter(isChange);
  if (drift.length === 0) return null;
  const text = ({ part, name, state }: BucketFinding): string => `${name === 'default' ? part : name} ${state}`;
  return degraded(listText(drift.map(text), 8), effect, PLAN);
}

function unreadVerdict(findings: BucketFinding[], { what, effect }: { what: string; effect: string }): Verdict | null {
  if (findings.some(({ state }) => state === 'not_supported'))
    return degraded(`this store has no ${what}`, effect, 'Nothing: keep workers running, which do it all.');
  if (findings.some(({ state }) => state === 'refused')) return skipped(mayNotRead(what));
  return null;
}
